package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settleLines records the further lines of a payment for several sessions, once something
// has come of the first one: each is a credit. Whoever is told of the payment next goes on
// where somebody was interrupted.
func (ps *Payments) settleLines(ctx context.Context, l record.Ledger) error {
	first, ok := l.First()
	n := record.LinesOf(first).Count
	if !ok || n < 2 {
		return nil
	}
	var err error
	for range n + steps {
		if l, err = ps.store.Ledger(ctx, l.ID); err != nil {
			return err
		}
		if err = ps.recordLines(ctx, l); !errors.Is(err, curfew.Conflict) {
			return err
		}
	}
	return again(err)
}

// recordLines records the lines that are missing. Conflict: somebody else does, or
// something new was told of the payment.
func (ps *Payments) recordLines(ctx context.Context, l record.Ledger) error {
	first, _ := l.First()
	for _, line := range l.Missing() {
		c := l.NewLine(first, line)
		if s := ps.rules.funds(l, c); s == awaited || s == returned || s == lost {
			return nil
		}
		r, err := ps.write.Record(ctx, c, curfew.Provider, curfew.ArrivedReason)
		if err != nil {
			return fmt.Errorf("record line %d of %s: %w", line, first.Ref, err)
		}
		l.Checkouts = append(l.Checkouts, r.Checkout)
		if err := ps.settleCheckout(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// divided is a change of a checkout that stands for several lines as it has to be if it
// becomes a credit: for one of them.
func divided(c record.CheckoutChange) record.CheckoutChange {
	if c.To == curfew.Credited && record.Undivided(c.From) {
		c.Amount = record.Divided(c.From).Amount
	}
	return c
}
