package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// A mechanic who accepts has the plan's JoinOffer to join. A session whose mechanic has
// not joined by then goes back into the queue. It keeps its creation time, and thus its
// place, and its payment. The sweeper does this, and so do the customer's next call and a
// mechanic who accepts this request or another one.

// forgotten is the change that gives back a session whose mechanic did not come.
func (r *Rules) forgotten(s curfew.Snapshot, by curfew.Actor) record.Change {
	c := *r.release(s, by)
	c.Reason, c.Absent, c.Guard.Overdue = curfew.WithNote(string(curfew.Forgotten), s.MechanicID), true, record.Yes
	return c
}

// settled is the session as the next call would leave it: one whose mechanic did not join
// is waiting in the queue again.
func (r *Rules) settled(s curfew.Snapshot) curfew.Snapshot {
	if rule, _ := r.RuleFor(s); rule.Name != curfew.Forgotten || !r.Settles(s) {
		return s
	}
	s.MechanicID, s.AcceptedAt, s.Request.MechanicID, s.Request.Status = "", time.Time{}, "", curfew.Pending
	s.ExpiresAt = r.policy.WaitingDeadline(s.Plan, s.WaitsSince()).At(s.Now)
	return s
}

// giveBack gives a session back, outside a run. Conflict: it moved meanwhile.
func (st *settler) giveBack(ctx context.Context, s curfew.Snapshot, by curfew.Actor) (curfew.Snapshot, error) {
	back, err := st.write.Change(ctx, st.rules.forgotten(s, by))
	if err != nil {
		return s, fmt.Errorf("give back session %s: %w", s.ID, err)
	}
	st.observe.Cleaned(curfew.Forgotten, curfew.ByAdmission, 1)
	st.observeLag(back.Now.Sub(s.ExpiresAt))
	return back, nil
}

// giveBackPlanned carries out what a run decided about one session. It reports false if
// the session moved.
func (cl *Cleanups) giveBackPlanned(ctx context.Context, run *cleaning, it curfew.PlannedChange) (bool, error) {
	s, err := cl.store.Session(ctx, it.SessionID)
	if errors.Is(err, curfew.NotFound) || err == nil && (s.Version != it.Version || !s.Overdue()) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return cl.giveBack(ctx, run, s)
}

// giveBack gives a session back within a run.
func (cl *Cleanups) giveBack(ctx context.Context, run *cleaning, s curfew.Snapshot) (bool, error) {
	c := cl.rules.forgotten(s, run.Actor)
	c.RunID = run.ID
	back, err := cl.write.Change(ctx, c)
	if errors.Is(err, curfew.Conflict) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("give back session %s: %w", s.ID, err)
	}
	run.Stats.Count(curfew.Forgotten, false)
	cl.observeLag(back.Now.Sub(s.ExpiresAt))
	return true, nil
}
