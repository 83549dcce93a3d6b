package curfew

import (
	"time"
)

// EndReason says why a session ended.
type EndReason string

// The reasons. The first six are the cleanup's; the others come from a person or a
// program.
const (
	Expired    EndReason = "expired"        // nobody accepted in time
	Orphaned   EndReason = "orphaned"       // it was offered to nobody
	Unattended EndReason = "unattended"     // accepted, and the mechanic did not come
	NoShow     EndReason = "no_show"        // accepted, never live
	Overran    EndReason = "overran"        // live beyond what was bought and the grace
	Missed     EndReason = "missed"         // its slot was taken at its start
	Cleared    EndReason = "cleared"        // by hand, before its deadline
	ByRequest  EndReason = "cancelled"      // one of its parties, an admin or a service said so
	TooShort   EndReason = "too_short"      // live, but under the policy's MinimumLive
	Finished   EndReason = "finished"       // live and ended by somebody
	ByPayment  EndReason = "payment_failed" // it was never paid, or was taken back
	Duplicate  EndReason = "duplicate"      // another session has the same payment
	ByRefund   EndReason = "refunded"       // its payment was, or is to be, given back
	Foreign    EndReason = "foreign"        // another program's write, completed by the guards
)

// EndReasons lists the reasons.
func EndReasons() []EndReason {
	return []EndReason{
		Expired, Orphaned, Unattended, NoShow, Overran, Missed, Cleared, ByRequest, TooShort, Finished, ByRefund, ByPayment, Duplicate, Foreign,
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

	// AdoptedFrom is the mapping of the marketplace's own table whose row this session
	// mirrors; empty: it is Curfew's own. AdoptedID is that row's id.
	AdoptedFrom string
	AdoptedID   string
}

// Adopted reports whether the session mirrors a row of a marketplace's own table. That row is
// the truth: nothing but a change of it changes the session.
func (s Session) Adopted() bool { return s.AdoptedFrom != "" }

// Origin names the row that the session mirrors, "row 42 of sessions"; it is empty for
// Curfew's own.
func (s Session) Origin() string {
	if !s.Adopted() {
		return ""
	}
	return "row " + Visible(s.AdoptedID) + " of " + s.AdoptedFrom
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

// QueuedAt orders the queue: the session's creation, or an appointment's start.
func (s Session) QueuedAt() time.Time {
	if !s.StartsAt.IsZero() {
		return s.StartsAt
	}
	return s.CreatedAt
}
