package curfew

import (
	"fmt"
	"time"
)

// SessionStatus is where a session stands.
type SessionStatus string

// The statuses of a session. Waiting and live hold the customer's slot;
// completed and cancelled are for ever.
const (
	Scheduled SessionStatus = "scheduled"
	Waiting   SessionStatus = "waiting"
	Live      SessionStatus = "live"
	Completed SessionStatus = "completed"
	Cancelled SessionStatus = "cancelled"
)

// SessionStatuses lists the statuses in the order of a life.
func SessionStatuses() []SessionStatus {
	return []SessionStatus{Scheduled, Waiting, Live, Completed, Cancelled}
}

// Ended reports whether nothing can follow.
func (s SessionStatus) Ended() bool { return s == Completed || s == Cancelled }

// Open reports whether the status holds the customer's slot.
func (s SessionStatus) Open() bool { return s == Waiting || s == Live }

// EndReason says why a session ended.
type EndReason string

// The reasons. The first five are the cleanup's, the others a person's or a
// program's.
const (
	Expired   EndReason = "expired"   // nobody accepted in time
	Orphaned  EndReason = "orphaned"  // it was offered to nobody
	NoShow    EndReason = "no_show"   // accepted, never live
	Overran   EndReason = "overran"   // live beyond what was bought and the grace
	Missed    EndReason = "missed"    // its slot was taken at its start
	Cleared   EndReason = "cleared"   // by hand, before its deadline
	ByRequest EndReason = "cancelled" // one of its parties, an admin or a service said so
	TooShort  EndReason = "too_short" // live, but under the policy's MinimumLive
	Finished  EndReason = "finished"  // live and ended by somebody
	ByRefund  EndReason = "refunded"  // its payment was, or is to be, given back
	Foreign   EndReason = "foreign"   // another program's write, completed by the guards
)

// EndReasons lists the reasons.
func EndReasons() []EndReason {
	return []EndReason{
		Expired, Orphaned, NoShow, Overran, Missed, Cleared, ByRequest, TooShort, Finished, ByRefund, Foreign,
	}
}

// Session is a customer's claim on one live slot.
type Session struct {
	ID         string
	CustomerID string
	MechanicID string // empty: unassigned
	CheckoutID string // empty only where another program wrote the row
	Plan       string
	Kind       PlanKind
	Duration   time.Duration // bought, extensions included
	Status     SessionStatus
	Version    int64 // the number of the event that made it what it is

	CreatedAt        time.Time
	StartsAt         time.Time // of an appointment
	ExpiresAt        time.Time // the deadline; zero once ended
	AcceptedAt       time.Time
	CustomerJoinedAt time.Time
	MechanicJoinedAt time.Time
	StartedAt        time.Time // both parties are in; the clock runs
	EndedAt          time.Time
	EndReason        EndReason

	Revives string // the ended session that it stands for again; empty: none
}

// Assigned reports whether the session has a mechanic. The rules for
// unassigned sessions never touch one that has.
func (s Session) Assigned() bool { return s.MechanicID != "" }

// Overdue reports whether the session has not ended and is strictly past its
// deadline. At the exact deadline it is still good.
func (s Session) Overdue(now time.Time) bool {
	return !s.Status.Ended() && now.After(s.ExpiresAt)
}

// Postponed reports whether the session is an appointment whose slot was taken
// at its start, so that its deadline is its second chance.
func (s Session) Postponed() bool {
	return s.Status == Scheduled && s.ExpiresAt.After(s.StartsAt)
}

// Snapshot is a session as the database saw it at one moment: what every
// decision about it needs.
type Snapshot struct {
	Session
	// Request is the session's request; its zero value: it has none.
	Request Request
	// Now is the database's time of the reading.
	Now time.Time
}

// Overdue reports whether the deadline had passed when the session was read.
func (s Snapshot) Overdue() bool { return s.Session.Overdue(s.Now) }

// Started reports whether the session is an appointment whose start had passed
// when it was read, though it has not begun.
func (s Snapshot) Started() bool { return s.Status == Scheduled && s.Now.After(s.StartsAt) }

// QueuedAt is the place of the session in the queue: its creation, or the start
// of an appointment.
func (s Session) QueuedAt() time.Time {
	if !s.StartsAt.IsZero() {
		return s.StartsAt
	}
	return s.CreatedAt
}

// WaitsSince is when the session began to wait: its creation, but that of its
// request for an appointment.
func (s Snapshot) WaitsSince() time.Time {
	if s.Request.CreatedAt.After(s.CreatedAt) {
		return s.Request.CreatedAt
	}
	return s.CreatedAt
}

// Age is how old the session was when it was read.
func (s Snapshot) Age() time.Duration { return s.Now.Sub(s.CreatedAt) }

// Offered reports whether the session has an open request of its own.
func (s Snapshot) Offered() bool { return s.Request.Status.Open() }

// Orphan reports whether the session waits for a mechanic but is offered to
// none. It is a fact of keys, never guessed from the customer.
func (s Snapshot) Orphan() bool {
	return s.Status == Waiting && !s.Assigned() && !s.Offered()
}

// Queued reports whether mechanics may accept the session's request: it is in
// the queue.
func (s Snapshot) Queued() bool {
	return s.Status == Waiting && !s.Assigned() && s.Request.Status == Pending && !s.Overdue()
}

// Blocker is the session that a refusal names.
type Blocker struct {
	Session Session
	// ReleasesAt is when the slot is free by itself at the latest.
	ReleasesAt time.Time
	// Actions is what the caller may do about it: "cancel", "end", "wait".
	Actions []string
}

// Refusal is the sentence customers and their programs know.
func Refusal(b Blocker) error {
	return &Error{
		Kind: SessionOpen,
		Message: fmt.Sprintf("Customer already has an active or pending session (ID: %s, Status: %s). "+
			"Only one session allowed at a time.", b.Session.ID, b.Session.Status),
		Blocker: &b,
	}
}
