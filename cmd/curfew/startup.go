package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/problem"
)

// handoverTime limits how long the last answers of an early server may take.
const handoverTime = time.Second

// startupServer answers on the platform's one port until the service is built, so that the platform
// sees it alive: probes learn that it is alive but not ready, and other callers that they must
// retry.
type startupServer struct {
	at     *net.TCPListener
	server *http.Server
	ended  chan error
}

// newStartupServer starts answering. The caller keeps the listener.
func newStartupServer(at *net.TCPListener, log *slog.Logger) *startupServer {
	e := &startupServer{at: at, server: httpapi.NewStartupServer(http.HandlerFunc(answerEarly), log), ended: make(chan error, 1)}
	go func() { e.ended <- e.server.Serve(lent{at}) }()
	return e
}

// handOver stops answering. New connections then wait for the next server on the listener.
func (e *startupServer) handOver(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, handoverTime)
	defer cancel()
	if err := e.at.SetDeadline(time.Unix(1, 0)); err != nil { // Accept returns at once
		return err
	}
	if err := <-e.ended; !errors.Is(err, net.ErrClosed) {
		return err
	}
	if e.server.Shutdown(ctx) != nil { // a connection that says nothing
		_ = e.server.Close()
	}
	return e.at.SetDeadline(time.Time{})
}

// lent is a listener that only its owner closes. Accept ends at its deadline.
type lent struct{ *net.TCPListener }

func (l lent) Accept() (net.Conn, error) {
	conn, err := l.TCPListener.Accept()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = net.ErrClosed
	}
	return conn, err
}

func (lent) Close() error { return nil }

func answerEarly(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/livez":
		_, _ = w.Write([]byte("ok\n"))
	case strings.HasPrefix(r.URL.Path, "/static/") && console.ServeStatic(w, r):
	default:
		w.Header().Set("Retry-After", "1")
		if problem.Browses(r) {
			w.Header().Set("Refresh", "2")
			console.ProblemPage(w, r, problem.OfKind(curfew.Unavailable, "Curfew is starting, and waits for its database. This page looks again by itself."))
			return
		}
		http.Error(w, "not ready", http.StatusServiceUnavailable)
	}
}
