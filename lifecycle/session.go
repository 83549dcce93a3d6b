package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// Claim is a customer's wish for a session that no new payment pays for.
type Claim struct {
	CustomerID string
	Plan       string
	Name       string // shown to mechanics; empty: the credit's
	Key        string // the caller's idempotency key; empty: none
}

// CreateSession gives a customer a session of a free plan, or spends the oldest
// credit of the plan. Errors: PaymentRequired where there is neither,
// SessionOpen with the blocker where the slot is truly taken, and
// IdempotencyMismatch for a known key with another plan.
func (ad *Admission) CreateSession(ctx context.Context, by curfew.Actor, c Claim) (Fulfilment, error) {
	ctx, end := ad.trace.Begin(ctx, "create a session")
	defer end()
	begun := time.Now()
	f, err := ad.create(ctx, by, c)
	outcome := ad.observed(f, err, time.Since(begun))
	curfew.Note(ctx, curfew.OutcomeNote, outcome)
	return f, err
}

func (ad *Admission) create(ctx context.Context, by curfew.Actor, c Claim) (Fulfilment, error) {
	if err := ad.rules.checkClaim(c); err != nil {
		return Fulfilment{}, err
	}
	if r, err := ad.known(ctx, c); !errors.Is(err, curfew.NotFound) {
		return keyed(r, c, err)
	}
	b := bid{
		customerID: c.CustomerID,
		admission:  func(ctx context.Context) (curfew.Admission, error) { return ad.spend(ctx, by, c) },
		known: func(ctx context.Context) (curfew.Receipt, error) {
			r, err := ad.known(ctx, c)
			if errors.Is(err, curfew.NotFound) && c.Key != "" {
				return r, cmp.Or(ad.store.ForgetKey(ctx, c.CustomerID, c.Key), err)
			}
			return r, err
		},
	}
	r, err := ad.admit(ctx, b)
	if errors.Is(err, curfew.PaymentRequired) {
		r, err = ad.placeUnpaid(ctx, b)
	}
	switch {
	case err != nil:
		return Fulfilment{}, fmt.Errorf("create session for customer %s: %w", c.CustomerID, err)
	case r.admitted != nil:
		return fulfilled(*r.admitted), nil
	case r.known != nil:
		return keyed(*r.known, c, nil)
	case r.stuck != nil:
		return Fulfilment{}, &stuckError{*r.stuck}
	case r.blocker == nil:
		return Fulfilment{}, curfew.Errorf(curfew.Unavailable, "the customer's slot changes hands too quickly: try again")
	}
	blocker := ad.rules.Blocker(*r.blocker)
	ad.refused(ctx, c.CustomerID, blocker)
	return Fulfilment{}, curfew.Refusal(*blocker)
}

// placeUnpaid looks again for a customer who has no credit: what stands in the
// way comes before what a session would cost, and an overdue session of their
// own, or one that another program cancelled, leaves the credit that was missing.
func (ad *Admission) placeUnpaid(ctx context.Context, b bid) (result, error) {
	blocker, err := ad.settler.settleOwn(ctx, b.customerID)
	if stuck, ok := isStuck(err); ok {
		return result{stuck: &stuck.session}, nil
	}
	if err != nil || blocker != nil {
		return result{blocker: blocker}, err
	}
	return ad.admit(ctx, b)
}

func (r *Rules) checkClaim(c Claim) error {
	if _, err := r.plan(c.Plan); err != nil {
		return err
	}
	if c.Key != "" {
		if err := curfew.CheckRef("Idempotency-Key", c.Key); err != nil {
			return err
		}
	}
	return curfew.CheckID("customerId", c.CustomerID)
}

func (ad *Admission) known(ctx context.Context, c Claim) (curfew.Receipt, error) {
	if c.Key == "" {
		return curfew.Receipt{}, curfew.NotFound
	}
	return ad.store.Key(ctx, c.CustomerID, c.Key)
}

func keyed(r curfew.Receipt, c Claim, err error) (Fulfilment, error) {
	if err != nil {
		return Fulfilment{}, err
	}
	if r.Session.Plan != c.Plan {
		return Fulfilment{}, curfew.Errorf(curfew.IdempotencyMismatch, "this Idempotency-Key was used for plan %q", r.Session.Plan)
	}
	return Fulfilment{
		Outcome: r.Checkout.Outcome, Replayed: true, CheckoutID: r.Checkout.ID, Plan: r.Session.Plan,
		Kind: r.Session.Kind, SessionID: r.Session.ID, RequestID: r.RequestID,
	}, nil
}

// spend is the admission that a credit pays for, or that a free plan needs no
// payment for.
func (ad *Admission) spend(ctx context.Context, by curfew.Actor, c Claim) (curfew.Admission, error) {
	credit, err := ad.store.Credit(ctx, c.CustomerID, c.Plan)
	free := ad.rules.policy.Plans[c.Plan].Free()
	switch {
	case errors.Is(err, curfew.NotFound) && free:
		credit = curfew.Checkout{CustomerID: c.CustomerID, Plan: c.Plan}
	case errors.Is(err, curfew.NotFound):
		return curfew.Admission{}, curfew.Errorf(curfew.PaymentRequired,
			"plan %q is not free, and the customer has no credit of it", c.Plan)
	case err != nil:
		return curfew.Admission{}, err
	}
	if c.Name != "" {
		credit.Name = c.Name
	}
	a := ad.rules.admission(credit, by)
	a.Key = c.Key
	if credit.Outcome == curfew.Credited {
		a.From, a.Reason = curfew.Credited, curfew.SpentReason
	}
	return a, nil
}

func (r *Rules) planNames() string {
	return strings.Join(slices.Sorted(maps.Keys(r.policy.Plans)), ", ")
}

// Sessions reads and moves sessions.
type Sessions struct {
	reporter
	rules     *Rules
	settler   *settler
	admission *Admission
	failing   *failing
	store     SessionStore
	write     interface {
		AdmissionStore
		ChangeStore
	}
}

// Session reads one session.
func (ss *Sessions) Session(ctx context.Context, id string) (curfew.Standing, error) {
	return ss.store.Session(ctx, id)
}

// Events is the history of a session, in order.
func (ss *Sessions) Events(ctx context.Context, s curfew.Session) ([]curfew.Event, error) {
	return ss.store.Events(ctx, s.CustomerID, s.ID)
}

// Join records that one of the session's two parties came in. The second one
// makes it live and starts the clock; joining again changes nothing. Conflict:
// it has ended.
func (ss *Sessions) Join(ctx context.Context, id string, by curfew.Actor) (curfew.Standing, error) {
	ctx, end := ss.trace.Begin(ctx, "join")
	defer end()
	return ss.move(ctx, id, func(s curfew.Standing) (*curfew.Change, error) {
		customer := by.Role == curfew.Customer
		switch {
		case s.Status != curfew.Waiting && s.Status != curfew.Live:
			return nil, curfew.Errorf(curfew.Conflict, "session %s is %s: it cannot be joined", id, s.Status)
		case s.Status == curfew.Live, customer && !s.CustomerJoinedAt.IsZero(), !customer && !s.MechanicJoinedAt.IsZero():
			return nil, nil
		}
		c := &curfew.Change{
			From: s.Session, Guard: curfew.Guard{Overdue: curfew.No}, To: curfew.Waiting, Actor: by,
			Reason: curfew.JoinedReason, CustomerJoins: customer, MechanicJoins: !customer,
		}
		if !s.CustomerJoinedAt.IsZero() || !s.MechanicJoinedAt.IsZero() {
			c.To, c.Reason, c.Deadline = curfew.Live, curfew.BothJoinedReason, ss.rules.policy.LiveDeadline(s.Duration)
		}
		return c, nil
	})
}

// End ends a session for one of its parties, an admin or a service: live for at
// least the policy's MinimumLive it is completed, else cancelled. Ending it again answers
// with what it is.
func (ss *Sessions) End(ctx context.Context, id string, by curfew.Actor) (curfew.Standing, error) {
	ctx, end := ss.trace.Begin(ctx, "end")
	defer end()
	return ss.move(ctx, id, func(s curfew.Standing) (*curfew.Change, error) {
		if s.Status.Ended() {
			return nil, nil
		}
		c := ss.rules.byHand(s, by)
		return &c, nil
	})
}

// Cancel is End, but a mechanic who cancels before the session is live releases
// it: the customer's session and payment are kept.
func (ss *Sessions) Cancel(ctx context.Context, id string, by curfew.Actor) (curfew.Standing, error) {
	ctx, end := ss.trace.Begin(ctx, "cancel")
	defer end()
	return ss.move(ctx, id, func(s curfew.Standing) (*curfew.Change, error) {
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
func (r *Rules) byHand(s curfew.Standing, by curfew.Actor) curfew.Change {
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

// move reads a session, settles it if it is due, asks for the change and makes
// it; where the session moved meanwhile, from the start. A nil change leaves
// the session as it is.
func (ss *Sessions) move(ctx context.Context, id string, decide func(curfew.Standing) (*curfew.Change, error)) (curfew.Standing, error) {
	var err error
	for range tries {
		var s, moved curfew.Standing
		if s, err = ss.fresh(ctx, id); err != nil {
			return s, err
		}
		c, err2 := decide(s)
		if err2 != nil || c == nil {
			return s, err2
		}
		if moved, err = ss.write.Change(ctx, *c); err == nil {
			ss.freed(ctx, moved)
			return moved, nil
		}
		if !errors.Is(err, curfew.Conflict) {
			break
		}
	}
	return curfew.Standing{}, fmt.Errorf("session %s: %w", id, err)
}

// fresh reads a session and settles it if it is due.
func (ss *Sessions) fresh(ctx context.Context, id string) (curfew.Standing, error) {
	s, err := ss.store.Session(ctx, id)
	if err != nil || !ss.rules.Due(s) {
		return s, err
	}
	_, err = ss.settler.settle(ctx, s, curfew.Admitting)
	if err = ss.settler.stuck(ctx, s, err); err != nil && !errors.Is(err, curfew.Conflict) {
		return s, err
	}
	s, err = ss.store.Session(ctx, id)
	if err == nil {
		ss.freed(ctx, s)
	}
	return s, err
}

// freed serves the customer's deferred payments after the session that held the
// slot has ended. The ending is committed, so a failure here is logged: the
// sweeper or the customer's next call serves them.
func (ss *Sessions) freed(ctx context.Context, s curfew.Standing) {
	if !s.Status.Ended() {
		return
	}
	if err := ss.admission.serve(ctx, s.CustomerID); err != nil {
		ss.log.WarnContext(ctx, "a deferred payment was not served yet", "customer", s.CustomerID, "error", err)
	}
}
