package lifecycle

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// maxProlongation is how far one call may move a deadline.
const maxProlongation = 24 * time.Hour

// Prolong moves the deadline of a session that waits or is live, by an operator and with a
// reason. The bought duration stays the same: a live session only has more time to end.
// Errors: Invalid; NotFound; Conflict if the session has ended, was overdue (it is settled
// then), or is an appointment, and if its money is reserved for a shorter time.
func (ss *Sessions) Prolong(ctx context.Context, by curfew.Actor, id string, longer time.Duration, reason string) (curfew.Snapshot, error) {
	ctx, end := ss.trace.Begin(ctx, "prolong")
	defer end()
	switch {
	case strings.TrimSpace(reason) == "":
		return curfew.Snapshot{}, curfew.Errorf(curfew.Invalid, "prolonging a session needs a reason: it is kept in its history")
	case longer < time.Second || longer > maxProlongation:
		return curfew.Snapshot{}, curfew.Errorf(curfew.Invalid, "a deadline can be moved by up to %s, not by %s", Span(maxProlongation), longer)
	}
	return ss.move(ctx, id, func(s curfew.Snapshot) (*record.Change, error) {
		switch {
		case s.Adopted():
			return nil, curfew.Errorf(curfew.Conflict, "session %s is %s: its time is what that row says", s.ID, s.Origin())
		case !s.Status.Open():
			return nil, curfew.Errorf(curfew.Conflict, "session %s is %s: only one that waits or is live can be prolonged", s.ID, s.Status)
		}
		until := s.ExpiresAt.Add(longer)
		return &record.Change{
			From: s.Session, Guard: record.Guard{Overdue: record.No}, To: s.Status, Actor: by,
			Reason:   curfew.WithNote(curfew.ProlongedReason+" by "+Span(longer), reason),
			Deadline: curfew.Deadline{After: until.Sub(s.Now) + maxProlongation, Limit: until},
		}, ss.captures.lasts(ctx, s, until)
	})
}

// lasts returns Conflict if the money of a session that nobody has accepted is not reserved
// until then.
func (cs captures) lasts(ctx context.Context, s curfew.Snapshot, until time.Time) error {
	if s.Status != curfew.Waiting || s.CheckoutID == "" {
		return nil
	}
	c, err := cs.store.Checkout(ctx, s.CheckoutID)
	if err != nil || c.Capture != "authorised" {
		return missing(err)
	}
	l, err := cs.store.Ledger(ctx, c.Payment())
	if err != nil {
		return missing(err)
	}
	if most := cs.rules.reservedUntil(l, c, l.Balance(0, "")); until.After(most) {
		return curfew.Errorf(curfew.Conflict, "the money of session %s is reserved until %s only", s.ID, most.UTC().Format(time.RFC3339))
	}
	return nil
}
