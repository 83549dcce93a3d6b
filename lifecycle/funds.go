package lifecycle

import (
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

// fundsOf is the funds of a checkout, which need not be among those of the ledger yet.
func fundsOf(l record.Ledger, c curfew.Checkout) funds {
	if !slices.ContainsFunc(l.Checkouts, func(other curfew.Checkout) bool { return other.ID == c.ID }) {
		l.Checkouts = append(slices.Clone(l.Checkouts), c)
	}
	b := l.Money()
	switch b.State {
	case "failed":
		return lost
	case "reported", "captured":
	default:
		return awaited
	}
	left := l.LeftFor(c)
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
