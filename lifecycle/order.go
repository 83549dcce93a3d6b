package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// admitOrder carries out the order of a payment that its provider reported before the
// shop did, or records why it cannot. Nothing is recorded for an order that was never
// paid.
func (ps *Payments) admitOrder(ctx context.Context, n curfew.Notice, l record.Ledger) error {
	o := *n.Order
	c := ps.rules.ordered(n, l)
	if state := l.Balance(0, o.Currency).State; state == "" || state == "failed" {
		return nil
	}
	if ps.foreign(o) {
		return ps.record(ctx, c, curfew.Ignored, "there is no plan of ours in it")
	}
	switch s := ps.rules.funds(l, c); s {
	case spendable:
	case awaited:
		return ps.record(ctx, c, curfew.Promised, curfew.AwaitedReason)
	case frozen:
		return ps.record(ctx, c, curfew.Promised, curfew.WithNote(curfew.AwaitedReason, s.String()))
	case returned:
		return ps.record(ctx, c, curfew.Refunded, curfew.GivenBackBeforeReason)
	default:
		bad := unspendableError{s}
		return ps.record(ctx, bad.recorded(c), bad.outcome(), s.String())
	}
	if why := ps.rules.flaw(o); why != "" {
		return ps.record(ctx, c, curfew.Held, why)
	}
	if o.Renewal {
		return ps.recordRenewal(ctx, c)
	}
	err := ps.apply(ctx, n, l, c)
	if errors.Is(err, curfew.Invalid) || errors.Is(err, curfew.NotFound) {
		return ps.record(ctx, c, curfew.Held, err.Error())
	}
	if errors.Is(err, curfew.IdempotencyMismatch) {
		return ps.disown(ctx, c)
	}
	return err
}

// recordRenewal records a subscription's later payment as a credit, because nobody asks
// for a session when it comes.
func (ps *Payments) recordRenewal(ctx context.Context, c curfew.Checkout) error {
	if !ps.rules.creditable(c) {
		return ps.record(ctx, c, curfew.Held, "it renews a subscription, and a credit of it could not be spent")
	}
	if c.Capture == "authorised" {
		c.Capture = "due" // no acceptance will make it due
	}
	return ps.record(ctx, record.Divided(c), curfew.Credited, curfew.ArrivedReason)
}

// disown handles a payment whose provider names another customer or plan than its claim.
// An existing checkout stays as it is; a lost one is held for an operator.
func (ps *Payments) disown(ctx context.Context, c curfew.Checkout) error {
	claim, err := ps.store.LostCheckout(ctx, c.Ref)
	if errors.Is(err, curfew.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c.CustomerID, c.Plan, c.Outcome, c.Version = claim.CustomerID, claim.Plan, curfew.Held, 0
	c.Note = "its record was lost, and the provider tells it of another customer or plan than was claimed"
	if claim.Outcome != "" || claim.SessionID != "" {
		c.Note = ""
		_, err = ps.admission.recover(ctx, claim, c, curfew.Provider)
		return err
	}
	c.ID = claim.CheckoutID
	err = ps.store.Recover(ctx, c, curfew.Provider, ps.rules.policy.DeferTTL)
	if errors.Is(err, curfew.Conflict) {
		return nil
	}
	return err
}

// foreign reports whether an order is for none of the plans, and thus belongs to another
// product on the same provider account.
func (ps *Payments) foreign(o curfew.Order) bool {
	_, ours := ps.rules.policy.Plans[o.Plan]
	return !ours && !ps.rules.policy.HoldForeign
}

// ordered is the checkout of an order as it is recorded if it gets no session.
func (r *Rules) ordered(n curfew.Notice, l record.Ledger) curfew.Checkout {
	o := n.Order
	c := curfew.Checkout{
		ID: l.ID, Version: l.Version, CustomerID: o.CustomerID, Ref: n.References[0], PaymentID: n.Name, Plan: o.Plan,
		Amount: max(o.Amount, 0), Currency: strings.ToLower(o.Currency), Email: o.Email, Name: o.Name, Metadata: record.Remembered(*o),
		StartsAt: o.StartsAt, Extends: o.Extends,
	}
	if curfew.CheckID("customer id", c.CustomerID) != nil {
		c.CustomerID = curfew.Nobody
	}
	c.Capture = r.captureOf(l, c)
	return c
}

// flaw says why an order cannot be carried out; empty: it can be tried.
func (r *Rules) flaw(o curfew.Order) string {
	plan := r.policy.Plans[o.Plan]
	switch err := curfew.CheckID("customer id", o.CustomerID); {
	case o.Flaw != "":
		return o.Flaw
	case o.CustomerID == "":
		return "the provider does not say whose it is"
	case err != nil:
		return err.Error() + ": " + curfew.Visible(o.CustomerID)
	case plan.Currency != "" && !strings.EqualFold(plan.Currency, o.Currency):
		return fmt.Sprintf("it was paid in %s, and plan %s is sold in %s", strings.ToUpper(o.Currency), o.Plan, strings.ToUpper(plan.Currency))
	case o.Quantity < 0 || o.Quantity > record.MaxLines:
		return fmt.Sprintf("it is for %d sessions at once, and a payment can be for %d", o.Quantity, record.MaxLines)
	case plan.Price != nil && plan.Currency != "" && r.paidFor(o) < *plan.Price*max(o.Quantity, 1):
		return fmt.Sprintf("%s were paid, and %s costs %s", curfew.Amount(r.paidFor(o), o.Currency), several(o),
			curfew.Amount(*plan.Price*max(o.Quantity, 1), plan.Currency))
	}
	return ""
}

// several names what an order is for.
func several(o curfew.Order) string {
	if o.Quantity > 1 {
		return fmt.Sprintf("%d times plan %s", o.Quantity, o.Plan)
	}
	return "plan " + o.Plan
}

// paidFor is what an order paid towards the price of its plan: without tax and shipping
// and, unless the policy says otherwise, before coupons.
func (r *Rules) paidFor(o curfew.Order) int64 {
	if r.policy.RefuseDiscounts {
		return min(o.Price, o.Amount)
	}
	return o.Price
}

// apply carries out the order of a payment like a shop's report. Invalid and NotFound
// (the session that it extends is missing, or another customer's) mean that the payment
// cannot be used as it is.
func (ps *Payments) apply(ctx context.Context, n curfew.Notice, l record.Ledger, c curfew.Checkout) error {
	if n.Order.Extends != "" {
		_, err := ps.sessions.Extend(ctx, curfew.Provider, extensionOf(n, l))
		return err
	}
	_, err := ps.admission.FulfillCheckout(ctx, curfew.Provider, purchaseOf(n, l, c))
	return err
}

func extensionOf(n curfew.Notice, l record.Ledger) Extension {
	o := n.Order
	return Extension{
		SessionID: o.Extends, CustomerID: o.CustomerID, Plan: o.Plan, PaymentRef: n.References[0], Amount: &o.Amount, Currency: o.Currency,
		Email: o.Email, Name: o.Name, Metadata: o.Metadata, PaymentID: n.Name, Quantity: o.Quantity, payment: reported{id: l.ID, version: l.Version},
	}
}

func purchaseOf(n curfew.Notice, l record.Ledger, c curfew.Checkout) Purchase {
	o, price := n.Order, record.Ordered(*n.Order).Share(1)
	purchase := Purchase{
		PaymentRef: n.References[0], CustomerID: o.CustomerID, Plan: o.Plan, Amount: &price, Currency: o.Currency,
		Email: o.Email, Name: o.Name, PaymentID: n.Name, payment: reported{l.ID, l.Version, c.Capture, c.Metadata},
	}
	if !o.StartsAt.IsZero() {
		purchase.StartsAt = &o.StartsAt
	}
	return purchase
}

// record writes a payment that gets no session. A Conflict is no error: somebody else was
// faster, and their checkout is judged next.
func (ps *Payments) record(ctx context.Context, c curfew.Checkout, outcome curfew.Outcome, why string) error {
	c.Outcome = outcome
	if outcome != curfew.Credited {
		c.Note = why
	}
	_, err := ps.write.Record(ctx, c, curfew.Provider, why)
	if !errors.Is(err, curfew.Conflict) {
		return err
	}
	l, err := ps.store.Ledger(ctx, c.ID)
	if err == nil && len(l.Checkouts) == 0 {
		err = again(fmt.Errorf("record payment %s", c.Ref))
	}
	return err
}
