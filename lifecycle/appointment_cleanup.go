package lifecycle

import (
	"context"
	"errors"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// appointmentRule is the rule for a due appointment: one at its second chance
// is missed only while its slot is truly taken.
func (cl *Cleanups) appointmentRule(ctx context.Context, s curfew.Snapshot) (record.Rule, error) {
	if s.Postponed() {
		holder, err := cl.store.Open(ctx, s.CustomerID)
		if err == nil && !cl.rules.Ends(holder) {
			return record.RuleNamed(curfew.Misses), nil
		}
		if err != nil && !errors.Is(err, curfew.NotFound) {
			return record.Rule{}, err
		}
	}
	return record.RuleNamed(curfew.Due), nil
}

// appoint carries out what a run decided about one appointment. It reports false if the
// appointment moved or its slot changed hands.
func (cl *Cleanups) appoint(ctx context.Context, run *cleaning, it curfew.PlannedChange) (bool, error) {
	s, err := cl.store.Session(ctx, it.SessionID)
	if errors.Is(err, curfew.NotFound) || err == nil && (s.Version != it.Version || !s.Started() || !s.Overdue()) {
		return false, nil
	}
	if err == nil {
		_, err = cl.settler.begin(ctx, s, run.Actor, run.ID, cl.clearing(run))
	}
	switch {
	case errors.Is(err, curfew.SessionOpen) && it.Rule == curfew.Misses:
		ended, err := cl.endPage(ctx, run, cl.batchesOf([]curfew.PlannedChange{it}, 0))
		return ended[s.ID], err
	case errors.Is(err, curfew.SessionOpen) && !s.Postponed():
		_, err = cl.settler.postpone(ctx, s, run.Actor, run.ID)
	}
	if errors.Is(err, curfew.Conflict) || errors.Is(err, curfew.SessionOpen) {
		return false, nil
	}
	return err == nil, err
}

// clearing frees a slot within a run, and counts what it ends there.
func (cl *Cleanups) clearing(run *cleaning) way {
	return func(ctx context.Context, customerID string) (*curfew.Snapshot, error) {
		return cl.settler.unblock(ctx, customerID, func(s curfew.Snapshot) error {
			rule, ok := cl.rules.RuleFor(s)
			if !ok {
				return nil
			}
			if rule.Name == curfew.Forgotten {
				_, err := cl.giveBack(ctx, run, s)
				return err
			}
			ended, err := cl.endPage(ctx, run, cl.batchesOf([]curfew.PlannedChange{cl.rules.planned(s, rule)}, 0))
			if err == nil && !ended[s.ID] && cl.quarantine.waits(s.ID) {
				return curfew.Errorf(curfew.Invalid, "session %s holds the slot and cannot be ended", s.ID)
			}
			return err
		})
	}
}
