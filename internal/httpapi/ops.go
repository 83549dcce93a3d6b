package httpapi

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/curfewhq/curfew/internal/auth"
)

// readyTimeout limits one check of the database.
const readyTimeout = 2 * time.Second

// opsHandlers answer operators and their programs.
type opsHandlers struct {
	ready func(context.Context) error // whether the database answers with the schema that this process needs
}

func (h opsHandlers) liveness(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }

// readiness answers 503 until the database is ready.
func (h opsHandlers) readiness(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := h.ready(ctx); err != nil {
		http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ready")
}

// bareReadiness is readiness for the public: the reason is only logged.
func (h opsHandlers) bareReadiness(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if h.ready(ctx) != nil {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ready")
}

// ownHost refuses calls over loopback that name another host. They come from a web page in a
// browser on this machine whose server resolves its own name to a loopback address (DNS rebinding).
// A listener that others can reach may have any name.
func ownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		if at != nil && at.IP.IsLoopback() && r.Host != "" && !auth.Local("http://"+r.Host) {
			http.Error(w, "this listener is for operators on this machine: call it by its address, or as localhost", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
