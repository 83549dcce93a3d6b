package curfew

import (
	"time"
)

// Snapshot is a session as the database saw it at one moment: what every
// decision about it needs.
type Snapshot struct {
	Session
	// Request is the session's request; its zero value: it has none.
	Request Request
	// Now is when it was read, by the database's clock.
	Now time.Time
}

// Overdue reports whether the deadline had passed when the session was read.
func (s Snapshot) Overdue() bool { return s.Session.Overdue(s.Now) }

// Started reports whether the session is an appointment that had not begun when it was
// read, although its start had passed.
func (s Snapshot) Started() bool { return s.Status == Scheduled && s.Now.After(s.StartsAt) }

// WaitsSince is when the session began to wait: its creation, or for an appointment the
// creation of its request.
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

// Orphan reports whether the session waits for a mechanic but has no open request. It is
// decided by keys, never guessed from the customer.
func (s Snapshot) Orphan() bool {
	return s.Status == Waiting && !s.Assigned() && !s.Offered()
}

// Queued reports whether mechanics may accept the session's request: it is in
// the queue.
func (s Snapshot) Queued() bool {
	return s.Status == Waiting && !s.Assigned() && s.Request.Status == Pending && !s.Overdue()
}
