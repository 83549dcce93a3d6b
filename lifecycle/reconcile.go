package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// The reconciliation's schedule: far back once, then more often and less far.
const (
	reconcileEvery = 10 * time.Minute
	ReconcileFirst = 72 * time.Hour
	reconcileThen  = 2 * time.Hour
)

// Reconciliation is how the books of a provider and Curfew's differ.
type Reconciliation struct {
	Since       time.Time    `json:"since"`
	Paid        int          `json:"paid"` // payments that the provider listed
	Differences []Difference `json:"differences"`
}

// Difference is one payment on which the books disagree, and what became of it.
type Difference struct {
	Kind       DifferenceKind `json:"kind"`
	Ref        string         `json:"ref"`
	CheckoutID string         `json:"checkoutId"`
	Outcome    curfew.Outcome `json:"outcome"` // now
	Detail     string         `json:"detail"`
}

// DifferenceKind is how the books disagree.
type DifferenceKind string

// The kinds. A payment that was missing here, or refunded there, has been handled like a
// message of the provider. The others need a person.
const (
	MissingHere       DifferenceKind = "missing_here"
	NotPaidThere      DifferenceKind = "not_paid_there"
	AmountDiffers     DifferenceKind = "amount_differs"
	RefundedThereOnly DifferenceKind = "refunded_there_only"
	RefundedHereOnly  DifferenceKind = "refunded_here_only"
)

// Reconcile compares what the provider says was paid within the window with Curfew's
// records, in both directions, and returns the differences. What is missing here is
// handled like a message of the provider. Errors: Invalid without a provider,
// Unavailable.
func (ps *Payments) Reconcile(ctx context.Context, window time.Duration) (Reconciliation, error) {
	r := Reconciliation{Since: time.Now().UTC().Add(-window), Differences: []Difference{}}
	if ps.provider == nil {
		return r, curfew.Errorf(curfew.Invalid, "no provider is set up to reconcile with: set stripe.api_key")
	}
	there := make(map[string]bool)
	var failed []error
	for n, err := range ps.provider.Paid(ctx, r.Since) {
		if err != nil {
			return r, fmt.Errorf("reconcile: %w", err)
		}
		if n.Order == nil || len(n.References) == 0 {
			continue
		}
		if err := ps.stop.err(); err != nil {
			return r, fmt.Errorf("reconcile: %w", err)
		}
		if (curfew.Payment{Facts: n.Facts}).Balance(0, "").State == "captured" {
			r.Paid++
		}
		for _, ref := range n.References {
			there[ref] = true
		}
		if err := ps.reconcile(ctx, n, &r); err != nil {
			err = fmt.Errorf("reconcile %s: %w", n.References[0], err)
			if !ps.quarantine.rowsOwn(ctx, err) {
				return r, err
			}
			failed = append(failed, err) // the others are compared all the same
		}
	}
	if err := ps.unpaidThere(ctx, there, &r); err != nil {
		failed = append(failed, fmt.Errorf("reconcile: %w", err))
	}
	return r, errors.Join(failed...)
}

// reconcile compares one payment, and takes in what the provider lists of it like a
// message.
func (ps *Payments) reconcile(ctx context.Context, n curfew.Notice, r *Reconciliation) error {
	before, err := ps.store.LedgerOf(ctx, n.References[0])
	if err != nil && !errors.Is(err, curfew.NotFound) {
		return err
	}
	there := (curfew.Payment{Facts: n.Facts}).Balance(0, n.Order.Currency)
	var kinds []DifferenceKind
	switch {
	case len(before.Checkouts) == 0 && there.State == "captured":
		kinds = []DifferenceKind{MissingHere}
	case len(before.Checkouts) > 0:
		kinds = compare(before.Checkouts[0], *n.Order, there)
	}
	if err := ps.receive(ctx, n); err != nil {
		return err
	}
	now, err := ps.store.LedgerOf(ctx, n.References[0])
	if err != nil || len(now.Checkouts) == 0 {
		return err
	}
	c := now.Checkouts[0]
	for _, kind := range kinds {
		r.Differences = append(r.Differences, Difference{
			Kind: kind, Ref: c.Ref, CheckoutID: c.ID, Outcome: c.Outcome,
			Detail: fmt.Sprintf("here %s, there %s, of which %s given back",
				curfew.Amount(c.Amount, c.Currency), curfew.Amount(n.Order.Amount, n.Order.Currency), curfew.Amount(there.Refunded, n.Order.Currency)),
		})
	}
	return nil
}

// compare is how a known payment differs there.
func compare(c curfew.Checkout, o curfew.Order, there curfew.Balance) []DifferenceKind {
	var kinds []DifferenceKind
	if o.Amount != c.Amount || !strings.EqualFold(o.Currency, c.Currency) {
		kinds = append(kinds, AmountDiffers)
	}
	switch {
	case there.Refunded > 0 && there.Worth() == 0 && c.Outcome != curfew.Refunded:
		kinds = append(kinds, RefundedThereOnly)
	case there.Refunded == 0 && there.Refunding == 0 && c.Outcome == curfew.Refunded && c.Due() > 0:
		kinds = append(kinds, RefundedHereOnly)
	}
	return kinds
}

// unpaidThere finds payments that were reported here but that the provider does not list
// and no message of it ever named, whatever their outcome, except those given back. Ids
// begin with their time, so the list begins where the window does.
func (ps *Payments) unpaidThere(ctx context.Context, there map[string]bool, r *Reconciliation) error {
	after := idBefore(r.Since)
	for {
		page, err := ps.store.ListCheckouts(ctx, curfew.CheckoutSearch{After: after, Limit: pageSize})
		if err != nil {
			return err
		}
		for _, c := range page {
			after = c.ID
			if c.Ref == "" || c.Amount == 0 || c.PaymentID != "" || c.Outcome == curfew.Refunded || c.Outcome == curfew.Void || there[c.Ref] {
				continue
			}
			r.Differences = append(r.Differences, Difference{
				Kind: NotPaidThere, Ref: c.Ref, CheckoutID: c.ID, Outcome: c.Outcome,
				Detail: fmt.Sprintf("here %s, there nothing", curfew.Amount(c.Amount, c.Currency)),
			})
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// run settles payments and refunds, and reconciles with the provider, until the context ends.
func (ps *Payments) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var reconciled time.Time
	window := ReconcileFirst
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		ps.noted(ctx, "settling payments failed", ps.settleUnjudged(ctx))
		ps.noted(ctx, "settling captures failed", ps.SettleCaptures(ctx))
		ps.noted(ctx, "settling refunds failed", ps.SettleRefunds(ctx))
		if ps.provider != nil && (reconciled.IsZero() || time.Since(reconciled) >= reconcileEvery) {
			reconciled = time.Now()
			r, err := ps.Reconcile(ctx, window)
			ps.noted(ctx, "comparing the books with the provider failed", err)
			ps.logDifferences(ctx, r)
			if err == nil {
				window = reconcileThen
			}
		}
		timer.Reset(refundsEvery)
	}
}

func (ps *Payments) logDifferences(ctx context.Context, r Reconciliation) {
	for _, d := range r.Differences {
		ps.log.WarnContext(ctx, "the provider's books differ", "kind", d.Kind, "ref", d.Ref, "checkout", d.CheckoutID,
			"outcome", d.Outcome, "detail", d.Detail)
	}
}
