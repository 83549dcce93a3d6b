package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/httpapi"
)

// listeners holds the two addresses that a service listens on. The ops address answers from the
// start. On a platform that provides only one port, the public address takes its place.
type listeners struct {
	public     *net.TCPListener
	early      *startupServer   // answers at public until the service is built; nil: calls wait
	ops        *net.TCPListener // nil: operators have none of their own
	opsServer  *http.Server
	opsHandler *startupHandler
	opsEnded   chan error // receives what the ops server returned
}

// listen opens both addresses before the service announces itself.
func (s *settings) listen(ctx context.Context, log *slog.Logger, from *sources) (*listeners, error) {
	public, err := listenAt(ctx, "listen", s.Listen)
	if err != nil {
		return nil, err
	}
	l := &listeners{public: public, opsHandler: &startupHandler{}, opsEnded: make(chan error, 1)}
	l.opsServer = httpapi.NewOpsServer(string(s.ListenOps), l.opsHandler, log)
	addresses := []config.Address{s.Listen}
	if from.withoutOps() {
		l.early = newStartupServer(public, log)
	} else {
		addresses = append(addresses, s.ListenOps)
		if l.ops, err = listenAt(ctx, "listen_ops", s.ListenOps); err != nil {
			return nil, errors.Join(err, public.Close())
		}
		go func() { l.opsEnded <- serveOn(l.opsServer, l.ops) }()
	}
	for _, at := range addresses {
		if !at.Loopback() {
			log.WarnContext(ctx, "other machines can reach "+string(at)+", unencrypted: put a proxy with TLS in front, or listen on 127.0.0.1")
		}
	}
	return l, nil
}

// close closes the listeners. A service that ran to its end has closed them already.
func (l *listeners) close() {
	_ = l.opsServer.Close()
	_ = l.public.Close()
	if l.early != nil {
		_ = l.early.server.Close()
	}
	if l.ops != nil {
		_ = l.ops.Close()
	}
}

// opsURL returns where operators reach the service.
func (l *listeners) opsURL() string {
	at := l.ops
	if at == nil {
		at = l.public
	}
	return config.Address(at.Addr().String()).URL()
}

func listenAt(ctx context.Context, key string, at config.Address) (*net.TCPListener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", string(at))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, curfew.Errorf(curfew.Conflict, "another program listens on %s: choose another %s, for instance --%s 127.0.0.1:0",
			at, key, flagName(key))
	}
	tcp, _ := l.(*net.TCPListener) // as everything is that listens for tcp
	return tcp, err
}

func serveOn(s *http.Server, l net.Listener) error {
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	return nil
}

// startupHandler answers operators until the service is built: alive, but not ready.
type startupHandler struct {
	mu    sync.RWMutex
	built http.Handler
}

// use passes all further requests to the handler of the built service.
func (f *startupHandler) use(h http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.built = h
}

func (f *startupHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
