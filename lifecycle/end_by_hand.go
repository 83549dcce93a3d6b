package lifecycle

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// End ends a session for one of its parties, an admin or a service. A session that was live
// for at least the policy's MinimumLive is completed, any other cancelled. Ending an ended
// session returns it unchanged. Errors: NotFound, also for other people's sessions;
// Unavailable.
func (ss *Sessions) End(ctx context.Context, id string, by curfew.Actor) (curfew.Snapshot, error) {
	ctx, end := ss.trace.Begin(ctx, "end")
	defer end()
	return ss.move(ctx, id, func(s curfew.Snapshot) (*record.Change, error) {
		if s.Status.Ended() {
			return nil, nil
		}
		c := ss.rules.byHand(s, by)
		return &c, lostBy(s, by)
	})
}

// Cancel is End, except that a mechanic who cancels before the session is live releases it,
// so that the customer keeps session and payment.
func (ss *Sessions) Cancel(ctx context.Context, id string, by curfew.Actor) (curfew.Snapshot, error) {
	ctx, end := ss.trace.Begin(ctx, "cancel")
	defer end()
	return ss.move(ctx, id, func(s curfew.Snapshot) (*record.Change, error) {
		switch {
		case s.Status.Ended():
			return nil, nil
		case lostBy(s, by) != nil:
			return nil, lostBy(s, by)
		case by.Role == curfew.Mechanic && s.Status == curfew.Waiting:
			return ss.rules.release(s, by), nil
		}
		c := ss.rules.byHand(s, by)
		return &c, nil
	})
}

// byHand is the change for a session that a person ends. The reason depends on how long
// it was live.
func (r *Rules) byHand(s curfew.Snapshot, by curfew.Actor) record.Change {
	switch {
	case s.Status == curfew.Scheduled:
		return r.cancelAppointment(s, by)
	case s.Status != curfew.Live:
		return r.endChange(s, curfew.Cancelled, curfew.ByRequest, by)
	case s.Now.Sub(s.StartedAt) < r.policy.MinimumLive:
		return r.endChange(s, curfew.Cancelled, curfew.TooShort, by)
	}
	return r.endChange(s, curfew.Completed, curfew.Finished, by)
}

// cancelAppointment is the change that cancels an appointment before its start. The
// refunded share of the price depends on the time left.
func (r *Rules) cancelAppointment(s curfew.Snapshot, by curfew.Actor) record.Change {
	c := r.endChange(s, curfew.Cancelled, curfew.ByRequest, by)
	if !s.Started() {
		c.Owed, c.Share = r.policy.OwedBefore(s.StartsAt.Sub(s.Now))
	}
	return c
}
