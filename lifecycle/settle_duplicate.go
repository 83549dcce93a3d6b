package lifecycle

import (
	"context"
	"fmt"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settleDuplicates keeps one of the checkouts of a line, where two were recorded before it
// was known that they are for one payment: the one that has come farthest.
func (ps *Payments) settleDuplicates(ctx context.Context, l record.Ledger) error {
	if !slices.ContainsFunc(l.Checkouts, duplicate) {
		return nil
	}
	for _, c := range l.Checkouts {
		if !duplicate(c) || c.Outcome == curfew.Void {
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
		change := ps.rules.endChange(*s, curfew.Cancelled, curfew.Duplicate, curfew.Provider)
		change.Reason, change.Owed = curfew.WithNote(string(curfew.Duplicate), why), curfew.Void
		ended, err := ps.write.Change(ctx, change)
		if err == nil {
			ps.sessions.freed(ctx, ended)
		}
		return err
	case s != nil, c.Outcome == curfew.Fulfilled, c.Outcome == curfew.Refunding, c.Outcome == curfew.Refunded:
		return ps.annotate(ctx, c.ID, func(c curfew.Checkout) (record.Annotation, bool) {
			return record.Annotation{Reason: why, Note: why, Concern: record.Disagreement}, c.Note != why
		})
	}
	_, err = ps.write.ChangeCheckout(ctx, record.CheckoutChange{From: c, To: curfew.Void, Reason: why, Note: why, Actor: curfew.Provider})
	return err
}
