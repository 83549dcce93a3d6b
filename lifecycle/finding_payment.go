package lifecycle

import (
	"cmp"
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

// unsettledPayments is the oldest payments that health may have to name, as far
// as a figure says that there are some.
func (h *Health) unsettledPayments(ctx context.Context, c *curfew.CheckoutFigures) ([]curfew.Checkout, error) {
	if c == nil {
		return nil, nil
	}
	var all []curfew.Checkout
	for _, outcome := range []curfew.Outcome{curfew.Held, curfew.RefundDue, curfew.Refunding} {
		if c.ByOutcome[outcome] == 0 {
			continue
		}
		some, err := h.store.ListCheckouts(ctx, curfew.CheckoutSearch{Outcome: outcome, Limit: maxDetails})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if c.MoneyDue > 0 {
		due, err := h.store.Unsettled(ctx, "", maxDetails)
		if err != nil {
			return nil, err
		}
		for _, r := range due {
			all = append(all, r.Checkout)
		}
	}
	return all, nil
}

// naming adds to a finding the payments that it is about.
func (f Finding) naming(all []curfew.Checkout, is func(curfew.Checkout) bool, since func(curfew.Checkout) time.Time) Finding {
	for _, c := range all {
		if f.Count == 0 || !is(c) || len(f.Payments) == maxDetails {
			continue
		}
		f.Payments = append(f.Payments, cmp.Or(c.Ref, c.ID))
		f = f.of(c.CustomerID, since(c))
	}
	return f
}

// of adds a customer to a finding, and since when it has stood.
func (f Finding) of(customerID string, since time.Time) Finding {
	known := false
	for _, c := range f.Customers {
		known = known || c == customerID
	}
	if !known && customerID != curfew.Nobody {
		f.Customers = append(f.Customers, customerID)
	}
	if f.Since.IsZero() || since.Before(f.Since) {
		f.Since = since
	}
	return f
}

func (f Finding) about(sessions []curfew.Snapshot, since func(curfew.Snapshot) time.Time) Finding {
	for _, s := range sessions {
		f.Sessions = append(f.Sessions, s.ID)
		f = f.of(s.CustomerID, since(s))
	}
	return f
}

func recorded(c curfew.Checkout) time.Time { return c.CreatedAt }

// refundAsked is since when a refund is due.
func refundAsked(c curfew.Checkout) time.Time {
	if c.FirstTryAt.IsZero() {
		return c.UpdatedAt
	}
	return c.FirstTryAt
}

func refundOpen(c curfew.Checkout) bool {
	return c.Outcome == curfew.RefundDue || c.Outcome == curfew.Refunding
}
