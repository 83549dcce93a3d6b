package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// advise says what was done about a difference, and what is left for a person.
func (d *Difference) advise(k curfew.Checkout, l record.Ledger) {
	switch d.Kind {
	case missingHere:
		d.Done = fmt.Sprintf("it was recorded, as if the provider's message had arrived, and is %s now", k.Outcome)
		if k.Outcome == curfew.Held {
			d.Todo = "decide what becomes of it: its note says why it is held"
		}
	case notPaidThere:
		d.Todo = "ask your shop. If it was paid, report the provider's name of it as well; if not, close it: refund --by-hand"
		if d.Settled {
			d.Todo = "nothing yet: it is new, and its message may be on its way"
		}
	case amountDiffers:
		if d.Done = "the provider's amount was taken over"; !d.Settled {
			d.Done, d.Todo = "", "compare them at the provider, and give back what was paid too much"
		}
	case refundedThereOnly:
		d.adviseRefunded(k)
	case refundedHereOnly:
		d.Todo = "look at the provider: it gave nothing back. If it refuses to, pay the customer in another way"
		if closedByHand(k, l) {
			d.Settled, d.Todo = true, ""
			d.Done = "it was closed by hand here, so the customer has the money in another way"
		}
	}
}

// adviseRefunded gives the advice for money that was given back at the provider.
func (d *Difference) adviseRefunded(k curfew.Checkout) {
	switch k.Outcome {
	case curfew.Refunded:
		d.Done = "it was taken in as refunded, and a session that it paid for was ended"
	case curfew.Fulfilled:
		d.Done, d.Todo = "its session goes on, or took place", "ask the customer for the money, or leave it"
	default:
		d.Done = fmt.Sprintf("it was taken in, and is %s now", k.Outcome)
		if !d.Settled {
			d.Todo = "decide what becomes of it"
		}
	}
}

// closedByHand reports whether an operator recorded that the customer has the money back.
func closedByHand(k curfew.Checkout, l record.Ledger) bool {
	return k.Outcome == curfew.Refunded && k.RefundID == "" && l.Money().Refunded == 0
}

// Differences lists the differences that the last comparisons found, oldest first, with what
// is left to do. It does not call the provider.
func (ps *Payments) Differences(ctx context.Context) ([]Difference, error) {
	kept, err := ps.store.Differences(ctx, maxDetails)
	if err != nil {
		return nil, err
	}
	all := make([]Difference, 0, len(kept))
	for _, old := range kept {
		d := Difference{Kind: old.Kind, Ref: old.Ref, CheckoutID: old.CheckoutID, Detail: old.Detail, Since: old.FirstAt}
		k, l, err := withLedger(ctx, ps.store, old.CheckoutID)
		if err != nil && !errors.Is(err, curfew.NotFound) {
			return nil, err
		}
		d.Outcome = k.Outcome
		d.advise(k, l)
		all = append(all, d)
	}
	return all, nil
}
