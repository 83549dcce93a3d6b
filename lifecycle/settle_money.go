package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settleMoney settles deferrals past their time and what guards marked after
// another program ended a session; of one customer, or of everybody.
// What cannot be settled is set apart.
func (st *settler) settleMoney(ctx context.Context, customerID string) error {
	seen, own := make(map[string]bool), st.quarantine.rowsOwn
	if customerID != "" {
		own = rowsOwn // the caller tries again
	}
	for {
		due, err := st.store.Unsettled(ctx, customerID, pageSize)
		if err != nil {
			return fmt.Errorf("settle money: %w", err)
		}
		full := len(due) == pageSize
		due = slices.DeleteFunc(due, func(r record.Receipt) bool { return seen[r.Checkout.ID] })
		for _, r := range due {
			seen[r.Checkout.ID] = true
			err := st.settleReceipt(ctx, r)
			if own(ctx, err) {
				err = st.quarantine.setApart(ctx, apartPayment(r.Checkout, "settle"), err)
			}
			if err != nil {
				return fmt.Errorf("settle checkout %s: %w", r.Checkout.ID, err)
			}
			if customerID == "" {
				st.sweeping.note()
			}
		}
		if !full || len(due) == 0 {
			return nil
		}
	}
}

func apartPayment(c curfew.Checkout, step string) curfew.Quarantined {
	return curfew.Quarantined{
		Noun: curfew.QuarantinedPayment, CustomerID: c.CustomerID, ID: c.ID, Version: c.Version, Step: step,
	}
}

func (st *settler) settleReceipt(ctx context.Context, r record.Receipt) error {
	if !r.Checkout.MoneyDue {
		return st.giveUp(ctx, r.Checkout)
	}
	if r.Session.ID == "" { // its row is lost: treat it as cancelled by another program
		r.Session.Status, r.Session.EndReason = curfew.Cancelled, curfew.Foreign
	}
	owed := st.rules.policy.Owed(r.Session, r.Session.Status, r.Session.EndReason)
	if owed == curfew.Credited && r.Extension() {
		owed = curfew.RefundDue // nothing could spend such a credit
	}
	_, err := st.write.ChangeCheckout(ctx, released(record.CheckoutChange{
		From: r.Checkout, To: owed,
		Reason: string(r.Session.EndReason), Actor: curfew.Sweeper,
	}))
	if errors.Is(err, curfew.Conflict) {
		return nil
	}
	return err
}

// giveUp makes a deferred payment that found no free slot in time refund due. A payment
// whose money is disputed, or has not come, stays deferred until that is decided.
func (st *settler) giveUp(ctx context.Context, c curfew.Checkout) error {
	if s, err := st.ledgers.funds(ctx, c); err != nil || s != spendable {
		return err
	}
	_, err := st.write.ChangeCheckout(ctx, released(record.CheckoutChange{
		From: c, To: curfew.RefundDue, Reason: curfew.UnservedReason, Actor: curfew.Sweeper,
	}))
	if errors.Is(err, curfew.Conflict) {
		return nil
	}
	return err
}
