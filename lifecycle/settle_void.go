package lifecycle

import (
	"context"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settleVoid restores a payment whose dispute was won or whose money came after all. Its
// session has ended and stays so.
func (ps *Payments) settleVoid(ctx context.Context, c curfew.Checkout, b curfew.Balance, s funds) error {
	change := record.CheckoutChange{From: c, Actor: curfew.Provider, Reason: curfew.ArrivedReason}
	switch {
	case s == returned:
		change.To, change.Reason = curfew.Refunded, curfew.GivenBackReason
	case s == lost && b.Lost > 0:
		return ps.markLost(ctx, c.ID)
	case s != spendable && s != partly || b.State != "captured":
		return nil
	case c.Capture != "":
		change.To = curfew.RefundDue // it was taken although it was to be released
	case s == spendable && ps.rules.creditable(c):
		change.To = curfew.Credited
	default:
		change.To, change.Note = curfew.Held, "the money came after all"
	}
	served, err := ps.served(ctx, c)
	if err != nil {
		return err
	}
	if served {
		change.To, change.Note = curfew.RefundDue, "" // it was to be given back although it was served
	}
	_, err = ps.write.ChangeCheckout(ctx, divided(change))
	return err
}

// served reports whether a session that the checkout paid for took place.
func (ps *Payments) served(ctx context.Context, c curfew.Checkout) (bool, error) {
	if c.SessionID == "" {
		return false, nil
	}
	all, err := ps.store.SessionsOf(ctx, c.CustomerID, pageSize)
	return slices.ContainsFunc(all, func(s curfew.Snapshot) bool {
		return s.CheckoutID == c.ID && s.Status == curfew.Completed
	}), err
}

// creditable reports whether a credit of the checkout could be spent.
func (r *Rules) creditable(c curfew.Checkout) bool {
	_, err := r.plan(c.Plan)
	return err == nil && c.CustomerID != curfew.Nobody && c.Extends == ""
}
