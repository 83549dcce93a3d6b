package lifecycle

import (
	"context"
	"errors"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func admitted(f Fulfillment, err error) string {
	switch {
	case errors.Is(err, curfew.SessionOpen):
		return "refused"
	case err != nil:
		return "failed"
	case f.Replayed:
		return "replayed"
	}
	return string(f.Outcome)
}

func fulfilled(s curfew.Snapshot) Fulfillment {
	return Fulfillment{
		Outcome: curfew.Fulfilled, CheckoutID: s.CheckoutID, Plan: s.Plan, Kind: s.Kind,
		SessionID: s.ID, RequestID: s.Request.ID,
	}
}

// replay answers a known reference. A payment that still waits for the slot is
// tried first, and an appointment whose start has passed: this call may be the
// customer's next.
func (ad *Admission) replay(ctx context.Context, r record.Receipt, p Purchase) (Fulfillment, error) {
	if r.Checkout.CustomerID != p.CustomerID || r.Checkout.Plan != p.Plan {
		return Fulfillment{}, curfew.Errorf(curfew.IdempotencyMismatch,
			"payment %s was reported before with another customer or plan", p.PaymentRef)
	}
	if r.Checkout.Outcome == curfew.Deferred || (curfew.Snapshot{Session: r.Session, Now: r.Now}).Started() {
		return ad.retried(ctx, p.CustomerID, p.PaymentRef)
	}
	return ad.present(ctx, r)
}

// present is the present outcome of a known checkout.
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

// refused records that a customer was truly blocked. The record serves health
// alone, so its failure is logged and nobody's call fails for it.
func (ad *Admission) refused(ctx context.Context, customerID string, b *curfew.Blocker) {
	ad.observe.Blocked(b.Session.Status)
	if err := ad.store.Refuse(ctx, customerID, b.Session.ID); err != nil {
		ad.log.ErrorContext(ctx, "a refusal was not recorded", "customer", customerID, "error", err)
	}
}
