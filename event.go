package curfew

import (
	"strings"
	"time"
)

// Event is one line of the history of a session or a checkout, written in the
// transaction that made the change. Numbers of one subject have no gap, and an
// event's number is the version the row had after it.
type Event struct {
	ID         string
	CustomerID string
	Subject    string // the session's or checkout's id
	Number     int64
	From, To   string // From is empty for the first
	Actor      Actor
	Reason     string
	RunID      string // the cleanup that did it; empty: none
	At         time.Time
}

// Refused is one time that a customer was refused, because of this session.
type Refused struct {
	ID         string
	CustomerID string
	SessionID  string
	At         time.Time
}

// Happening is an event with what it is about, as that stands now: it may have
// moved on since.
type Happening struct {
	Event
	Of string // what the subject is: "session" or "checkout"
	// Session is the event's, or the first one of its checkout; its zero value:
	// there is none.
	Session Session
	// Checkout is the event's, or the one that paid for its session.
	Checkout Checkout
}

// OfSession reports whether the event is a session's.
func (h Happening) OfSession() bool { return h.Of == "session" }

// Kind names what happened, for those who are told: session.waiting,
// checkout.refunded. A step that keeps the status is named by its reason.
func (h Happening) Kind() string {
	switch {
	case !h.OfSession() && h.From == h.To:
		return "checkout.changed"
	case !h.OfSession():
		return "checkout." + h.To
	case h.From == h.To:
		return "session." + stepWithin(h.Reason)
	}
	return "session." + h.To
}

// stepWithin reads a reason: a code, and maybe a note behind a colon.
func stepWithin(reason string) string {
	code, _, _ := strings.Cut(reason, ": ")
	switch {
	case code == AcceptedReason, code == ReleasedReason, code == JoinedReason:
		return code
	case strings.HasPrefix(reason, ExtendedReason+" "):
		return ExtendedReason
	case reason == PostponedReason:
		return "postponed"
	}
	return "changed"
}

// TestKind is the kind of a delivery that no event caused.
const TestKind = "test"

// EventKinds lists what Kind can say.
func EventKinds() []string {
	var all []string
	for _, s := range SessionStatuses() {
		all = append(all, "session."+string(s))
	}
	for _, step := range []string{AcceptedReason, ReleasedReason, JoinedReason, ExtendedReason, "postponed", "changed"} {
		all = append(all, "session."+step)
	}
	for _, o := range Outcomes() {
		all = append(all, "checkout."+string(o))
	}
	return append(all, "checkout.changed")
}
