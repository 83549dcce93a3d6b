package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// readyTimeout bounds one look at the database.
const readyTimeout = 2 * time.Second

// opsHandlers answer to operators and their programs.
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
