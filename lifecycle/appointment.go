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

// book fulfils a purchase that names its start. Its reference is looked up
// first: a payment that was booked is answered as it stands, long after its
// start too.
func (ad *Admission) book(ctx context.Context, c curfew.Checkout, by curfew.Actor, p Purchase) (Fulfillment, error) {
	r, err := ad.reference(ctx, &c, by)
	switch {
	case err == nil:
		return ad.replay(ctx, r, p)
	case !errors.Is(err, curfew.NotFound):
		return Fulfillment{}, fmt.Errorf("book %s: %w", p.PaymentRef, err)
	}
	if err := ad.checkStart(ctx, *p.StartsAt); err != nil {
		return Fulfillment{}, err
	}
	a := ad.rules.admission(c, by)
	a.Session.StartsAt, a.Request, a.Reason = p.StartsAt.UTC().Truncate(time.Microsecond), curfew.Request{}, curfew.BookedReason
	s, err := ad.write.Admit(ctx, a)
	if err == nil {
		return fulfilled(s), nil
	}
	if errors.Is(err, curfew.Conflict) { // somebody reported it at the same moment
		if r, err = ad.store.Reference(ctx, p.PaymentRef); err == nil {
			return ad.replay(ctx, r, p)
		}
	}
	return Fulfillment{}, fmt.Errorf("book %s: %w", p.PaymentRef, err)
}

// checkStart refuses a start that has passed or is too far, by the store's
// clock.
func (ad *Admission) checkStart(ctx context.Context, at time.Time) error {
	heartbeats, err := ad.store.Heartbeats(ctx)
	switch {
	case err != nil:
		return err
	case !at.After(heartbeats.Now):
		return curfew.Errorf(curfew.Invalid, "startsAt must lie ahead, and %s has passed", at.Format(time.RFC3339))
	case at.After(heartbeats.Now.Add(curfew.FarthestStart)):
		return curfew.Errorf(curfew.Invalid, "startsAt must be at most a year ahead, not %s", at.Format(time.RFC3339))
	}
	return nil
}

// way frees the customer's slot of what is due in it, and returns the session
// that truly holds it; nil if none does.
type way func(ctx context.Context, customerID string) (*curfew.Snapshot, error)

// begin gives a started appointment its customer's slot: it waits for a
// mechanic from now on, and its request opens. SessionOpen: the slot is truly
// taken. Conflict: the appointment moved, or the slot changes hands too quickly.
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

// postpone leaves a due appointment, whose slot is taken, its second chance.
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

// settleAppointment settles a due appointment outside a run: it begins, gets
// its second chance, or was missed.
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

// appointmentRule is the rule for a due appointment: one at its second chance
// is missed only while its slot is truly taken.
func (cl *Cleanups) appointmentRule(ctx context.Context, s curfew.Snapshot) (record.Rule, error) {
	if s.Postponed() {
		holder, err := cl.store.Open(ctx, s.CustomerID)
		if err == nil && !cl.rules.Due(holder) {
			return record.RuleNamed(curfew.Misses), nil
		}
		if err != nil && !errors.Is(err, curfew.NotFound) {
			return record.Rule{}, err
		}
	}
	return record.RuleNamed(curfew.Due), nil
}

// appoint carries out what a run decided about one appointment, and reports
// whether it did: not if the appointment moved, or its slot changed hands.
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
			rule, ok := record.RuleFor(s)
			if !ok {
				return nil
			}
			ended, err := cl.endPage(ctx, run, cl.batchesOf([]curfew.PlannedChange{cl.rules.planned(s, rule)}, 0))
			if err == nil && !ended[s.ID] && cl.quarantine.waits(s.ID) {
				return curfew.Errorf(curfew.Invalid, "session %s holds the slot and cannot be ended", s.ID)
			}
			return err
		})
	}
}

// beginStarted lets the customer's appointments whose start has passed take the
// slot, if it is free: the earliest first, and before deferred payments.
func (ad *Admission) beginStarted(ctx context.Context, customerID string) error {
	all, err := ad.store.Unended(ctx, customerID)
	if err != nil {
		return fmt.Errorf("appointments of customer %s: %w", customerID, err)
	}
	all = slices.DeleteFunc(all, func(s curfew.Snapshot) bool { return !s.Started() })
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
