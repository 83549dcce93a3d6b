package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// funds is what the money of a payment allows one of its checkouts.
type funds int8

const (
	spendable funds = iota // it is worth its price
	awaited                // nobody says yet whether the money comes
	frozen                 // it may be taken back: it is neither spent, nor given up, nor refunded
	partly                 // a part of it is gone
	returned               // all of it was given back
	lost                   // it was never paid, or was taken back
)

// String says to outsiders why a payment buys nothing now.
func (s funds) String() string {
	switch s {
	case awaited:
		return "the payment has not arrived yet"
	case frozen:
		return "the customer's bank disputes the payment, or a refund of it is under way"
	case partly:
		return "a part of the payment was given back"
	case returned:
		return "the payment was given back"
	case lost:
		return "the payment failed, or was taken back"
	}
	return "paid"
}

// balanceOf sums a payment up. What the shop reported counts until the provider speaks.
func balanceOf(l record.Ledger) curfew.Balance {
	var reported int64
	var currency string
	for _, c := range l.Checkouts {
		if !duplicate(c) {
			reported += c.Amount
			currency = cmp.Or(currency, c.Currency)
		}
	}
	return l.Balance(reported, currency)
}

// duplicate reports whether a checkout turned out to be of a payment that another checkout
// had been recorded for.
func duplicate(c curfew.Checkout) bool { return c.LineOf != "" && c.LineOf != c.ID && c.Line <= 1 }

// fundsOf is the funds of a checkout, which need not be among those of the ledger yet.
func fundsOf(l record.Ledger, c curfew.Checkout) funds {
	if !slices.ContainsFunc(l.Checkouts, func(other curfew.Checkout) bool { return other.ID == c.ID }) {
		l.Checkouts = append(slices.Clone(l.Checkouts), c)
	}
	b := balanceOf(l)
	switch b.State {
	case "failed":
		return lost
	case "reported", "captured":
	default:
		return awaited
	}
	left := leftFor(l, c, b.Worth())
	switch {
	case b.Open() > 0:
		return frozen
	case left >= c.Amount && (left > 0 || b.Gone() == 0):
		return spendable
	case left > 0:
		return partly
	case b.Lost == 0 && b.Refunded > 0:
		return returned
	}
	return lost
}

// leftFor is how much of a payment's worth is left for one of its checkouts, after those
// that have had a session and those before it.
func leftFor(l record.Ledger, c curfew.Checkout, worth int64) int64 {
	lines := slices.Clone(l.Checkouts)
	slices.SortStableFunc(lines, func(a, b curfew.Checkout) int {
		return cmp.Or(cmp.Compare(served(b), served(a)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.ID, b.ID))
	})
	for _, other := range lines {
		if other.ID == c.ID {
			break
		}
		switch other.Outcome {
		case curfew.Void, curfew.Ignored, curfew.Refunded, curfew.Refunding, curfew.RefundDue:
		default:
			worth -= min(worth, other.Amount)
		}
	}
	return worth
}

func served(c curfew.Checkout) int {
	if c.Outcome == curfew.Fulfilled {
		return 1
	}
	return 0
}

// ledgers reads what is known of payments.
type ledgers struct{ store ledgerStore }

// funds is what the money of a checkout allows it, as it was read at the same time or
// after: whoever changes the checkout as it was read has seen everything that was told.
func (ls ledgers) funds(ctx context.Context, c curfew.Checkout) (funds, error) {
	if c.Free() {
		return spendable, nil
	}
	l, err := ls.store.Ledger(ctx, c.Payment())
	if err != nil {
		return lost, fmt.Errorf("look at the payment of checkout %s: %w", c.ID, err)
	}
	return fundsOf(l, c), nil
}

// firstSpendable is the first of some checkouts that can pay for a session now, and why
// another cannot. NotFound: there are none at all.
func (ls ledgers) firstSpendable(ctx context.Context, all []curfew.Checkout) (curfew.Checkout, error) {
	why := error(curfew.NotFound)
	for _, c := range all {
		s, err := ls.funds(ctx, c)
		if err != nil || s == spendable {
			return c, err
		}
		why = curfew.Errorf(curfew.PaymentRequired, "%s", s)
	}
	return curfew.Checkout{}, why
}
