package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// wasFree reports whether nothing was paid. If only the shop has reported the payment, an
// amount of 0 may also mean that it named none.
func (r *Rules) wasFree(c curfew.Checkout, l record.Ledger) bool {
	b := l.Money()
	return c.Due() == 0 && b.Captured == 0 && (c.Ref == "" || b.State == "captured" || r.policy.Plans[c.Plan].Free())
}

// askAmount asks the provider how much was paid, if neither the shop nor the provider has
// reported it yet. If the provider does not say, the refund waits.
func (cs captures) askAmount(ctx context.Context, c curfew.Checkout, l record.Ledger) error {
	now, err := cs.look(ctx, c, l, providerTimeout)
	switch {
	case unknown(err), err == nil && now.Version == l.Version:
		return cs.waitForMoney(ctx, c, awaited)
	case err != nil && !errors.Is(err, curfew.Conflict):
		return cs.refundRefused(ctx, c, err)
	}
	return err
}

// refundOrder is the order for what a checkout is still to get back, at most what is left
// of its payment. One key never has two amounts: it counts the refunds that failed before,
// and contains the amount if that is not all that was due.
func refundOrder(c curfew.Checkout, l record.Ledger, name string) curfew.MoneyOrder {
	b := l.Money()
	o := curfew.MoneyOrder{Key: firstKey(c), Account: l.Account, PaymentID: name, Currency: cmp.Or(c.Currency, b.Currency)}
	due := cmp.Or(c.Due(), b.Captured) // 0: the shop did not say how much was paid
	o.Amount = min(due-l.GivenBack(c, b.Refunded+b.Refunding), l.LeftFor(c, b.Worth()))
	if n := failedRefunds(l.Facts); n > 0 {
		o.Key = fmt.Sprintf("%s:%d", o.Key, n+1)
	}
	if o.Amount != c.Due() {
		o.Key = fmt.Sprintf("%s:%d", o.Key, o.Amount)
	}
	return o
}

func firstKey(c curfew.Checkout) string { return "refund:" + cmp.Or(c.Ref, c.ID) }

// failedRefunds counts the refunds of a payment that gave nothing back.
func failedRefunds(facts []curfew.Fact) int {
	failed := make(map[string]bool)
	for _, f := range facts {
		if f.Kind == "refund" && (f.State == "failed" || f.State == "canceled") {
			failed[f.Object] = true
		}
	}
	return len(failed)
}
