package httpapi

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/problem"
)

const (
	// maxHeader limits a request's line and headers, in bytes.
	maxHeader = 16 << 10
	// readHeader is how much of them is read in order to refuse larger ones with a problem. Beyond
	// it, net/http answers in plain text.
	readHeader = 4 * maxHeader
)

// Trace begins the trace of a request with the request's id. It returns the context for the work,
// and a function that ends the trace with the route's pattern (empty if no route matched) and the
// response's status. Implementations must not read more of the request: paths and headers identify
// callers.
type Trace func(r *http.Request, requestID string) (context.Context, func(route string, status int))

func untraced(r *http.Request, _ string) (context.Context, func(string, int)) {
	return r.Context(), func(string, int) {}
}

// observer logs, counts and traces requests.
type observer struct {
	log      *slog.Logger
	metrics  *metrics.Registry
	trace    Trace
	problems problem.Writer
	proxies  proxies
	unnamed  *atomic.Bool // the log has warned that a proxy seems to be missing from the setting
	audit    auditor
}

// wrap gives every request an id and a log line, and every response its headers. It recovers from
// panics.
func (o observer) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := o.infoOf(r)
		ctx, end := o.trace(r, info.ID)
		r = r.WithContext(problem.WithRequest(ctx, info))
		rec := &recorder{ResponseWriter: w, packs: r.Method == http.MethodGet && console.AcceptsGzip(r)}
		secure(rec.Header())
		rec.Header().Set("X-Request-Id", info.ID)
		begun := time.Now()
		defer func() {
			o.recovered(rec, r, recover())
			rec.finish()
			took := time.Since(begun)
			o.logRequest(r, info, rec, took)
			o.audit.note(info, rec.route, rec.statusCode())
			o.metrics.Answered(rec.route, rec.statusCode())
			if !rec.streamed {
				o.metrics.AnsweredIn(rec.route, took)
			}
			end(rec.route, rec.statusCode())
		}()
		if headerSize(r) > maxHeader {
			o.problems.Answer(rec, r, headersTooLarge())
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// plainID matches the request ids that a proxy may set.
var plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// infoOf returns what is known of a request before authentication. Only a trusted proxy may set its
// id and sender: others could write anything into the log, or have their calls counted as somebody
// else's.
func (o observer) infoOf(r *http.Request) *problem.RequestInfo {
	from, byProxy := o.proxies.sender(r)
	if id := r.Header.Get("X-Request-Id"); byProxy && plainID.MatchString(id) {
		return &problem.RequestInfo{ID: id, From: from}
	}
	if !byProxy && len(r.Header.Values(forwardedFor)) > 0 && o.unnamed.CompareAndSwap(false, true) {
		o.log.WarnContext(r.Context(), "a request has X-Forwarded-For, but trusted_proxies does not name the address that it came from: "+
			"if Curfew is behind a proxy, set trusted_proxies to the proxy's network, or all callers without a token share the limits of one address")
	}
	return &problem.RequestInfo{ID: rand.Text(), From: from}
}

// headerSize returns the approximate size of a request's line and headers, in bytes.
func headerSize(r *http.Request) int {
	size := len(r.Method) + len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	return size
}

func headersTooLarge() *problem.Problem {
	f := problem.OfKind(curfew.TooLarge, "the headers have more than "+strconv.Itoa(maxHeader)+" bytes")
	f.Status, f.Title = http.StatusRequestHeaderFieldsTooLarge, "The headers are too large"
	return f
}

// secure sets the headers of every response. Nothing is cached, framed or sniffed, and only
// Curfew's own scripts run.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "+
		"img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Strict-Transport-Security", "max-age=31536000")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// recovered answers for a handler that panicked. The stack goes only to the log.
func (o observer) recovered(w *recorder, r *http.Request, panicked any) {
	if panicked == nil {
		return
	}
	if panicked == http.ErrAbortHandler { //nolint:errorlint // it is this value, never wrapped
		panic(panicked)
	}
	logPanic(r.Context(), o.log, panicked)
	if w.status == 0 {
		o.problems.Answer(w, r, curfew.Internal)
	}
}

func logPanic(ctx context.Context, log *slog.Logger, panicked any) {
	log.ErrorContext(ctx, "a handler panicked",
		"request_id", problem.RequestOf(ctx).ID, "panic", panicked, "stack", string(debug.Stack()))
}

// logRequest writes one log line. It names the route's pattern instead of the path, because paths
// and queries contain what callers chose.
func (o observer) logRequest(r *http.Request, info *problem.RequestInfo, w *recorder, took time.Duration) {
	level, actor := slog.LevelInfo, "nobody"
	if info.Actor.Role != "" {
		actor = info.Actor.String()
	}
	switch {
	case w.status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case w.route == "GET /livez", w.route == "GET /readyz": // probes, every few seconds
		level = slog.LevelDebug
	}
	o.log.LogAttrs(r.Context(), level, "request",
		slog.String("request_id", info.ID), slog.String("method", r.Method), slog.String("route", w.route),
		slog.Int("status", w.status), slog.Duration("took", took), slog.String("actor", actor))
}
