package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settler settles what is due: sessions by their rule, appointments, and money
// that other programs left unsettled.
type settler struct {
	reporter
	rules      *Rules
	quarantine *quarantine
	sweeping   *sweeping
	ledgers    ledgers
	store      interface {
		sessionStore
		owedStore
	}
	write changeStore
}

// settleOwn settles the customer's overdue session in any state, and the money that other
// programs left unsettled. It returns the session that truly holds the slot, or nil.
func (st *settler) settleOwn(ctx context.Context, customerID string) (*curfew.Snapshot, error) {
	if err := st.settleMoney(ctx, customerID); err != nil {
		return nil, err
	}
	return st.unblock(ctx, customerID, func(s curfew.Snapshot) error {
		_, err := st.settleByRule(ctx, s, curfew.Admitting) // a session that holds the slot is no appointment
		return st.stuck(ctx, s, err)
	})
}

// unblock settles what is due in the customer's slot. It returns the session that truly
// holds it, or nil.
func (st *settler) unblock(ctx context.Context, customerID string, settle func(curfew.Snapshot) error) (*curfew.Snapshot, error) {
	for range tries {
		s, err := st.store.Open(ctx, customerID)
		if errors.Is(err, curfew.NotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if !st.rules.Settles(s) {
			return &s, nil
		}
		if err := settle(s); err != nil && !errors.Is(err, curfew.Conflict) {
			return nil, err
		}
	}
	return nil, nil
}

// settle settles one due session: it ends by its rule, goes back into the queue if its
// mechanic did not come, or begins if it is an appointment of Curfew's own. Conflict: it moved meanwhile.
func (st *settler) settle(ctx context.Context, s curfew.Snapshot, by curfew.Actor) (curfew.Snapshot, error) {
	if s.Status == curfew.Scheduled && !s.Adopted() {
		return st.settleAppointment(ctx, s, by)
	}
	return st.settleByRule(ctx, s, by)
}

func (st *settler) settleByRule(ctx context.Context, s curfew.Snapshot, by curfew.Actor) (curfew.Snapshot, error) {
	rule, ok := st.rules.RuleFor(s)
	if !ok {
		return s, curfew.Errorf(curfew.Conflict, "session %s has ended", s.ID)
	}
	if rule.Name == curfew.Forgotten {
		return st.giveBack(ctx, s, by)
	}
	c := st.rules.endChange(s, rule.To, rule.Reason, by)
	c.RequestTo, c.Absent = rule.RequestTo, rule.Absent == record.Yes
	c.Guard = record.Guard{Overdue: record.Yes}
	if !s.Overdue() {
		c.Guard = record.Guard{OlderThan: st.rules.policy.OrphanTTL, Unoffered: true}
	}
	ended, err := st.write.Change(ctx, c)
	if err != nil {
		return s, fmt.Errorf("settle session %s: %w", s.ID, err)
	}
	var stats curfew.Stats
	stats.Count(rule.Name, s.Offered())
	st.observeCleaned(stats, curfew.ByAdmission)
	st.observeLag(ended.Now.Sub(s.ExpiresAt))
	return ended, nil
}

// stuckError says that a session is due and cannot be ended.
type stuckError struct{ session curfew.Snapshot }

func (e *stuckError) Error() string { return e.Unwrap().Error() }

// Unwrap makes it Unavailable, because it is retried.
func (e *stuckError) Unwrap() error {
	return curfew.Errorf(curfew.Unavailable,
		"session %s is past its deadline and cannot be ended at the moment: an operator has to look at it", e.session.ID)
}

// isStuck reports whether a session that is due could not be ended.
func isStuck(err error) (*stuckError, bool) {
	var stuck *stuckError
	return stuck, errors.As(err, &stuck)
}

// stuck quarantines a due session that could not be settled, and returns a stuckError. A
// Conflict is returned unchanged: the session moved.
func (st *settler) stuck(ctx context.Context, s curfew.Snapshot, cause error) error {
	if _, known := isStuck(cause); known || !rowsOwn(ctx, cause) || errors.Is(cause, curfew.Conflict) {
		return cause
	}
	err := st.quarantine.setApart(ctx, curfew.Quarantined{
		Noun: curfew.QuarantinedSession, CustomerID: s.CustomerID, ID: s.ID, Version: s.Version, Step: "end",
	}, cause)
	if err != nil {
		return err
	}
	return &stuckError{s}
}
