package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// What a comparison asks the provider for, in addition to the payments of its window.
const (
	// missedFirst is how far back undelivered messages are listed the first time: providers
	// keep them for a month. Later it is what came since the last time, and missedOverlap.
	missedFirst   = 30 * 24 * time.Hour
	missedOverlap = time.Hour
	// unconfirmedFor is how long a payment may stay unconfirmed before the provider is
	// asked, and unconfirmedMax how many payments one comparison asks about.
	unconfirmedFor = time.Hour
	unconfirmedMax = 50
	// maxKept is how many differences a comparison begins with, and lookedAgain how many of
	// them it asks the provider for.
	maxKept     = 1000
	lookedAgain = 20
)

// asked is where the next comparison of this process continues.
type asked struct {
	mu    sync.Mutex
	since time.Time // of undelivered messages; zero: none were listed yet
	after string    // the last checkout that was asked for as unconfirmed
}

func (a *asked) missedSince(begun time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() {
		return begun.Add(-missedFirst)
	}
	return a.since
}

func (a *asked) missedUntil(begun time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since = begun.Add(-missedOverlap)
}

func (a *asked) unconfirmedAfter() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.after
}

func (a *asked) unconfirmedUntil(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.after = id
}

// takeInMissed handles the messages that the provider could not deliver. They do not count
// in the metrics of received messages.
func (c *comparison) takeInMissed(ctx context.Context) error {
	failed := len(c.failed)
	for n, err := range c.provider.Missed(ctx, c.asked.missedSince(c.begun)) {
		if forbidden(err) {
			c.result.Unreadable = append(c.result.Unreadable, "messages that did not reach us: "+err.Error())
			return nil
		}
		if err == nil {
			err = c.job.stopped(c.stop)
		}
		if err != nil {
			return err
		}
		if !aboutNothing(n) {
			c.result.Missed++
		}
		if err := c.oneRow(ctx, c.receive(ctx, n)); err != nil {
			return err
		}
	}
	if len(c.failed) == failed {
		c.asked.missedUntil(c.begun)
	}
	return nil
}

// forbidden reports whether the provider refuses to be asked for something.
func forbidden(err error) bool {
	return err != nil && (errors.Is(err, curfew.Unauthenticated) || errors.Is(err, curfew.Forbidden))
}

// askUnconfirmed reads payments that the provider should have reported on by now, so that
// failures without a message are noticed. The next comparison continues after them.
func (c *comparison) askUnconfirmed(ctx context.Context) error {
	all, err := c.store.Unconfirmed(ctx, unconfirmedFor, c.asked.unconfirmedAfter(), unconfirmedMax)
	if err != nil {
		return err
	}
	for _, k := range all {
		l, err := c.store.Ledger(ctx, k.Payment())
		if err == nil {
			_, err = c.ask(ctx, k, l)
		}
		if forbidden(err) {
			c.result.Unreadable = append(c.result.Unreadable, "payments that await the provider's word: "+err.Error())
			return nil
		}
		if err := c.oneRow(ctx, err); err != nil {
			return err
		}
		c.asked.unconfirmedUntil(k.ID)
	}
	if len(all) < unconfirmedMax {
		c.asked.unconfirmedUntil("")
	}
	return nil
}

// ask reads a payment at the provider, and handles the answer like a message. The answer
// has no references if the provider does not know the payment.
func (c *comparison) ask(ctx context.Context, k curfew.Checkout, l record.Ledger) (n curfew.Notice, err error) {
	name := cmp.Or(l.Name, k.PaymentID, k.Ref)
	if err := c.job.stopped(c.stop); err != nil || name == "" {
		return n, err
	}
	limited, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	n, err = c.provider.Payment(limited, l.Account, name)
	switch {
	case errors.Is(err, curfew.NotFound), errors.Is(err, curfew.Invalid):
		return curfew.Notice{}, nil
	case err != nil:
		return n, err
	case n.Unread != "":
		c.log.WarnContext(ctx, "what the provider says of a payment cannot be read", "checkout", k.ID, "why", n.Unread)
		return curfew.Notice{}, nil
	}
	return n, c.receive(ctx, n)
}

// lookAgain goes over the differences that earlier comparisons left. It reads at the
// provider those that were not looked at for the longest time.
func (c *comparison) lookAgain(ctx context.Context) error {
	old := slices.Clone(c.left)
	slices.SortStableFunc(old, func(a, b record.Difference) int { return a.LastAt.Compare(b.LastAt) })
	for i, d := range old {
		err := c.lookAgainAt(ctx, d, i < lookedAgain)
		if forbidden(err) {
			c.result.Unreadable = append(c.result.Unreadable, "differences found before: "+err.Error())
			return nil
		}
		if err = c.oneRow(ctx, err); err != nil {
			return fmt.Errorf("look again at %s: %w", cmp.Or(d.Ref, d.CheckoutID), err)
		}
	}
	return nil
}

func (c *comparison) lookAgainAt(ctx context.Context, d record.Difference, ask bool) error {
	k, l, err := withLedger(ctx, c.store, d.CheckoutID)
	if errors.Is(err, curfew.NotFound) {
		return c.forget(ctx, d.CheckoutID, nil)
	}
	if err != nil {
		return err
	}
	var n curfew.Notice
	if ask {
		if n, err = c.ask(ctx, k, l); err != nil {
			return err
		}
		if k, l, err = withLedger(ctx, c.store, d.CheckoutID); err != nil {
			return err
		}
	}
	switch open := still(d.Kind, k, l, n); {
	case !open:
		return c.forget(ctx, d.CheckoutID, slices.DeleteFunc(kinds(), func(kind string) bool { return kind == d.Kind }))
	case ask:
		c.add(k, l, Difference{Kind: d.Kind, Detail: d.Detail})
	default:
		as := Difference{Kind: d.Kind, Ref: d.Ref, CheckoutID: d.CheckoutID, Outcome: k.Outcome, Detail: d.Detail, Since: d.FirstAt}
		as.advise(k, l)
		c.result.Differences = append(c.result.Differences, as)
	}
	return nil
}

func kinds() []string {
	return []string{missingHere, notPaidThere, amountDiffers, refundedThereOnly, refundedHereOnly}
}

// still reports whether a difference persists, by what the provider says now, or else by
// the recorded facts.
func still(kind string, k curfew.Checkout, l record.Ledger, n curfew.Notice) bool {
	if kind == notPaidThere {
		return unnamed(k)
	}
	if len(n.References) == 0 {
		n = curfew.Notice{Facts: l.Facts}
	}
	return slices.Contains(differing(l, n), kind) && (kind != refundedHereOnly || !closedByHand(k, l))
}
