package curfew

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Quarantined is one thing that could not be settled, though everything around
// it could. It is set apart so that it stops nothing else, and tried again less
// and less often until it is settled or moves on.
type Quarantined struct {
	Noun       QuarantineNoun
	CustomerID string
	// ID is the session's, checkout's, event's or delivery's; of a customer none.
	ID string
	// Version is the row's when it failed last; once it has another one, it has
	// moved on. Customers, events and deliveries have none.
	Version int64
	// Step is what was tried: "end", "begin", "settle", "serve", "refund", "tell"
	// or "deliver".
	Step string
	// FirstError and LastError are safe to show: a code, never a driver's text.
	FirstError string
	LastError  string
	Tries      int64
	Since      time.Time // the first failure
	TriedAt    time.Time // the last one
	NextAt     time.Time // when it is tried again
	// Wait is how long until then, by the store's clock; not positive: now.
	Wait time.Duration
}

// QuarantineNoun is what kind of thing was set apart.
type QuarantineNoun string

// The kinds. A customer is set apart where serving them failed.
const (
	QuarantinedSession  QuarantineNoun = "session"
	QuarantinedPayment  QuarantineNoun = "payment"
	QuarantinedCustomer QuarantineNoun = "customer"
	QuarantinedEvent    QuarantineNoun = "event"
	QuarantinedDelivery QuarantineNoun = "delivery"
)

// How long something that was set apart waits for its next try: so long after
// the first failure, twice as long after each further one, and never longer.
const (
	FirstQuarantine   = 5 * time.Second
	LongestQuarantine = 5 * time.Minute
)

// OfOneRow reports whether a failure may be one row's own: the database answers,
// and what stands beside the row can be settled. A row that somebody holds for
// long is of that kind.
func OfOneRow(err error) bool {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.Is(err, ErrRowHeld):
		return true
	}
	return !errors.Is(err, Unavailable) && !errors.Is(err, RateLimited)
}

// SafeText is what may be shown of a failure: its message where it was made to
// be shown, else the database's code, never its text.
func SafeText(err error) string {
	var said *Error
	if errors.As(err, &said) && said.Kind != Internal && said.Kind != Unavailable {
		return said.Message
	}
	var standard interface{ SQLState() string }
	if errors.As(err, &standard) {
		return "the database refused it: SQLSTATE " + standard.SQLState()
	}
	var numbered interface{ Code() int }
	if errors.As(err, &numbered) {
		return fmt.Sprintf("the database refused it: SQLite error %d", numbered.Code())
	}
	if said != nil {
		return said.Message
	}
	return "internal: the log says what failed"
}
