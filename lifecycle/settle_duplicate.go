package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// settleDuplicates keeps one checkout of each line if several were recorded before they
// turned out to be for one payment: the one that has come farthest.
func (ps *Payments) settleDuplicates(ctx context.Context, l record.Ledger) error {
	var err error
	for range steps {
		if err = ps.keepFarthest(ctx, l); !errors.Is(err, curfew.Conflict) {
			return err
		}
		var err2 error
		if l, err2 = ps.store.Ledger(ctx, l.ID); err2 != nil {
			return err2
		}
	}
	return again(err)
}

func (ps *Payments) keepFarthest(ctx context.Context, l record.Ledger) error {
	for _, line := range l.Doubled() {
		all := make([]contender, len(line))
		for i, c := range line {
			var err error
			if all[i], err = ps.contender(ctx, c); err != nil {
				return err
			}
		}
		slices.SortStableFunc(all, func(a, b contender) int { return cmp.Compare(b.progress, a.progress) })
		for _, c := range all[1:] {
			if err := ps.voidDuplicate(ctx, c); err != nil {
				return fmt.Errorf("void duplicate %s: %w", c.ID, err)
			}
		}
		if err := ps.markOwners(ctx, all[0].Checkout, all[1:]); err != nil {
			return err
		}
	}
	return nil
}

// markOwners notifies operators that two customers claim one payment. The payment stays with
// the customer whose checkout has come farthest.
func (ps *Payments) markOwners(ctx context.Context, stays curfew.Checkout, others []contender) error {
	i := slices.IndexFunc(others, func(c contender) bool { return c.CustomerID != stays.CustomerID && c.CustomerID != curfew.Nobody })
	if i < 0 || stays.CustomerID == curfew.Nobody {
		return nil
	}
	note := fmt.Sprintf("checkout %s of customer %s was for the same payment", others[i].ID, curfew.Visible(others[i].CustomerID))
	return ps.annotate(ctx, stays.ID, func(c curfew.Checkout) (record.Annotation, bool) {
		noted := c.Concern == record.Disagreement || strings.Contains(c.Note, note)
		return record.Annotation{Reason: note, Note: note, Concern: record.Disagreement}, !noted && c.Concern == ""
	})
}

// contender is one of several checkouts of a line.
type contender struct {
	curfew.Checkout
	session  *curfew.Snapshot // it pays for this one, which has not ended
	progress int              // how far it has come
}

// contender reads how far a checkout has come. Conflict: it has moved.
func (ps *Payments) contender(ctx context.Context, c curfew.Checkout) (contender, error) {
	s, err := ps.checkouts.unendedOf(ctx, c)
	if s == nil && err == nil { // completed, or cancelled together with its checkout since that was read
		var now curfew.Checkout
		if now, err = ps.store.Checkout(ctx, c.ID); err == nil && now.Version != c.Version {
			err = curfew.Errorf(curfew.Conflict, "checkout %s has moved", c.ID)
		}
	}
	const stages = 5 // of a fulfilled one
	d := contender{c, s, record.Progress(c.Outcome) * stages}
	switch {
	case c.Outcome != curfew.Fulfilled:
	case s == nil && c.MoneyDue: // its session was cancelled
		d.progress = record.Progress(curfew.Credited) * stages
	case s == nil:
		d.progress += 4
	case s.Status == curfew.Live:
		d.progress += 3
	case s.MechanicID != "":
		d.progress += 2
	case s.Status == curfew.Waiting:
		d.progress++
	}
	return d, err
}

// voidDuplicate ends the session of a further checkout of one payment, unless a mechanic
// has accepted it: then it stays, and an operator is notified.
func (ps *Payments) voidDuplicate(ctx context.Context, c contender) error {
	const why = string(curfew.Duplicate)
	var concern string
	switch {
	case c.session != nil && c.session.MechanicID == "":
		if err := ps.checkouts.cancelPaid(ctx, *c.session, curfew.Duplicate, leaving{to: curfew.Void, by: curfew.Provider}); err != nil {
			return err
		}
	case curfew.LegalOutcome(c.Outcome, curfew.Void) && (c.Outcome != curfew.Fulfilled || c.MoneyDue):
		return failed(ps.write.ChangeCheckout(ctx, released(record.CheckoutChange{
			From: c.Checkout, To: curfew.Void, Reason: why, Note: why, Actor: curfew.Provider,
		})))
	case c.Outcome == curfew.Fulfilled, c.Outcome == curfew.Refunding, c.Outcome == curfew.Refunded:
		concern = record.Disagreement
	default: // nothing comes of it
		return nil
	}
	return ps.annotate(ctx, c.ID, func(c curfew.Checkout) (record.Annotation, bool) {
		return record.Annotation{Reason: why, Note: why, Concern: concern}, c.Note != why
	})
}
