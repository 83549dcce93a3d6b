package httpapi

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/strictjson"
)

// plainID is what a caller may call a request.
var plainID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// observed gives every request an id, every answer its headers, every visit a
// line in the log, and survives panics.
func (s *Server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &problem.RequestInfo{ID: r.Header.Get("X-Request-Id")}
		if !plainID.MatchString(v.ID) {
			v.ID = rand.Text()
		}
		ctx, end := s.trace(r, v.ID)
		r = r.WithContext(problem.WithRequest(ctx, v))
		answer := &answer{ResponseWriter: w}
		secure(answer.Header())
		answer.Header().Set("X-Request-Id", v.ID)
		begun := time.Now()
		defer func() {
			s.survive(answer, r, recover())
			took := time.Since(begun)
			s.logVisit(r, v, answer, took)
			s.metrics.Answered(answer.route, answer.statusCode())
			if !answer.streamed {
				s.metrics.AnsweredIn(answer.route, took)
			}
			end(answer.route, answer.statusCode())
		}()
		if headerSize(r) > maxHeader {
			s.problems.Answer(answer, r, headersTooLarge())
			return
		}
		next.ServeHTTP(answer, r)
	})
}

// headerSize is about how many bytes a request's line and headers had. net/http
// has a limit of its own, and lets 4 kB more pass.
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

// secure sets what holds for every answer: nothing is cached, framed, sniffed,
// or runs that is not ours.
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

// survive answers for a handler that panicked; the stack is the log's.
func (s *Server) survive(w *answer, r *http.Request, panicked any) {
	if panicked == nil {
		return
	}
	if panicked == http.ErrAbortHandler { //nolint:errorlint // it is this value, never wrapped
		panic(panicked)
	}
	s.log.ErrorContext(r.Context(), "a handler panicked",
		"request_id", problem.RequestOf(r.Context()).ID, "panic", panicked, "stack", string(debug.Stack()))
	if w.status == 0 {
		s.problems.Answer(w, r, curfew.Internal)
	}
}

// logVisit writes one line. The route's pattern stands for the path: what
// callers put into paths and queries is not logged.
func (s *Server) logVisit(r *http.Request, v *problem.RequestInfo, w *answer, took time.Duration) {
	level, actor := slog.LevelInfo, "nobody"
	if v.Actor.Role != "" {
		actor = v.Actor.String()
	}
	if w.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	s.log.LogAttrs(r.Context(), level, "request",
		slog.String("request_id", v.ID), slog.String("method", r.Method), slog.String("route", w.route),
		slog.Int("status", w.status), slog.Duration("took", took), slog.String("actor", actor))
}

// answer remembers what was answered.
type answer struct {
	http.ResponseWriter
	status   int
	route    string // the pattern; empty: there is none such
	streamed bool
}

// statusCode is the status that the caller saw: net/http says 200 where a
// handler says nothing.
func (a *answer) statusCode() int { return cmp.Or(a.status, http.StatusOK) }

// WriteHeader remembers the status.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(text []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(text)
}

// Hijack gives the connection away: to a live stream, which answers 200.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, text, err := http.NewResponseController(a.ResponseWriter).Hijack()
	if err == nil {
		a.status, a.streamed = http.StatusOK, true
	}
	return conn, text, err
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// routed gives the mux's own 404 and 405 the contract's form.
func (s *Server) routed(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if a, ok := w.(*answer); ok {
			a.route = pattern
		}
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		said := &unsaid{header: http.Header{}}
		h.ServeHTTP(said, r)
		if said.status == http.StatusMethodNotAllowed {
			s.problems.Answer(w, r, problem.WrongMethod(strictjson.Short(r.Method), said.header.Get("Allow")))
			return
		}
		s.problems.Answer(w, r, curfew.Errorf(curfew.NotFound, "there is no such route: /docs lists them"))
	})
}

// unsaid takes an answer and sends it to nobody.
type unsaid struct {
	header http.Header
	status int
}

func (u *unsaid) Header() http.Header            { return u.header }
func (u *unsaid) WriteHeader(status int)         { u.status = status }
func (u *unsaid) Write(text []byte) (int, error) { return len(text), nil }
