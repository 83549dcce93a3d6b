package lifecycle

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settleDuplicates keeps one of the checkouts of a line, where two were recorded before it
// was known that they are for one payment: the payment's own.
func (ps *Payments) settleDuplicates(ctx context.Context, l record.Ledger) error {
	for _, c := range l.Checkouts {
		if !record.Duplicate(c) || c.Outcome == curfew.Void {
			continue
		}
		if err := ps.voidDuplicate(ctx, c); err != nil {
			return fmt.Errorf("void duplicate %s: %w", c.ID, err)
		}
	}
	return nil
}

// voidDuplicate ends what a second checkout of one payment brought, before a mechanic has
// it; later it stays, and an operator is told.
func (ps *Payments) voidDuplicate(ctx context.Context, c curfew.Checkout) error {
	s, err := ps.checkouts.unendedOf(ctx, c)
	if err != nil {
		return err
	}
	const why = string(curfew.Duplicate)
	switch {
	case s != nil && s.MechanicID == "":
		return ps.checkouts.cancelPaid(ctx, *s, curfew.Duplicate, leaving{to: curfew.Void, by: curfew.Provider})
	case s != nil, c.Outcome == curfew.Fulfilled, c.Outcome == curfew.Refunding, c.Outcome == curfew.Refunded:
		return ps.annotate(ctx, c.ID, func(c curfew.Checkout) (record.Annotation, bool) {
			return record.Annotation{Reason: why, Note: why, Concern: record.Disagreement}, c.Note != why
		})
	}
	_, err = ps.write.ChangeCheckout(ctx, record.CheckoutChange{From: c, To: curfew.Void, Reason: why, Note: why, Actor: curfew.Provider})
	return err
}
