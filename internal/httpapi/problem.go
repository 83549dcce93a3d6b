package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/wire"
)

const (
	problemType = "application/problem+json"
	// docsURL is where a problem's type leads: the documentation's list of codes.
	docsURL = "/docs#"
	// retryAfter is how many seconds a caller should wait after Unavailable.
	retryAfter = "1"
	// methodNotAllowed is the one code that no kind of curfew has: it is the
	// router's.
	methodNotAllowed = "method_not_allowed"
)

// meaning is what a kind is over HTTP.
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

// failure is a problem on its way to the caller.
type failure struct {
	api.Problem
	header http.Header
}

func (f *failure) Error() string { return f.Detail }

// GetStatus implements huma.StatusError.
func (f *failure) GetStatus() int { return f.Status }

// GetHeaders implements huma.HeadersError.
func (f *failure) GetHeaders() http.Header { return f.header }

// ContentType implements huma.ContentTypeFilter.
func (f *failure) ContentType(string) string { return problemType }

// malformed is what cannot even be read: invalid with the status 400.
func malformed(detail string) *failure {
	f := kindFailure(curfew.Invalid, detail)
	f.Status = http.StatusBadRequest
	return f
}

func kindFailure(k curfew.Kind, detail string) *failure {
	m := meanings[k]
	f := &failure{Problem: api.Problem{
		Type: docsURL + string(k), Title: m.title, Status: m.status, Detail: detail, Code: string(k),
	}, header: http.Header{}}
	switch k {
	case curfew.Unavailable:
		f.header.Set("Retry-After", retryAfter)
	case curfew.Unauthenticated:
		f.header.Set("WWW-Authenticate", `Bearer realm="curfew"`)
	}
	return f
}

// fail is the problem of an error. The text of what is no kind of ours stays in
// the log, under the request's id.
func (s *Server) fail(ctx context.Context, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	kind := kindOf(err)
	detail := meanings[kind].title + "."
	known, ok := errors.AsType[*curfew.Error](err)
	if ok && known.Message != "" && kind != curfew.Internal {
		detail = known.Message
	}
	f := kindFailure(kind, detail)
	if ok && known.Blocker != nil {
		f.block(*known.Blocker)
	}
	if f.Status >= http.StatusInternalServerError {
		v := visitOf(ctx)
		f.RequestID = v.id
		f.Detail = strings.TrimSuffix(f.Detail, ".") + ". The log knows this request as " + v.id + "."
		s.log.ErrorContext(ctx, "a request failed", "request_id", v.id, "code", f.Code, "error", err)
	}
	return f
}

// kindOf is the kind of an error. Time that ran out says nothing of the
// outcome: that is Unavailable.
func kindOf(err error) curfew.Kind {
	kind := curfew.KindOf(err)
	if kind == curfew.Internal && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)) {
		return curfew.Unavailable
	}
	return kind
}

func (f *failure) block(b curfew.Blocker) {
	f.Session, f.Actions = wire.Blocker(b), b.Actions
	if !b.ReleasesAt.IsZero() {
		at := b.ReleasesAt.UTC()
		f.ReleasesAt = &at
	}
}

// refuse writes a problem outside of huma.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := s.fail(r.Context(), err)
	for name, values := range f.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(f.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // a line to paste may have an &
	if err := enc.Encode(f); err != nil {
		s.log.DebugContext(r.Context(), "a problem was not read", "request_id", visitOf(r.Context()).id, "error", err)
	}
}

// ours turns what huma says of an input into a problem of the contract. Huma
// names the place and what was expected; the value is not echoed.
func ours(_ huma.Context, _ string, body any) (any, error) {
	theirs, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	details := make([]string, len(theirs.Errors))
	for i, e := range theirs.Errors {
		details[i] = strings.TrimPrefix(e.Location+": "+e.Message, ": ")
	}
	f := kindFailure(curfew.Invalid, strings.Join(details, "; "))
	if len(details) == 0 {
		f.Detail = theirs.Detail
	}
	f.Status = theirs.Status
	return f, nil
}
