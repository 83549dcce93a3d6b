package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// way settles what is due in the customer's slot, and returns the session that truly
// holds it, or nil.
type way func(ctx context.Context, customerID string) (*curfew.Snapshot, error)

// begin gives a started appointment its customer's slot: it waits for a mechanic from now
// on, and its request opens. SessionOpen: the slot is truly taken. Conflict: the
// appointment moved, or the slot changed hands at every try.
func (st *settler) begin(ctx context.Context, s curfew.Snapshot, by curfew.Actor, runID string, free way) (curfew.Snapshot, error) {
	for range tries {
		begun, err := st.write.Change(ctx, st.rules.beginning(s, by, runID))
		if err == nil {
			st.observeLag(begun.Now.Sub(s.ExpiresAt))
			return begun, nil
		}
		if !errors.Is(err, curfew.SessionOpen) {
			return s, fmt.Errorf("begin appointment %s: %w", s.ID, err)
		}
		blocker, err := free(ctx, s.CustomerID)
		if err != nil {
			return s, err
		}
		if blocker != nil {
			return s, curfew.Refusal(*st.rules.Blocker(*blocker))
		}
	}
	return s, curfew.Errorf(curfew.Conflict, "the slot of customer %s changes hands too quickly", s.CustomerID)
}

func (r *Rules) beginning(s curfew.Snapshot, by curfew.Actor, runID string) record.Change {
	c := record.Change{
		From: s.Session, To: curfew.Waiting, Reason: string(curfew.Due), Actor: by, RunID: runID, Offer: newID(),
		Deadline: r.policy.WaitingDeadline(s.Plan, time.Time{}),
	}
	if s.Overdue() {
		c.Guard.Overdue = record.Yes
	}
	return c
}

// postpone gives a due appointment whose slot is taken its second chance.
func (st *settler) postpone(ctx context.Context, s curfew.Snapshot, by curfew.Actor, runID string) (curfew.Snapshot, error) {
	later, err := st.write.Change(ctx, record.Change{
		From: s.Session, Guard: record.Guard{Overdue: record.Yes}, To: curfew.Scheduled, Reason: curfew.PostponedReason,
		Actor: by, RunID: runID, Deadline: st.rules.policy.SecondChance(s.StartsAt),
	})
	if err != nil {
		return s, fmt.Errorf("postpone appointment %s: %w", s.ID, err)
	}
	return later, nil
}

// settleAppointment settles a due appointment outside a run: it begins, gets its second
// chance, or has been missed.
func (st *settler) settleAppointment(ctx context.Context, s curfew.Snapshot, by curfew.Actor) (curfew.Snapshot, error) {
	begun, err := st.begin(ctx, s, by, "", st.settleOwn)
	switch {
	case !errors.Is(err, curfew.SessionOpen):
		return begun, err
	case s.Postponed():
		return st.settleByRule(ctx, s, by)
	}
	return st.postpone(ctx, s, by, "")
}

// beginStarted lets the customer's appointments whose start has passed take the
// slot, if it is free: the earliest first, and before deferred payments.
func (ad *Admission) beginStarted(ctx context.Context, customerID string) error {
	all, err := ad.store.Unended(ctx, customerID)
	if err != nil {
		return fmt.Errorf("appointments of customer %s: %w", customerID, err)
	}
	all = slices.DeleteFunc(all, func(s curfew.Snapshot) bool { return s.Adopted() || !s.Started() })
	slices.SortStableFunc(all, func(a, b curfew.Snapshot) int { return a.StartsAt.Compare(b.StartsAt) })
	for _, s := range all {
		_, err := ad.settler.begin(ctx, s, curfew.Admitting, "", ad.settler.settleOwn)
		switch {
		case errors.Is(err, curfew.SessionOpen):
			return nil
		case err != nil && !errors.Is(err, curfew.Conflict):
			return err
		}
	}
	return nil
}
