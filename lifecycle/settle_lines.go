package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settleLines records the further lines of a payment for several sessions as credits, once
// the first line has an outcome. If it is interrupted, the next report of the payment
// continues.
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

// recordLines records the lines that are missing. Conflict: somebody else records them,
// or something new was reported about the payment.
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

// divided adapts a change that turns a checkout for several lines into a credit: the
// credit is for one line.
func divided(c record.CheckoutChange) record.CheckoutChange {
	if c.To == curfew.Credited && record.Undivided(c.From) {
		c.Amount = record.Divided(c.From).Amount
	}
	return c
}
