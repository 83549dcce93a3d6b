package lifecycle

import (
	"context"
	"errors"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// fulfilled is the result of an admission with a new session.
func fulfilled(s curfew.Snapshot) Fulfillment {
	return Fulfillment{
		Outcome: curfew.Fulfilled, CheckoutID: s.CheckoutID, Plan: s.Plan, Kind: s.Kind,
		SessionID: s.ID, RequestID: s.Request.ID,
	}
}

// replay answers the repeated report of a payment. A payment that still waits for the
// slot is served first if possible, and so is an appointment whose start has passed.
// IdempotencyMismatch: it was reported with another customer, plan or amount.
func (ad *Admission) replay(ctx context.Context, r record.Receipt, p Purchase) (Fulfillment, error) {
	if r.Checkout.CustomerID != p.CustomerID || r.Checkout.Plan != p.Plan {
		return Fulfillment{}, curfew.Errorf(curfew.IdempotencyMismatch,
			"payment %s was reported before with another customer or plan", p.PaymentRef)
	}
	if err := ad.sameAmount(ctx, r.Checkout, p.Amount, p.Currency); err != nil {
		return Fulfillment{}, err
	}
	if r.Checkout.Outcome == curfew.Deferred || (curfew.Snapshot{Session: r.Session, Now: r.Now}).Started() {
		return ad.serveAndPresent(ctx, p.CustomerID, r.Checkout.ID)
	}
	return ad.present(ctx, r)
}

// sameAmount refuses a repeated report of a payment with another amount or currency than the
// first. What a report leaves out is not compared. Once the provider has reported the
// payment, the provider's amount counts, and the shop may repeat its own. The error is
// IdempotencyMismatch.
func (ad *Admission) sameAmount(ctx context.Context, c curfew.Checkout, amount *int64, currency string) error {
	otherAmount := amount != nil && *amount != c.Amount
	otherCurrency := currency != "" && !strings.EqualFold(currency, c.Currency)
	if c.Amount == 0 || !otherAmount && !otherCurrency { // 0: perhaps unknown
		return nil
	}
	l, err := ad.ledgers.store.Ledger(ctx, c.Payment())
	if err != nil || l.Version > 0 {
		return err
	}
	return curfew.Errorf(curfew.IdempotencyMismatch,
		"payment %s was reported before with %s: what was paid for it cannot change", c.Ref, curfew.Amount(c.Amount, c.Currency))
}

// byReference returns the receipt of a payment's reference. If its checkout turned out to
// duplicate another, it returns that one's.
func (ad *Admission) byReference(ctx context.Context, ref string) (record.Receipt, error) {
	r, err := ad.store.Reference(ctx, ref)
	if err != nil || r.Checkout.Outcome != curfew.Void {
		return r, err
	}
	l, err := ad.store.Ledger(ctx, r.Checkout.Payment())
	if err != nil {
		return r, err
	}
	if c, ok := l.First(); ok && c.ID != r.Checkout.ID {
		return ad.receipt(ctx, c.ID)
	}
	return r, nil
}

// receipt returns the receipt of a checkout by its id.
func (ad *Admission) receipt(ctx context.Context, id string) (record.Receipt, error) {
	c, err := ad.store.Checkout(ctx, id)
	if err != nil || c.SessionID == "" {
		return record.Receipt{Checkout: c}, err
	}
	s, err := ad.store.Session(ctx, c.SessionID)
	if errors.Is(err, curfew.NotFound) {
		err = nil
	}
	return record.Receipt{Checkout: c, Session: s.Session, RequestID: s.Request.ID, Now: s.Now}, err
}

// serveAndPresent serves the customer's deferred payments if it can, and answers with the
// present outcome of this checkout.
func (ad *Admission) serveAndPresent(ctx context.Context, customerID, id string) (Fulfillment, error) {
	err := ad.serve(ctx, customerID)
	if rowsOwn(ctx, err) {
		err = ad.leaveCustomer(ctx, customerID, err)
	}
	if err != nil {
		return Fulfillment{}, err
	}
	r, err := ad.receipt(ctx, id)
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
