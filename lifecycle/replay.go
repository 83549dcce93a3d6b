package lifecycle

import (
	"context"
	"errors"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// fulfilled answers with a session that is new.
func fulfilled(s curfew.Snapshot) Fulfillment {
	return Fulfillment{
		Outcome: curfew.Fulfilled, CheckoutID: s.CheckoutID, Plan: s.Plan, Kind: s.Kind,
		SessionID: s.ID, RequestID: s.Request.ID,
	}
}

// replay answers a payment that was reported before. One that still waits for the
// slot is served first if it can be, and so is an appointment whose start has passed.
// IdempotencyMismatch: it was reported with another customer or plan.
func (ad *Admission) replay(ctx context.Context, r record.Receipt, p Purchase) (Fulfillment, error) {
	if r.Checkout.CustomerID != p.CustomerID || r.Checkout.Plan != p.Plan {
		return Fulfillment{}, curfew.Errorf(curfew.IdempotencyMismatch,
			"payment %s was reported before with another customer or plan", p.PaymentRef)
	}
	if r.Checkout.Outcome == curfew.Deferred || (curfew.Snapshot{Session: r.Session, Now: r.Now}).Started() {
		return ad.serveAndPresent(ctx, p.CustomerID, p.PaymentRef)
	}
	return ad.present(ctx, r)
}

// serveAndPresent serves the customer's deferred payments if it can, and answers with
// what this one is now.
func (ad *Admission) serveAndPresent(ctx context.Context, customerID, ref string) (Fulfillment, error) {
	err := ad.serve(ctx, customerID)
	if rowsOwn(ctx, err) {
		err = ad.leaveCustomer(ctx, customerID, err)
	}
	if err != nil {
		return Fulfillment{}, err
	}
	r, err := ad.store.Reference(ctx, ref)
	if err != nil {
		return Fulfillment{}, err
	}
	return ad.present(ctx, r)
}

// present answers with the present outcome of a checkout.
func (ad *Admission) present(ctx context.Context, r record.Receipt) (Fulfillment, error) {
	f := Fulfillment{
		Outcome: r.Checkout.Outcome, Replayed: true, CheckoutID: r.Checkout.ID, Plan: r.Checkout.Plan,
		Kind: ad.rules.policy.Plans[r.Checkout.Plan].Kind, SessionID: r.Session.ID, RequestID: r.RequestID,
		RetryUntil: r.Checkout.RetryUntil,
	}
	if r.Session.Kind != "" {
		f.Kind = r.Session.Kind
	}
	if f.Outcome != curfew.Deferred {
		return f, nil
	}
	s, err := ad.store.Open(ctx, r.Checkout.CustomerID)
	if err == nil {
		f.Blocker = ad.rules.Blocker(s)
	}
	if errors.Is(err, curfew.NotFound) {
		err = nil
	}
	return f, err
}
