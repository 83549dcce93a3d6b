package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// NewSession asks for a session that no new payment pays for: of a free plan, or
// for a credit.
type NewSession struct {
	CustomerID string
	Plan       string
	Name       string // shown to mechanics; empty: the credit's
	Key        string // the caller's idempotency key; empty: none
}

// CreateSession gives a customer a session of a free plan, or spends the oldest
// credit of the plan. Errors: PaymentRequired where there is neither,
// SessionOpen with the blocker where the slot is truly taken, and
// IdempotencyMismatch for a known key with another plan.
func (ad *Admission) CreateSession(ctx context.Context, by curfew.Actor, c NewSession) (Fulfillment, error) {
	ctx, end := ad.trace.Begin(ctx, "create a session")
	defer end()
	begun := time.Now()
	f, err := ad.create(ctx, by, c)
	outcome := ad.observed(f, err, time.Since(begun))
	curfew.Note(ctx, curfew.OutcomeNote, outcome)
	return f, err
}

func (ad *Admission) create(ctx context.Context, by curfew.Actor, c NewSession) (Fulfillment, error) {
	if err := ad.rules.checkClaim(c); err != nil {
		return Fulfillment{}, err
	}
	if r, err := ad.known(ctx, c); !errors.Is(err, curfew.NotFound) {
		return keyed(r, c, err)
	}
	b := attempt{
		customerID: c.CustomerID,
		admission:  func(ctx context.Context) (record.Admission, error) { return ad.spend(ctx, by, c) },
		known: func(ctx context.Context) (record.Receipt, error) {
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
		return Fulfillment{}, fmt.Errorf("create session for customer %s: %w", c.CustomerID, err)
	case r.admitted != nil:
		return fulfilled(*r.admitted), nil
	case r.known != nil:
		return keyed(*r.known, c, nil)
	case r.stuck != nil:
		return Fulfillment{}, &stuckError{*r.stuck}
	case r.blocker == nil:
		return Fulfillment{}, curfew.Errorf(curfew.Unavailable, "the customer's slot changes hands too quickly: try again")
	}
	blocker := ad.rules.Blocker(*r.blocker)
	ad.refused(ctx, c.CustomerID, blocker)
	return Fulfillment{}, curfew.Refusal(*blocker)
}

// placeUnpaid looks again for a customer who has no credit: what stands in the
// way comes before what a session would cost, and an overdue session of their
// own, or one that another program cancelled, leaves the credit that was missing.
func (ad *Admission) placeUnpaid(ctx context.Context, b attempt) (result, error) {
	blocker, err := ad.settler.settleOwn(ctx, b.customerID)
	if stuck, ok := isStuck(err); ok {
		return result{stuck: &stuck.session}, nil
	}
	if err != nil || blocker != nil {
		return result{blocker: blocker}, err
	}
	return ad.admit(ctx, b)
}

func (r *Rules) checkClaim(c NewSession) error {
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

func (ad *Admission) known(ctx context.Context, c NewSession) (record.Receipt, error) {
	if c.Key == "" {
		return record.Receipt{}, curfew.NotFound
	}
	return ad.store.Key(ctx, c.CustomerID, c.Key)
}

func keyed(r record.Receipt, c NewSession, err error) (Fulfillment, error) {
	if err != nil {
		return Fulfillment{}, err
	}
	if r.Session.Plan != c.Plan {
		return Fulfillment{}, curfew.Errorf(curfew.IdempotencyMismatch, "this Idempotency-Key was used for plan %q", r.Session.Plan)
	}
	return Fulfillment{
		Outcome: r.Checkout.Outcome, Replayed: true, CheckoutID: r.Checkout.ID, Plan: r.Session.Plan,
		Kind: r.Session.Kind, SessionID: r.Session.ID, RequestID: r.RequestID,
	}, nil
}

// spend is the admission that a credit pays for, or that a free plan needs no
// payment for.
func (ad *Admission) spend(ctx context.Context, by curfew.Actor, c NewSession) (record.Admission, error) {
	credit, err := ad.store.Credit(ctx, c.CustomerID, c.Plan)
	free := ad.rules.policy.Plans[c.Plan].Free()
	switch {
	case errors.Is(err, curfew.NotFound) && free:
		credit = curfew.Checkout{CustomerID: c.CustomerID, Plan: c.Plan}
	case errors.Is(err, curfew.NotFound):
		return record.Admission{}, curfew.Errorf(curfew.PaymentRequired,
			"plan %q is not free, and the customer has no credit of it", c.Plan)
	case err != nil:
		return record.Admission{}, err
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
