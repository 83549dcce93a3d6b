package lifecycle

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// End ends a session for one of its parties, an admin or a service: live for at
// least the policy's MinimumLive it is completed, else cancelled. Ending it again answers
// with what it is.
func (ss *Sessions) End(ctx context.Context, id string, by curfew.Actor) (curfew.Snapshot, error) {
	ctx, end := ss.trace.Begin(ctx, "end")
	defer end()
	return ss.move(ctx, id, func(s curfew.Snapshot) (*record.Change, error) {
		if s.Status.Ended() {
			return nil, nil
		}
		c := ss.rules.byHand(s, by)
		return &c, nil
	})
}

// Cancel is End, but a mechanic who cancels before the session is live releases
// it: the customer's session and payment are kept.
func (ss *Sessions) Cancel(ctx context.Context, id string, by curfew.Actor) (curfew.Snapshot, error) {
	ctx, end := ss.trace.Begin(ctx, "cancel")
	defer end()
	return ss.move(ctx, id, func(s curfew.Snapshot) (*record.Change, error) {
		switch {
		case s.Status.Ended():
			return nil, nil
		case by.Role == curfew.Mechanic && s.Status == curfew.Waiting:
			return ss.rules.release(s, by), nil
		}
		c := ss.rules.byHand(s, by)
		return &c, nil
	})
}

// byHand is the end that somebody decided on: what it is called depends on how
// long the session was live.
func (r *Rules) byHand(s curfew.Snapshot, by curfew.Actor) record.Change {
	switch {
	case s.Status == curfew.Scheduled:
		return r.cancelAppointment(s, by)
	case s.Status != curfew.Live:
		return r.ending(s, curfew.Cancelled, curfew.ByRequest, by)
	case s.Now.Sub(s.StartedAt) < r.policy.MinimumLive:
		return r.ending(s, curfew.Cancelled, curfew.TooShort, by)
	}
	return r.ending(s, curfew.Completed, curfew.Finished, by)
}

// cancelAppointment is the end of an appointment that somebody decided on
// before its start: a share of its price is refunded, by the time that was left.
func (r *Rules) cancelAppointment(s curfew.Snapshot, by curfew.Actor) record.Change {
	c := r.ending(s, curfew.Cancelled, curfew.ByRequest, by)
	if !s.Started() {
		c.Owed, c.Share = r.policy.OwedBefore(s.StartsAt.Sub(s.Now))
	}
	return c
}
