package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

// How a service ends: it says that it is not ready, goes on answering for the
// drain, closes its listener, and lets what is under way finish. After the drain
// it takes less than five seconds, whatever hangs.
const (
	finishTime   = 3 * time.Second         // for calls under way
	haltTime     = time.Second             // before the end of that, for cleanups and undos to stop between two steps
	strangerTime = time.Second             // for connections that have not asked anything
	flushTime    = time.Second             // for the last traces
	endTime      = 4500 * time.Millisecond // for everything: then the process is ended
	defaultDrain = 5 * time.Second
)

// drain is how long the service goes on answering after it was told to stop.
func (s *settings) drain() time.Duration {
	switch {
	case s.Drain != nil:
		return time.Duration(*s.Drain)
	case s.Listen.Loopback():
		return 0
	}
	return defaultDrain
}

// endSignals are the signals that end a service in good order. One that was ignored
// when the process began (nohup) stays ignored.
func endSignals() []os.Signal {
	return slices.DeleteFunc([]os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}, signal.Ignored)
}

// untilSignal is a context that the first signal ends, and a second one that
// ends when the drain is over: after its time, or with the second signal. From
// then on a signal ends the process at once. Cancel ends both.
func untilSignal(ctx context.Context, drain time.Duration) (told, drained context.Context, cancel context.CancelFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, endSignals()...)
	drained, stopped := context.WithCancel(ctx)
	told, tell := context.WithCancel(drained)
	go func() {
		defer stopped()
		defer signal.Stop(signals) // before anybody learns of the end
		if !arrives(drained, signals) || drain <= 0 {
			return
		}
		tell()
		limited, cancel := context.WithTimeout(drained, drain)
		defer cancel()
		arrives(limited, signals)
	}()
	return told, drained, func() { tell(); stopped() }
}

func arrives(ctx context.Context, signals <-chan os.Signal) bool {
	select {
	case <-signals:
		return true
	case <-ctx.Done():
		return false
	}
}

// strangers are connections that have asked for nothing yet, such as browsers
// open in advance. A stop would wait for them.
type strangers struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func newStrangers() *strangers { return &strangers{conns: map[net.Conn]struct{}{}} }

// see implements http.Server's ConnState.
func (s *strangers) see(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.conns[conn] = struct{}{}
		return
	}
	delete(s.conns, conn)
}

func (s *strangers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close() // its server notices
	}
}

// goodbye tells callers whose connection is kept open to come on another one,
// once the service is stopping: so none is open when the listener closes.
func (svc *service) goodbye(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if svc.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// front is what the listener for operators answers: until the service is built,
// that the process lives and is not ready.
type front struct {
	mu    sync.RWMutex
	built http.Handler
}

func (f *front) build(h http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.built = h
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.RLock()
	built := f.built
	f.mu.RUnlock()
	switch {
	case built != nil:
		built.ServeHTTP(w, r)
	case r.URL.Path == "/livez":
		_, _ = w.Write([]byte("ok\n"))
	default:
		http.Error(w, "not ready: the service is starting and waits for its database", http.StatusServiceUnavailable)
	}
}
