package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// reference returns the receipt of the payment as which c was reported. A claim without
// its checkout is completed first: from what is left of the checkout (its events, its
// sessions), or, if nothing is, by letting the caller admit it under the id that was
// claimed. NotFound: admit it, with the id and version that c has then.
// IdempotencyMismatch: the claim is for another customer or plan. *unspendableError: its
// money can pay for nothing.
func (ad *Admission) reference(ctx context.Context, c *curfew.Checkout, by curfew.Actor) (record.Receipt, error) {
	r, err := ad.byReference(ctx, c.Ref)
	if !errors.Is(err, curfew.NotFound) {
		return r, err
	}
	if err := ad.reportedBefore(ctx, c); err != nil {
		return record.Receipt{}, err
	}
	claim, err := ad.store.LostCheckout(ctx, c.Ref)
	switch {
	case err != nil:
		return record.Receipt{}, err
	case claim.CustomerID != c.CustomerID || claim.Plan != c.Plan:
		return record.Receipt{}, curfew.Errorf(curfew.IdempotencyMismatch,
			"payment %s was reported before with another customer or plan", c.Ref)
	case claim.Outcome == "" && claim.SessionID == "":
		c.ID = claim.CheckoutID
		if err := ad.store.Unclaim(ctx, claim); err != nil {
			return record.Receipt{}, err
		}
		return record.Receipt{}, curfew.Errorf(curfew.NotFound, "nothing is left of payment %s but its claim", c.Ref)
	}
	return ad.recover(ctx, claim, *c, by)
}

// recover writes the missing checkout of a claim: with the outcome of its last event;
// without events, fulfilled if one of its sessions was not cancelled; otherwise held,
// because nobody knows what became of the money.
func (ad *Admission) recover(ctx context.Context, claim record.PaymentClaim, c curfew.Checkout, by curfew.Actor) (record.Receipt, error) {
	c = record.Divided(c)
	c.ID, c.Outcome, c.Version = claim.CheckoutID, claim.Outcome, claim.Version
	c.SessionID = cmp.Or(claim.SessionID, c.SessionID)
	switch {
	case c.Outcome != "":
	case claim.Kept:
		c.Outcome = curfew.Fulfilled
	default:
		c.Outcome, c.Note = curfew.Held, "its record was lost, and its session was cancelled: see what became of the money"
	}
	err := ad.store.Recover(ctx, c, by, ad.rules.policy.DeferTTL)
	if err != nil && !errors.Is(err, curfew.Conflict) { // Conflict: another replay was first
		return record.Receipt{}, fmt.Errorf("recover checkout %s: %w", c.ID, err)
	}
	if err == nil {
		ad.log.WarnContext(ctx, "the record of a payment was missing, and was made anew by its replay", "ref", c.Ref, "checkout", c.ID, "outcome", c.Outcome)
	}
	return ad.store.Reference(ctx, c.Ref)
}

// reportedBefore handles a payment that its provider reported before the shop did: the checkout
// gets that payment, in the version that is judged here.
func (ad *Admission) reportedBefore(ctx context.Context, c *curfew.Checkout) error {
	l, err := ad.store.LedgerOf(ctx, c.Ref)
	if errors.Is(err, curfew.NotFound) || err == nil && (l.Version == 0 || len(l.Checkouts) > 0) {
		return nil
	}
	if err != nil {
		return err
	}
	c.ID, c.Version, c.PaymentID, c.Capture = l.ID, l.Version, cmp.Or(c.PaymentID, l.Name), ad.rules.captureOf(l, *c)
	if s := ad.rules.funds(l, *c); s != spendable {
		return &unspendableError{s}
	}
	return nil
}

// unspendableError is a payment that, by its provider's report, can pay for nothing, and
// that the shop reports only now.
type unspendableError struct{ funds funds }

func (e *unspendableError) Error() string { return e.funds.String() }

// recorded is the checkout as it is recorded then.
func (e *unspendableError) recorded(c curfew.Checkout) curfew.Checkout {
	c.Outcome, c.Note, c.Amount = e.outcome(), e.funds.String(), record.LinesOf(c).Total
	if c.Outcome == curfew.Void && c.Capture == "authorised" {
		c.Capture = "releasing"
	}
	return c
}

func (e *unspendableError) outcome() curfew.Outcome {
	switch e.funds {
	case awaited:
		return curfew.Promised
	case returned:
		return curfew.Refunded
	case lost, brief:
		return curfew.Void
	}
	return curfew.Held
}
