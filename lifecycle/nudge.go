package lifecycle

import (
	"context"
	"errors"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// watchEvery is how often the sweeper looks for sessions that nobody accepts, and for
// mechanics who have gone. Both are at most that late.
const watchEvery = 5 * time.Second

// watch notifies the marketplace of sessions that nobody has accepted within the policy's
// NudgeAfter, and gives back those whose mechanic has gone.
func (cl *Cleanups) watch(ctx context.Context) error {
	if err := cl.nudge(ctx); err != nil {
		return err
	}
	return cl.giveBackSilent(ctx)
}

// nudge writes an event for each session that nobody has accepted: once, and before it
// expires. Webhooks and mails follow from the event.
func (cl *Cleanups) nudge(ctx context.Context) error {
	if cl.rules.policy.NudgeAfter == 0 {
		return nil
	}
	waiting, err := cl.store.Unaccepted(ctx, cl.rules.policy.NudgeAfter, pageSize)
	for _, s := range waiting {
		if err = cl.stop.err(); err != nil {
			return err
		}
		_, err = cl.write.Change(ctx, record.Change{
			From: s.Session, Guard: record.Guard{Overdue: record.No}, To: curfew.Waiting, Actor: curfew.Sweeper,
			Reason: curfew.UnacceptedReason, Nudge: true,
		})
		if err != nil && !errors.Is(err, curfew.Conflict) {
			return err
		}
	}
	return missingConflict(err)
}

// missingConflict drops a Conflict, for callers to whom a session that moved is no error.
func missingConflict(err error) error {
	if errors.Is(err, curfew.Conflict) {
		return nil
	}
	return err
}

// giveBackSilent gives back the sessions whose mechanic had a stream after accepting, and has
// had none for the policy's StreamGone.
func (cl *Cleanups) giveBackSilent(ctx context.Context) error {
	gone := cl.rules.policy.StreamGone
	if gone == 0 {
		return nil
	}
	all, err := cl.store.Silent(ctx, gone, pageSize)
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := cl.stop.err(); err != nil {
			return err
		}
		if _, err := cl.settler.giveBackSilent(ctx, s, curfew.Sweeper); missingConflict(err) != nil {
			return err
		}
	}
	return nil
}

// giveBackSilent gives a session back whose mechanic has gone, or ends it if it may wait no
// longer. Conflict: it moved, or the mechanic is there again.
func (st *settler) giveBackSilent(ctx context.Context, s curfew.Snapshot, by curfew.Actor) (curfew.Snapshot, error) {
	rule := st.rules.ruleAt(s, s.Now)
	if rule.Absent != record.Yes {
		return s, curfew.Errorf(curfew.Conflict, "the mechanic of session %s has no time of their own to come in", s.ID)
	}
	c := st.rules.forgotten(s, by)
	if rule.To.Ended() {
		c = st.rules.endChange(s, rule.To, rule.Reason, by)
		c.RequestTo, c.Absent = rule.RequestTo, true
	}
	c.Guard = record.Guard{Silent: st.rules.policy.StreamGone}
	moved, err := st.write.Change(ctx, c)
	if err == nil {
		st.observe.Cleaned(rule.Name, curfew.ByAdmission, 1)
	}
	return moved, err
}

// gone reports whether the mechanic of a session had a stream after accepting it, and has had
// none for the policy's StreamGone.
func (q *Queue) gone(ctx context.Context, s curfew.Snapshot) bool {
	after := q.rules.policy.StreamGone
	if after == 0 || q.rules.ruleAt(s, s.Now).Absent != record.Yes {
		return false
	}
	slot, err := q.store.Slot(ctx, s.MechanicID)
	return err == nil && slot.SessionID == s.ID && slot.Silent > after
}
