package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Reconciliation is the result of comparing a provider's books with Curfew's.
type Reconciliation struct {
	Since  time.Time `json:"since"`
	Paid   int       `json:"paid"`   // payments that the provider listed
	Missed int       `json:"missed"` // messages that the provider could not deliver, and that were received now
	// Differences lists those that were found now and those left from earlier comparisons.
	Differences []Difference `json:"differences"`
	Unreadable  []string     `json:"unreadable,omitempty"` // what could not be compared, and why
}

// Difference is a payment on which the books disagree, and what was done about it.
type Difference struct {
	// Kind is missing_here, not_paid_there, amount_differs, refunded_there_only or
	// refunded_here_only.
	Kind       string         `json:"kind"`
	Ref        string         `json:"ref"`
	CheckoutID string         `json:"checkoutId"`
	Outcome    curfew.Outcome `json:"outcome"` // now
	Detail     string         `json:"detail"`
	// Since is when an earlier comparison found it; zero: this one did.
	Since time.Time `json:"since,omitzero"`
	// Settled reports that the books agree again, or that nothing is left to do.
	Settled bool   `json:"settled"`
	Done    string `json:"done,omitempty"` // what was done about it
	Todo    string `json:"todo,omitempty"` // what is left for a person
}

// The kinds of differences.
const (
	missingHere       = "missing_here"
	notPaidThere      = "not_paid_there"
	amountDiffers     = "amount_differs"
	refundedThereOnly = "refunded_there_only"
	refundedHereOnly  = "refunded_here_only"
)

// Reconcile compares the provider's payments of the window with Curfew's records, in both
// directions, and returns the differences. Those that need a person are kept until they
// are settled. Payments that are missing here, messages that the provider could not
// deliver, and payments that it has not confirmed for an hour are fetched and handled like
// messages of the provider. Errors: Invalid without a provider, Unavailable.
func (ps *Payments) Reconcile(ctx context.Context, window time.Duration) (Reconciliation, error) {
	return ps.ReconcileJob(ctx, window, Job{})
}

// ReconcileJob is Reconcile as part of a job. It has no run, so repeating it compares
// everything again. Errors: also ErrStopped.
func (ps *Payments) ReconcileJob(ctx context.Context, window time.Duration, job Job) (Reconciliation, error) {
	if ps.provider == nil {
		return Reconciliation{Differences: []Difference{}}, curfew.Errorf(curfew.Invalid, "no provider is set up to reconcile with: set stripe.api_key")
	}
	c := &comparison{Payments: ps, job: job, there: make(map[string]bool), begun: time.Now().UTC()}
	c.result = Reconciliation{Since: c.begun.Add(-window), Differences: []Difference{}}
	err := c.compareAll(ctx)
	if err != nil {
		err = fmt.Errorf("reconcile: %w", err)
	}
	return c.result, err
}

// comparison is one reconciliation. It fills the result.
type comparison struct {
	*Payments
	job    Job
	result Reconciliation
	begun  time.Time
	there  map[string]bool // the names of all payments that the provider listed
	// left holds the differences of earlier comparisons that this one has not looked at yet.
	left []record.Difference
	keep []record.Difference
	// failed holds the errors of single rows; the other rows are compared nevertheless.
	failed []error
}

func (c *comparison) compareAll(ctx context.Context) (err error) {
	if c.left, err = c.store.Differences(ctx, maxKept); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		c.compareListed, c.compareUnlisted, c.askUnconfirmed, c.lookAgain, c.takeInMissed,
	} {
		if err = step(ctx); err != nil {
			break
		}
	}
	c.failed = append(c.failed, err)
	if len(c.keep) > 0 {
		c.failed = append(c.failed, c.store.KeepDifferences(ctx, c.keep))
	}
	return errors.Join(c.failed...)
}

// oneRow keeps an error that concerns a single payment, and returns any other.
func (c *comparison) oneRow(ctx context.Context, err error) error {
	if c.quarantine.rowsOwn(ctx, err) {
		c.failed = append(c.failed, err)
		return nil
	}
	return err
}

// compareListed compares the payments that the provider lists for the window.
func (c *comparison) compareListed(ctx context.Context) error {
	for n, err := range c.provider.Paid(ctx, c.result.Since) {
		if err != nil {
			return err
		}
		if n.Order == nil || len(n.References) == 0 {
			continue
		}
		if err := c.job.stopped(c.stop); err != nil {
			return err
		}
		c.job.report(comparingListed, c.result.Paid, -1)
		if (curfew.Payment{Facts: n.Facts}).Balance(0, "").State == "captured" {
			c.result.Paid++
		}
		for _, ref := range n.References {
			c.there[ref] = true
		}
		if err := c.compareOne(ctx, n); err != nil {
			if err = c.oneRow(ctx, fmt.Errorf("compare %s: %w", n.References[0], err)); err != nil {
				return err
			}
		}
	}
	return nil
}

// compareOne compares one payment, and handles the provider's report of it like a message.
func (c *comparison) compareOne(ctx context.Context, n curfew.Notice) error {
	before, err := c.store.LedgerOf(ctx, n.References[0])
	if err != nil && !errors.Is(err, curfew.NotFound) {
		return err
	}
	kinds := differing(before, n)
	if len(kinds) == 0 && repeats(before, n) {
		return c.forget(ctx, before.Checkouts[0].ID, nil)
	}
	if err := c.receive(ctx, n); err != nil {
		return err
	}
	now, err := c.store.LedgerOf(ctx, n.References[0])
	if err != nil || len(now.Checkouts) == 0 {
		return missing(err)
	}
	left := differing(now, n)
	for _, kind := range append(kinds, left...) {
		c.found(now, n, kind, slices.Contains(left, kind))
	}
	return c.forget(ctx, now.Checkouts[0].ID, left)
}

// repeats reports whether the provider's report of a payment contains nothing new.
func repeats(l record.Ledger, n curfew.Notice) bool {
	first, ok := l.First()
	o := n.Order
	return ok && o != nil && o.Flaw == "" && first.PaymentID == n.Name && o.Plan == first.Plan &&
		(o.CustomerID == first.CustomerID || record.IsPseudonym(first.CustomerID)) &&
		record.Ordered(*o) == record.LinesOf(first) && strings.EqualFold(o.Currency, first.Currency) &&
		!slices.ContainsFunc(n.References, func(ref string) bool { return !slices.Contains(l.References, ref) }) &&
		!slices.ContainsFunc(n.Facts, func(f curfew.Fact) bool {
			return !slices.ContainsFunc(l.Facts, func(known curfew.Fact) bool { return saidBefore(known, f) })
		})
}

// saidBefore reports whether a fact adds nothing to one that is recorded. A provider's sum
// adds nothing, whatever its time, unless the sum has changed.
func saidBefore(known, f curfew.Fact) bool {
	if f.At.After(known.At) && f.Kind != "refund_total" {
		return false
	}
	until := known.Until.Equal(f.Until)
	known.At, known.Until = f.At, f.Until
	return known == f && until
}

// differing returns the differences between a payment and the provider's report of it.
func differing(l record.Ledger, n curfew.Notice) (kinds []string) {
	there := (curfew.Payment{Facts: n.Facts}).Balance(0, "")
	if len(l.Checkouts) == 0 {
		if there.State == "captured" {
			kinds = append(kinds, missingHere)
		}
		return kinds
	}
	c, _ := l.First()
	if amount, currency := paidThere(n, there); currency != "" && (amount != costs(l) || !strings.EqualFold(currency, c.Currency)) {
		kinds = append(kinds, amountDiffers)
	}
	switch {
	case there.Refunded > 0 && there.Worth() == 0 && c.Outcome != curfew.Refunded && c.Concern != record.PaymentLost:
		kinds = append(kinds, refundedThereOnly)
	case there.State == "captured" && there.Refunded == 0 && there.Refunding == 0 && c.Outcome == curfew.Refunded && record.Due(c, there) > 0:
		kinds = append(kinds, refundedHereOnly)
	}
	return kinds
}

// paidThere is the amount of the order at the provider, or else what it collected.
// Without a currency both are unknown.
func paidThere(n curfew.Notice, there curfew.Balance) (amount int64, currency string) {
	if n.Order != nil {
		return n.Order.Amount, n.Order.Currency
	}
	return there.Captured, there.Currency
}

// costs is the total of a payment's lines.
func costs(l record.Ledger) int64 {
	first, _ := l.First()
	return record.LinesOf(first).Total
}

// found adds a difference to the result, once. One that needs a person is kept.
func (c *comparison) found(l record.Ledger, n curfew.Notice, kind string, open bool) {
	first, _ := l.First()
	there := (curfew.Payment{Facts: n.Facts}).Balance(0, "")
	amount, currency := paidThere(n, there)
	c.add(first, l, Difference{
		Kind: kind, Settled: !open,
		Detail: fmt.Sprintf("here %s, there %s, of which %s given back",
			curfew.Amount(costs(l), first.Currency), curfew.Amount(amount, currency), curfew.Amount(there.Refunded, cmp.Or(there.Currency, currency))),
	})
}

// add completes a difference and adds it to the result, unless it is there already.
func (c *comparison) add(k curfew.Checkout, l record.Ledger, d Difference) {
	d.Ref, d.CheckoutID, d.Outcome = k.Ref, k.ID, k.Outcome
	same := func(other Difference) bool { return other.Kind == d.Kind && other.CheckoutID == d.CheckoutID }
	if slices.ContainsFunc(c.result.Differences, same) {
		return
	}
	d.advise(k, l)
	if i := c.indexLeft(d.CheckoutID, d.Kind); i >= 0 {
		d.Since = c.left[i].FirstAt
		if !d.Settled {
			c.left = slices.Delete(c.left, i, i+1)
		}
	}
	c.result.Differences = append(c.result.Differences, d)
	if !d.Settled {
		c.keep = append(c.keep, record.Difference{CheckoutID: d.CheckoutID, Kind: d.Kind, Ref: d.Ref, Detail: d.Detail})
	}
}

// indexLeft is the index of an earlier difference among those that are left, or -1.
func (c *comparison) indexLeft(checkoutID, kind string) int {
	return slices.IndexFunc(c.left, func(d record.Difference) bool { return d.CheckoutID == checkoutID && d.Kind == kind })
}

func (c *comparison) differed(checkoutID, kind string) bool {
	return c.indexLeft(checkoutID, kind) >= 0
}

// forget settles the differences of a checkout that have gone.
func (c *comparison) forget(ctx context.Context, checkoutID string, still []string) error {
	for _, old := range slices.Clone(c.left) {
		if old.CheckoutID != checkoutID || slices.Contains(still, old.Kind) {
			continue
		}
		if err := c.store.SettleDifference(ctx, old.CheckoutID, old.Kind); err != nil {
			return err
		}
		c.left = slices.DeleteFunc(c.left, func(d record.Difference) bool { return d == old })
	}
	return nil
}

// compareUnlisted finds payments that were reported here, but that the provider neither
// lists nor ever named in a message. Their outcome does not matter, unless they were given
// back. Known differences are looked at later. Ids begin with their time, so the list begins
// at the window's start.
func (c *comparison) compareUnlisted(ctx context.Context) error {
	c.job.report(comparingKept, c.result.Paid, -1)
	after := record.IDAt(c.result.Since)
	for {
		page, err := c.store.ListCheckouts(ctx, curfew.CheckoutSearch{After: after, Limit: pageSize})
		if err != nil {
			return err
		}
		for _, k := range page {
			after = k.ID
			if unnamed(k) && !c.there[k.Ref] && !c.differed(k.ID, notPaidThere) {
				c.unpaid(k)
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// unnamed reports whether only the shop has reported a checkout that cost something.
func unnamed(k curfew.Checkout) bool {
	return k.Ref != "" && k.Amount > 0 && k.PaymentID == "" && k.Outcome != curfew.Refunded && k.Outcome != curfew.Void
}

// unpaid adds a payment that the provider does not know. A young one may still be on its way.
func (c *comparison) unpaid(k curfew.Checkout) {
	c.add(k, record.Ledger{}, Difference{
		Kind: notPaidThere, Settled: c.begun.Sub(k.CreatedAt) < reconcileEvery,
		Detail: fmt.Sprintf("here %s, there nothing", curfew.Amount(k.Amount, k.Currency)),
	})
}
