package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/sse"
)

// What pages of allowed origins may send and read. Such a page proves who calls with a token:
// credentials are never allowed, so a cookie is valid for no other site.
var (
	corsMethods = strings.Join([]string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete}, ", ")
	corsHeaders = strings.Join([]string{"Authorization", "Content-Type", "Idempotency-Key", sse.LastEventID, auth.ActAs}, ", ")
	corsExposed = strings.Join([]string{"Retry-After", "X-Request-Id", "WWW-Authenticate"}, ", ")
)

// corsMaxAge is how long a browser caches a preflight, in seconds.
const corsMaxAge = "600"

// origins are the origins whose pages may call the API.
type origins []string

// share answers preflights, and lets pages of allowed origins read the API's answers, including
// problems and streams.
func (o origins) share(problems problem.Writer, next http.Handler) http.Handler {
	if len(o) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		h, origin := w.Header(), r.Header.Get("Origin")
		h.Add("Vary", "Origin")
		allowed := slices.Contains(o, origin)
		if allowed {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", corsExposed)
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
		if !allowed {
			problems.Answer(w, r, curfew.Errorf(curfew.Forbidden, "pages of this origin may not call the API: allowed_origins does not name it"))
			return
		}
		h.Set("Access-Control-Allow-Methods", corsMethods)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", corsMaxAge)
		w.WriteHeader(http.StatusNoContent)
	})
}
