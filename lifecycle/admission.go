package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
)

// tries is how often an insert is repeated before it counts as blocked.
const tries = 3

// settler settles what is due: sessions by their rule, appointments, and money
// that other programs left unsettled.
type settler struct {
	reporter
	rules      *Rules
	quarantine *quarantine
	sweeping   *sweeping
	store      interface {
		SessionStore
		OwedStore
	}
	write ChangeStore
}

// Admission gives customers their sessions: for a payment, a credit or a free
// plan, at once or when the slot is free.
type Admission struct {
	reporter
	rules      *Rules
	quarantine *quarantine
	settler    *settler
	sweeping   *sweeping
	failing    *failing
	heartbeat  *heartbeat
	store      interface {
		CustomerStore
		ClaimStore
		SessionStore
		OwedStore
		HeartbeatStore
	}
	write interface {
		AdmissionStore
		ChangeStore
	}
}

// bid is one attempt of somebody to get a session for a customer.
type bid struct {
	customerID string
	// admission makes what is inserted; made anew for every try, because a
	// credit may be gone.
	admission func(context.Context) (curfew.Admission, error)
	// known answers a bid that was accepted before; NotFound: it was not.
	known func(context.Context) (curfew.Receipt, error)
}

// result of a bid: exactly one field is set, or none where the slot changed
// hands at every try.
type result struct {
	admitted *curfew.Standing
	known    *curfew.Receipt
	blocker  *curfew.Standing
	stuck    *curfew.Standing // it holds the slot, is due, and cannot be ended
}

// stuckError says that a session is due and cannot be ended.
type stuckError struct{ session curfew.Standing }

func (e *stuckError) Error() string { return e.Unwrap().Error() }

// Unwrap makes it Unavailable: it is tried again and again.
func (e *stuckError) Unwrap() error {
	return curfew.Errorf(curfew.Unavailable,
		"session %s is past its deadline and cannot be ended at the moment: an operator has to look at it", e.session.ID)
}

// isStuck reports whether a session that is due could not be ended.
func isStuck(err error) (*stuckError, bool) {
	var stuck *stuckError
	return stuck, errors.As(err, &stuck)
}

// place carries out a bid. The first insert asks nothing; only a conflict makes
// it look: the key first, because its answer is the answer; then the customer's
// own overdue session, which it settles and never waits for.
func (ad *Admission) admit(ctx context.Context, b bid) (result, error) {
	for try := 0; ; try++ {
		a, err := b.admission(ctx)
		if err != nil {
			return result{}, err
		}
		s, err := ad.write.Admit(ctx, a)
		if err == nil {
			return result{admitted: &s}, nil
		}
		if !errors.Is(err, curfew.Conflict) {
			return result{}, err
		}
		r, err := b.known(ctx)
		if err == nil {
			return result{known: &r}, nil
		}
		if !errors.Is(err, curfew.NotFound) {
			return result{}, err
		}
		blocker, err := ad.settler.settleOwn(ctx, b.customerID)
		if stuck, ok := isStuck(err); ok {
			return result{stuck: &stuck.session}, nil
		}
		if err != nil || blocker != nil || try == tries {
			return result{blocker: blocker}, err
		}
	}
}

// settleOwn settles the customer's overdue session of any standing, and what
// other programs left unsettled of their money. It returns the session that
// truly holds the slot; nil if none does.
func (st *settler) settleOwn(ctx context.Context, customerID string) (*curfew.Standing, error) {
	if err := st.settleMoney(ctx, customerID); err != nil {
		return nil, err
	}
	return st.unblock(ctx, customerID, func(s curfew.Standing) error {
		_, err := st.settleByRule(ctx, s, curfew.Admitting) // it holds the slot, so it is no appointment
		return st.stuck(ctx, s, err)
	})
}

// stuck turns the failure to settle a due session into one that says so, and
// sets the session apart. Conflict stays: it moved.
func (st *settler) stuck(ctx context.Context, s curfew.Standing, cause error) error {
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

// unblock settles what is due in the customer's slot. It returns the session
// that truly holds it; nil if none does.
func (st *settler) unblock(ctx context.Context, customerID string, settle func(curfew.Standing) error) (*curfew.Standing, error) {
	for range tries {
		s, err := st.store.Open(ctx, customerID)
		if errors.Is(err, curfew.NotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if !st.rules.Due(s) {
			return &s, nil
		}
		if err := settle(s); err != nil && !errors.Is(err, curfew.Conflict) {
			return nil, err
		}
	}
	return nil, nil
}

// Due reports whether its rule applies to a session now: it is past its
// deadline, or an orphan past its age.
func (r *Rules) Due(s curfew.Standing) bool {
	return s.Overdue() || s.Orphan() && s.Age() > r.policy.OrphanTTL
}

// settle settles one due session: it ends by its rule, or an appointment
// begins. Conflict: it moved meanwhile.
func (st *settler) settle(ctx context.Context, s curfew.Standing, by curfew.Actor) (curfew.Standing, error) {
	if s.Status == curfew.Scheduled {
		return st.settleAppointment(ctx, s, by)
	}
	return st.settleByRule(ctx, s, by)
}

func (st *settler) settleByRule(ctx context.Context, s curfew.Standing, by curfew.Actor) (curfew.Standing, error) {
	rule, ok := curfew.RuleFor(s)
	if !ok {
		return s, curfew.Errorf(curfew.Conflict, "session %s has ended", s.ID)
	}
	c := st.rules.ending(s, rule.To, rule.Reason, by)
	c.RequestTo = rule.RequestTo
	c.Guard = curfew.Guard{Overdue: curfew.Yes}
	if !s.Overdue() {
		c.Guard = curfew.Guard{OlderThan: st.rules.policy.OrphanTTL, Unoffered: true}
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

// ending is the change that ends a session, with what is owed for it.
func (r *Rules) ending(s curfew.Standing, to curfew.SessionStatus, reason curfew.EndReason, by curfew.Actor) curfew.Change {
	c := curfew.Change{
		From: s.Session, To: to, EndedBy: reason, Reason: string(reason), Actor: by,
		RequestTo: curfew.RequestCancelled, Owed: r.policy.Owed(s.Session, to, reason),
	}
	if to == curfew.Completed {
		c.RequestTo = curfew.RequestCompleted
	}
	return c
}

// Blocker is what a refusal says of the session in the way.
func (r *Rules) Blocker(s curfew.Standing) *curfew.Blocker {
	b := &curfew.Blocker{Session: s.Session, ReleasesAt: s.ExpiresAt, Actions: []string{"cancel", "wait"}}
	if s.Status == curfew.Live {
		b.Actions = []string{"end", "wait"}
	}
	if orphan := s.CreatedAt.Add(r.policy.OrphanTTL); s.Orphan() && orphan.Before(b.ReleasesAt) {
		b.ReleasesAt = orphan
	}
	return b
}
