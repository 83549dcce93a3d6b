package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settlePayment brings the checkouts of a payment into line with its money. It can be
// repeated: a settled checkout does not change again.
func (ps *Payments) settlePayment(ctx context.Context, l record.Ledger) error {
	if err := ps.settleDuplicates(ctx, l); err != nil {
		return err
	}
	if settled, err := ps.settleAlone(ctx, l); err != nil || settled {
		return err
	}
	var errs []error
	for _, c := range l.Checkouts { // one that fails keeps no other from it
		if err := ps.settleCheckout(ctx, c.ID); err != nil {
			errs = append(errs, fmt.Errorf("settle %s: %w", cmp.Or(record.Title(c), c.ID), err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if err := ps.settleLines(ctx, l); err != nil {
		return err
	}
	if goesOn, err := ps.finishing(ctx, l); err != nil || goesOn {
		return err
	}
	return ps.store.Judged(ctx, l.ID, l.Version)
}

// settleCheckout reads a checkout with its payment, and settles it by them.
func (ps *Payments) settleCheckout(ctx context.Context, id string) error {
	var err error
	for range steps {
		c, l, err2 := withLedger(ctx, ps.store, id)
		if err2 != nil || l.Duplicate(c) && c.Outcome != curfew.Refunding {
			return err2
		}
		if err = ps.settleByFunds(ctx, c, l); !errors.Is(err, curfew.Conflict) {
			return err
		}
	}
	return again(err)
}

// moneyStore reads checkouts and their payments.
type moneyStore interface {
	checkoutStore
	ledgerStore
}

// withLedger reads a checkout and then its payment, so a change that checks the
// checkout's version has seen every report up to that version.
func withLedger(ctx context.Context, store moneyStore, id string) (curfew.Checkout, record.Ledger, error) {
	c, err := store.Checkout(ctx, id)
	if err != nil {
		return c, record.Ledger{}, err
	}
	l, err := store.Ledger(ctx, c.Payment())
	return c, l, err
}

// settleByFunds moves a checkout to the outcome that its money allows. Only the worker
// moves one from Refunding, by the same facts.
func (ps *Payments) settleByFunds(ctx context.Context, c curfew.Checkout, l record.Ledger) error {
	b, s := l.Money(), ps.rules.funds(l, c)
	c, err := ps.markDispute(ctx, c, b)
	if err != nil {
		return err
	}
	if c, err = ps.markCurrency(ctx, c, l, b); err != nil {
		return err
	}
	if c, err = ps.markCapture(ctx, c, b); err != nil {
		return err
	}
	switch c.Outcome {
	case curfew.Promised:
		return ps.settlePromised(ctx, c, s)
	case curfew.RefundDue, curfew.Refunding:
		return ps.settleRefunding(ctx, c, l, s)
	case curfew.Refunded:
		return ps.settleRefunded(ctx, c, l, b)
	case curfew.Void:
		return ps.settleVoid(ctx, c, b, s)
	case curfew.Ignored:
		return nil
	}
	switch s {
	case returned:
		return ps.takeBack(ctx, c, taken{curfew.Refunded, curfew.ByRefund, curfew.GivenBackReason})
	case lost:
		err := ps.takeBack(ctx, c, taken{curfew.Void, curfew.ByPayment, string(curfew.ByPayment)})
		if err == nil && b.Lost > 0 {
			err = ps.markLost(ctx, c.ID)
		}
		return err
	case spendable:
		return ps.foundAgain(ctx, c)
	case partly:
		return ps.settlePart(ctx, c, l, b)
	case brief:
		return ps.settleBrief(ctx, c)
	case awaited:
		return captures{ps}.settleAssigned(ctx, c, l)
	}
	return nil
}

// markDispute notes that the customer's bank asks for the payment, or does no longer. A
// person has to decide whether to contest it.
func (ps *Payments) markDispute(ctx context.Context, c curfew.Checkout, b curfew.Balance) (curfew.Checkout, error) {
	a := record.Annotation{From: c, Actor: curfew.Provider}
	switch disputed := b.Disputed+b.Lost > 0; {
	case disputed && c.DisputedAt.IsZero():
		a.Disputed, a.Reason = record.Yes, curfew.DisputedReason
	case !disputed && !c.DisputedAt.IsZero():
		a.Disputed, a.Reason = record.No, "the customer's bank disputes it no longer"
	default:
		return c, nil
	}
	return ps.write.Annotate(ctx, a)
}

// markCurrency notes a refund in another currency than the payment's. It decides nothing.
func (ps *Payments) markCurrency(ctx context.Context, c curfew.Checkout, l record.Ledger, b curfew.Balance) (curfew.Checkout, error) {
	for _, f := range l.Facts {
		if f.Kind != "refund" && f.Kind != "refund_total" || f.Currency == "" || strings.EqualFold(f.Currency, b.Currency) {
			continue
		}
		note := fmt.Sprintf("%s were given back of %s: compare them at the provider",
			curfew.Amount(f.Amount, f.Currency), curfew.Amount(c.Amount, c.Currency))
		if c.Note == note {
			break
		}
		return ps.write.Annotate(ctx, record.Annotation{
			From: c, Reason: note, Note: note, Concern: record.Disagreement, Actor: curfew.Provider,
		})
	}
	return c, nil
}

// settlePromised admits a promised payment whose money has come.
func (ps *Payments) settlePromised(ctx context.Context, c curfew.Checkout, s funds) error {
	to, why := curfew.Held, s.String()
	switch s {
	case awaited, frozen:
		return nil
	case lost, brief:
		to, why = curfew.Void, string(curfew.ByPayment)
	case returned:
		to, why = curfew.Refunded, curfew.GivenBackReason
	case spendable:
		if why = ps.rules.promisedFlaw(c); why == "" {
			return ps.admitPromised(ctx, c)
		}
	}
	_, err := ps.write.ChangeCheckout(ctx, released(record.CheckoutChange{From: c, To: to, Reason: why, Note: why, Actor: curfew.Provider}))
	return err
}

// promisedFlaw says why a promised payment brings no session now that it has come.
func (r *Rules) promisedFlaw(c curfew.Checkout) string {
	if _, err := r.plan(c.Plan); err != nil {
		return err.Error()
	}
	if c.Extends != "" {
		return "it was to extend session " + c.Extends + ", and the money came later"
	}
	n := record.LinesOf(c).Count
	return r.flaw(curfew.Order{CustomerID: c.CustomerID, Plan: c.Plan, Quantity: n, Amount: c.Amount, Price: c.Amount, Currency: c.Currency})
}

// admitPromised makes a checkout deferred and serves it, at once if the slot is free. A
// renewal becomes a credit.
func (ps *Payments) admitPromised(ctx context.Context, c curfew.Checkout) error {
	if record.Renewal(c) {
		return failed(ps.write.ChangeCheckout(ctx, divided(record.CheckoutChange{
			From: c, To: curfew.Credited, Reason: curfew.ArrivedReason, Note: curfew.ArrivedReason, Actor: curfew.Provider,
		})))
	}
	_, err := ps.write.Reassign(ctx, record.Reassignment{
		From: c, CustomerID: c.CustomerID, Plan: c.Plan, Amount: record.Divided(c).Amount,
		Retry: ps.rules.policy.DeferTTL, Reason: curfew.ArrivedReason, Actor: curfew.Provider,
	})
	if err != nil {
		return err
	}
	return failed(ps.admission.serveAndPresent(ctx, c.CustomerID, c.ID))
}

// settleRefunding ends a refund that was made, or is not owed any more; and takes back one
// that failed.
func (ps *Payments) settleRefunding(ctx context.Context, c curfew.Checkout, l record.Ledger, s funds) error {
	b := l.Money()
	given := l.GivenBack(c, b.Refunded)
	change := record.CheckoutChange{From: c, Actor: curfew.Provider}
	switch {
	case given > 0 && b.Captured > 0 && (given >= record.Due(c, b) || b.Open() == 0 && l.LeftFor(c, b.Worth()) == 0):
		change.To, change.Reason, change.RefundID = curfew.Refunded, curfew.GivenBackReason, lastRefund(l.Facts)
	case c.Outcome == curfew.Refunding && l.Duplicate(c) && s == returned && b.Open() == 0: // for the other one
		change.To, change.Reason = curfew.Refunded, curfew.GivenBackReason
	case (s == lost || s == returned) && c.Outcome == curfew.RefundDue:
		change.To, change.Reason = curfew.Void, string(curfew.ByPayment)
	case c.Outcome == curfew.RefundDue && b.State == "authorised" && c.Capture == "": // its plan reserves nothing, yet its money is only reserved
		change.To, change.Reason, change.Capture = curfew.Void, curfew.CaptureReason("releasing"), "releasing"
	case c.Outcome == curfew.Refunding && b.Refusal != "" && b.Refunding == 0:
		change.To, change.Reason, change.Note = curfew.RefundDue, curfew.WithNote(curfew.RefundRefusedReason, b.Refusal), byHand(b)
		change.Concern, change.Wait = record.RefundFailed, longestWait
	default:
		return nil
	}
	_, err := ps.write.ChangeCheckout(ctx, change)
	return err
}

// lastRefund is the id of the newest refund that succeeded, or empty if no single one is known.
func lastRefund(facts []curfew.Fact) string {
	var last curfew.Fact
	for _, f := range facts {
		if f.Kind == "refund" && f.State == "succeeded" && (last.Object == "" || f.At.After(last.At)) {
			last = f
		}
	}
	return last.Object
}

// settleRefunded makes a refund due again that the provider could not complete.
func (ps *Payments) settleRefunded(ctx context.Context, c curfew.Checkout, l record.Ledger, b curfew.Balance) error {
	if b.Refusal == "" || b.State != "captured" || l.GivenBack(c, b.Refunded+b.Refunding+b.Lost) >= record.Due(c, b) {
		return nil
	}
	_, err := ps.write.ChangeCheckout(ctx, record.CheckoutChange{
		From: c, To: curfew.RefundDue, Reason: curfew.WithNote(curfew.RefundRefusedReason, b.Refusal), Actor: curfew.Provider,
		Note: byHand(b), Concern: record.RefundFailed, Wait: longestWait,
	})
	return err
}

// byHand is the note to operators about a refund that failed. The provider cannot try
// again, because the customer's bank has refused it.
func byHand(b curfew.Balance) string {
	return b.Refusal + ". The provider cannot repeat it: pay the customer in another way, then close the refund by hand"
}

// settlePart deals with what is left of a payment of which a part is gone, as the policy
// says: an operator decides, or the rest is given back.
func (ps *Payments) settlePart(ctx context.Context, c curfew.Checkout, l record.Ledger, b curfew.Balance) error {
	left := l.LeftFor(c, b.Worth())
	note := fmt.Sprintf("%s of %s are left", curfew.Amount(left, b.Currency), curfew.Amount(record.Cost(c, b), cmp.Or(c.Currency, b.Currency)))
	if c.Outcome != curfew.Held {
		t := taken{curfew.Held, curfew.ByRefund, curfew.WithNote(curfew.PartLostReason, note)}
		if b.Lost > 0 {
			t.end = curfew.ByPayment
		}
		if err := ps.takeBack(ctx, c, t); err != nil {
			return err
		}
		now, err := ps.store.Checkout(ctx, c.ID)
		if err != nil || now.Outcome != curfew.Held {
			return err
		}
		c = now
	}
	if !ps.rules.policy.RefundPart {
		return nil
	}
	_, err := ps.write.ChangeCheckout(ctx, released(record.CheckoutChange{
		From: c, To: curfew.RefundDue, Refund: left + l.GivenBack(c, b.Refunded), Reason: curfew.WithNote(curfew.PartLostReason, note), Note: note, Actor: curfew.Provider,
	}))
	return err
}

// settleUnjudged settles payments that were reported on by a process that died before it
// could settle them.
func (ps *Payments) settleUnjudged(ctx context.Context) error {
	ids, err := ps.store.Unjudged(ctx, pageSize)
	if err != nil {
		return fmt.Errorf("settle payments: %w", err)
	}
	for _, id := range ids {
		l, err := ps.store.Ledger(ctx, id)
		if err == nil {
			err = ps.settlePayment(ctx, l)
		}
		if rowsOwn(ctx, err) && len(l.Checkouts) > 0 {
			err = ps.quarantine.setApart(ctx, apartPayment(l.Checkouts[0], "settle"), err)
		}
		if err != nil {
			return fmt.Errorf("settle payment %s: %w", id, err)
		}
	}
	return nil
}
