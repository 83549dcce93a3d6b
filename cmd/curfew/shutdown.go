package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A service stops in this order: it reports not ready, keeps answering for the drain, closes its
// listener, and lets calls in progress finish. After the drain that takes less than five seconds,
// whatever hangs.
const (
	finishTime     = 3 * time.Second         // for calls under way
	haltTime       = time.Second             // before the end of finishTime: cleanups and undos stop between two steps
	unusedConnTime = time.Second             // for connections without a request
	flushTime      = time.Second             // for the last traces
	endTime        = 4500 * time.Millisecond // for everything: then the process exits
	defaultDrain   = 5 * time.Second
)

// drain returns how long the service keeps answering after it was told to stop.
func (s *settings) drain() time.Duration {
	switch {
	case s.Drain != nil:
		return time.Duration(*s.Drain)
	case s.Listen.Loopback():
		return 0
	}
	return defaultDrain
}

// unusedConns are connections that have sent no request yet, such as those that browsers open in
// advance. A shutdown would wait for them.
type unusedConns struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func newUnusedConns() *unusedConns { return &unusedConns{conns: map[net.Conn]struct{}{}} }

// track implements http.Server's ConnState.
func (u *unusedConns) track(conn net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[conn] = struct{}{}
		return
	}
	delete(u.conns, conn)
}

func (u *unusedConns) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for conn := range u.conns {
		_ = conn.Close() // its server notices
	}
}

// closeConnections tells callers to open a new connection for their next request while the service
// is stopping, so that no connection is still open when the listener closes.
func closeConnections(stopping *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// exitAfter ends the process if it is still running endTime after the drain.
func exitAfter(drained context.Context, term terminal) (stop func() bool) {
	return context.AfterFunc(drained, func() {
		time.AfterFunc(endTime, func() {
			os.Exit(report(term, fmt.Errorf("stopping took over %s: what was still running was cut off", endTime)))
		})
	})
}
