// Package problem reports errors over HTTP (RFC 9457). It has the one table from curfew's kinds of errors to statuses, turns
// errors into problems, and withholds from callers what only the log may contain. A problem names its request, so the
// package also holds the information about a request, and the checks of a query.
//
// The package knows no routes, and does not know who may do what.
package problem

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/wire"
)

const (
	// ContentType is a problem's media type.
	ContentType = "application/problem+json"
	// DocsURL begins a problem's type, which leads to the documentation's list of codes.
	DocsURL = "/docs#"
	// retryAfter is how many seconds a caller should wait after Unavailable.
	retryAfter = "1"
	// MethodNotAllowed is the only code that is not one of curfew's kinds: the router uses it.
	MethodNotAllowed = "method_not_allowed"
)

// meaning is the status and the title of a kind.
type meaning struct {
	status int
	title  string
}

// meanings is the one table from kind to status.
var meanings = map[curfew.Kind]meaning{
	curfew.Invalid:              {http.StatusUnprocessableEntity, "The input cannot be accepted"},
	curfew.Unauthenticated:      {http.StatusUnauthorized, "Nobody is signed in"},
	curfew.PaymentRequired:      {http.StatusPaymentRequired, "Neither a free plan nor a credit"},
	curfew.Forbidden:            {http.StatusForbidden, "This role may not do that"},
	curfew.NotFound:             {http.StatusNotFound, "There is no such thing"},
	curfew.SessionOpen:          {http.StatusConflict, "The customer has an open session"},
	curfew.AlreadyClaimed:       {http.StatusConflict, "Another mechanic was first"},
	curfew.MechanicBusy:         {http.StatusConflict, "The mechanic has an open session"},
	curfew.Conflict:             {http.StatusConflict, "Its state forbids that"},
	curfew.TooLarge:             {http.StatusRequestEntityTooLarge, "The body is too large"},
	curfew.UnsupportedMediaType: {http.StatusUnsupportedMediaType, "The body is not declared as JSON"},
	curfew.IdempotencyMismatch:  {http.StatusUnprocessableEntity, "Known with other contents"},
	curfew.RateLimited:          {http.StatusTooManyRequests, "Too many calls"},
	curfew.Unavailable:          {http.StatusServiceUnavailable, "The database cannot answer now"},
	curfew.Internal:             {http.StatusInternalServerError, "Something went wrong inside Curfew"},
}

// Meaning returns the status and the title of a kind; ok is false for a kind that has none.
func Meaning(k curfew.Kind) (status int, title string, ok bool) {
	m, ok := meanings[k]
	return m.status, m.title, ok && m.title != ""
}

// Problem is an error that is its own response: a problem, and the headers that go with it.
type Problem struct {
	api.Problem
	Header http.Header `json:"-"` // of the answer
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.Header }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return ContentType }

// Malformed returns the problem of a request that cannot even be read: invalid, with the status 400.
func Malformed(detail string) *Problem {
	f := OfKind(curfew.Invalid, detail)
	f.Status = http.StatusBadRequest
	return f
}

// OfKind returns the problem of a kind. The detail is shown to the caller.
func OfKind(k curfew.Kind, detail string) *Problem {
	m := meanings[k]
	f := &Problem{Problem: api.Problem{
		Type: DocsURL + string(k), Title: m.title, Status: m.status, Detail: detail, Code: string(k),
	}, Header: http.Header{}}
	switch k {
	case curfew.Unavailable:
		f.Header.Set("Retry-After", retryAfter)
	case curfew.Unauthenticated:
		f.Header.Set("WWW-Authenticate", `Bearer realm="curfew"`)
	}
	return f
}

// Writer turns errors into problems, responds with them, and logs what callers must not see.
type Writer struct {
	Log *slog.Logger
	// Page answers a browser that was led to the address, and reports whether it did; nil: browsers get JSON, too.
	Page func(http.ResponseWriter, *http.Request, *Problem) bool
}

// Browses reports whether a person looks at the answer of a request: a browser that follows a link or sends a form asks
// for HTML, and programs and scripts do not.
func Browses(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// From returns the problem of an error. If the status is 500 or above, the error is logged under the request's id; the
// text of an error that is not one of curfew's kinds is only logged.
func (w Writer) From(ctx context.Context, err error) *Problem {
	if f, ok := errors.AsType[*Problem](err); ok {
		return f
	}
	kind := KindOf(err)
	detail := meanings[kind].title + "."
	known, ok := errors.AsType[*curfew.Error](err)
	if ok && known.Message != "" && kind != curfew.Internal {
		detail = known.Message
	}
	f := OfKind(kind, detail)
	if ok && known.Blocker != nil {
		f.block(*known.Blocker)
	}
	if ok && known.RetryAfter > 0 {
		f.Header.Set("Retry-After", seconds(known.RetryAfter))
	}
	if f.Status >= http.StatusInternalServerError {
		id := RequestOf(ctx).ID
		f.RequestID = id
		f.Detail = strings.TrimSuffix(f.Detail, ".") + ". The log knows this request as " + id + "."
		w.Log.ErrorContext(ctx, "a request failed", "request_id", id, "code", f.Code, "error", err)
	}
	return f
}

// KindOf returns the kind of an error. Time that ran out says nothing about the outcome, so it is curfew.Unavailable.
func KindOf(err error) curfew.Kind {
	kind := curfew.KindOf(err)
	if kind == curfew.Internal && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return curfew.Unavailable
	}
	return kind
}

func (p *Problem) block(b curfew.Blocker) {
	p.Session, p.Actions = wire.Blocker(b), b.Actions
	if !b.ReleasesAt.IsZero() {
		at := b.ReleasesAt.UTC()
		p.ReleasesAt = &at
	}
}

// Answer answers a request with the problem of an error.
func (w Writer) Answer(to http.ResponseWriter, r *http.Request, err error) {
	f := w.From(r.Context(), err)
	for name, values := range f.Header {
		to.Header()[name] = values
	}
	if w.Page != nil && Browses(r) && w.Page(to, r, f) {
		return
	}
	to.Header().Set("Content-Type", ContentType)
	to.WriteHeader(f.Status)
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false) // a command to paste may contain an &
	if err := enc.Encode(f); err != nil {
		w.Log.DebugContext(r.Context(), "a problem was not read", "request_id", RequestOf(r.Context()).ID, "error", err)
	}
}

// TooLarge returns the problem of a body with more than most bytes. It also ends the connection, because the rest of
// the body is not waited for.
func TooLarge(most int) error {
	f := OfKind(curfew.TooLarge, fmt.Sprintf("the body has more than %d bytes", most))
	f.Header.Set("Connection", "close")
	return f
}

// seconds formats a wait for Retry-After, rounded up to whole seconds.
func seconds(wait time.Duration) string {
	return strconv.Itoa(int((wait + time.Second - 1) / time.Second))
}

// TooMany returns the problem of a caller who has reached a limit for now.
func TooMany(detail string) *Problem {
	f := OfKind(curfew.RateLimited, detail)
	f.Header = http.Header{"Retry-After": {"5"}}
	return f
}

// WrongMethod returns the problem of a route that takes only the methods in allow.
func WrongMethod(method, allow string) *Problem {
	f := OfKind(curfew.Invalid, "this route takes "+allow+", not "+method)
	f.Status, f.Code, f.Type, f.Title = http.StatusMethodNotAllowed, MethodNotAllowed, DocsURL+MethodNotAllowed, "Another method"
	f.Header.Set("Allow", allow)
	return f
}
