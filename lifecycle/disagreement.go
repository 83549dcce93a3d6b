package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// compare records where shop and provider disagree about a checkout. The checkout stays as
// it is, and its amount is compared as it was before the provider's message. Operators are
// notified, unless one of them has already decided about it.
func (ps *Payments) compare(ctx context.Context, n curfew.Notice, l record.Ledger) error {
	c, ok := l.First()
	if !ok || n.Order.Flaw != "" || c.Outcome == curfew.Held || c.Outcome == curfew.Ignored {
		return nil
	}
	c.Amount = record.LinesOf(c).Total
	if l.Before != nil {
		c.Amount, c.Currency = l.Before.Amount, l.Before.Currency
	}
	what := differs(c, *n.Order)
	if what == "" {
		return nil
	}
	if repaired, err := ps.repaired(ctx, c); err != nil || repaired {
		return err
	}
	note := "the provider says otherwise: " + what
	return ps.annotate(ctx, c.ID, func(c curfew.Checkout) (record.Annotation, bool) {
		noted := c.Concern == record.Disagreement && strings.Contains(c.Note, what)
		return record.Annotation{Reason: note, Note: note, Concern: record.Disagreement}, c.Note != note && !noted
	})
}

// differs says how a provider's order differs from its checkout. The shop may have reported
// the price before discounts and tax, the price of one session, or no amount at all. An
// erased customer is not compared, so that the text cannot name them again.
func differs(c curfew.Checkout, o curfew.Order) string {
	var what []string
	if o.CustomerID != "" && o.CustomerID != c.CustomerID && !record.IsPseudonym(c.CustomerID) {
		what = append(what, fmt.Sprintf("customer %s, not %s", curfew.Visible(o.CustomerID), curfew.Visible(c.CustomerID)))
	}
	if o.Plan != "" && o.Plan != c.Plan {
		what = append(what, fmt.Sprintf("plan %s, not %s", curfew.Visible(o.Plan), c.Plan))
	}
	unknown, n := c.Amount == 0 && c.Currency == "", record.Ordered(o).Count
	same := slices.Contains([]int64{o.Amount, o.Price, o.Amount / n, o.Price / n}, c.Amount)
	if !unknown && (!same || !strings.EqualFold(o.Currency, c.Currency)) {
		what = append(what, fmt.Sprintf("%s, not %s", curfew.Amount(o.Amount, o.Currency), curfew.Amount(c.Amount, c.Currency)))
	}
	return strings.Join(what, ", ")
}

// repaired reports whether an operator has reassigned a held payment, whose customer and
// plan then count.
func (ps *Payments) repaired(ctx context.Context, c curfew.Checkout) (bool, error) {
	events, err := ps.store.Events(ctx, c.CustomerID, c.ID)
	if errors.Is(err, curfew.NotFound) {
		return false, nil
	}
	return slices.ContainsFunc(events, func(e curfew.Event) bool {
		return (e.From == string(curfew.Held) || e.From == string(curfew.Ignored)) && (e.To == string(curfew.Deferred) || e.To == string(curfew.Fulfilled))
	}), err
}
