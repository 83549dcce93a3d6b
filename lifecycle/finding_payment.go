package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func (h *Health) moneyFindings(r Report) []Finding {
	if r.Checkouts == nil {
		return nil
	}
	c := r.Checkouts
	n := c.MoneyDue + c.ByOutcome[curfew.Held]
	if !h.rules.asksProvider {
		n += c.ByOutcome[curfew.RefundDue] // only an operator can give it back
	}
	byHand := func(c curfew.Checkout) bool {
		return c.MoneyDue || c.Outcome == curfew.Held || !h.rules.asksProvider && c.Outcome == curfew.RefundDue
	}
	failing := func(c curfew.Checkout) bool {
		return refundOpen(c) && (c.Attempts >= record.RefundTries || c.Concern == record.RefundFailed)
	}
	overdue := func(c curfew.Checkout) bool {
		return refundOpen(c) && r.Timestamp.Sub(refundAsked(c)) > record.RefundsLate
	}
	return []Finding{
		Finding{
			Code: MoneyUnsettled, Severity: Critical, Count: n,
			Problem: fmt.Sprintf("%s held or due, the oldest for %s", count(n, "payment"), Span(c.OldestUnsettled)),
		}.naming(r.Payments, byHand, recorded),
		Finding{
			Code: RefundFailing, Severity: Critical, Count: c.Failing,
			Problem: fmt.Sprintf("%s refused by the provider, or asked for %d times or more, and not given back", count(c.Failing, "refund"), record.RefundTries),
		}.naming(r.Payments, failing, refundAsked),
		Finding{
			Code: RefundsOverdue, Severity: Critical, Count: c.Overdue,
			Problem: fmt.Sprintf("%s due for more than %s", count(c.Overdue, "refund"), Span(record.RefundsLate)),
		}.naming(r.Payments, overdue, refundAsked),
		{
			Code: PaymentsDisputed, Severity: Warning, Count: c.Disputed,
			Problem: fmt.Sprintf("%s disputed by the customer's bank within %s", count(c.Disputed, "payment"), Span(record.DisputeWindow)),
		},
	}
}

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
	some, err := h.concerned(ctx, c.ByConcern)
	if err != nil {
		return nil, err
	}
	all = append(all, some...)
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
		name := cmp.Or(c.Ref, c.ID)
		if slices.Contains(f.Payments, name) {
			continue
		}
		f.Payments = append(f.Payments, name)
		f = f.of(c.CustomerID, since(c))
	}
	return f
}

func recorded(c curfew.Checkout) time.Time { return c.CreatedAt }

// refundAsked is when the refund became due.
func refundAsked(c curfew.Checkout) time.Time {
	if c.FirstTryAt.IsZero() {
		return c.UpdatedAt
	}
	return c.FirstTryAt
}

func refundOpen(c curfew.Checkout) bool {
	return c.Outcome == curfew.RefundDue || c.Outcome == curfew.Refunding
}
