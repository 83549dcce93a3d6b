package curfew

import (
	"errors"
	"fmt"
	"time"
)

// Kind classifies a failure. Its text is the code that HTTP clients see. A kind is
// itself an error: test for one with errors.Is(err, curfew.Conflict).
type Kind string

// The kinds of errors. An error that has no kind counts as Internal.
const (
	Invalid              Kind = "invalid"                // the input can never be accepted as it is
	Unauthenticated      Kind = "unauthenticated"        // nobody, or a token that proves nothing
	PaymentRequired      Kind = "payment_required"       // neither a free plan nor a credit
	Forbidden            Kind = "forbidden"              // this role may never do that
	NotFound             Kind = "not_found"              // missing, or another's
	SessionOpen          Kind = "session_open"           // the customer's slot is truly taken
	AlreadyClaimed       Kind = "already_claimed"        // another mechanic was first
	MechanicBusy         Kind = "mechanic_busy"          // the mechanic's slot is truly taken
	Conflict             Kind = "conflict"               // the row moved, or its state forbids it
	TooLarge             Kind = "too_large"              // the body exceeds the limit
	UnsupportedMediaType Kind = "unsupported_media_type" // the body is not declared as JSON
	IdempotencyMismatch  Kind = "idempotency_mismatch"   // a known reference with other contents
	RateLimited          Kind = "rate_limited"           // too many calls
	Unavailable          Kind = "unavailable"            // the database cannot answer now; nothing is known to have failed
	Internal             Kind = "internal"               // a defect; its text stays in the log
)

// Kinds lists every kind, so that tests can check tables of kinds for completeness.
func Kinds() []Kind {
	return []Kind{
		Invalid, Unauthenticated, PaymentRequired, Forbidden, NotFound, SessionOpen, AlreadyClaimed,
		MechanicBusy, Conflict, TooLarge, UnsupportedMediaType, IdempotencyMismatch, RateLimited,
		Unavailable, Internal,
	}
}

// Error makes a kind an error.
func (k Kind) Error() string { return string(k) }

// Error is a failure whose message is safe to show to the caller.
type Error struct {
	Kind    Kind
	Message string
	// Blocker is the session in the way, for SessionOpen and MechanicBusy.
	Blocker *Blocker
	// RetryAfter is how long to wait before the same call can succeed; 0: not known.
	RetryAfter time.Duration
}

// Errorf returns an error of a kind. Callers see its text, so it must hold no secrets.
func Errorf(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.Message }

// Is makes errors.Is(err, kind) true for the error's kind.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf returns the kind of an error, or Internal if it has none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return Internal
}
