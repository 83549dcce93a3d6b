package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

// Hints is told of changes, for those who else would have to look for them:
// other replicas, deliveries, live streams. A hint may be lost, repeated or
// wrong: who waits for one looks by itself now and then.
type Hints interface {
	// Changed is called after each commit that changed something, and must not
	// block. in is how far ahead the earliest deadline lies that was set, by the
	// store's clock: not positive where it has passed, curfew.NoDeadline where
	// none was.
	Changed(in time.Duration)
}

// Hear takes a hint of another engine on the same database: Run looks then, at
// once if in is not positive. It does not block.
func (e *Engine) Hear(in time.Duration) { e.alarm.set(in) }

// changed is what happens after a commit: the sweeper of this engine hears of
// it, and who else wants to.
func (e *Engine) changed(hints Hints) func(time.Duration) {
	return func(in time.Duration) {
		e.alarm.set(in)
		if hints != nil {
			hints.Changed(in)
		}
	}
}

// told is a store whose changes are told of.
type told struct {
	Store
	changed func(in time.Duration)
}

func (t told) standing(s curfew.Standing, err error) (curfew.Standing, error) {
	if err == nil {
		t.changed(ahead(s.ExpiresAt, s.Now))
	}
	return s, err
}

func (t told) receipt(r curfew.Receipt, err error) (curfew.Receipt, error) {
	if err == nil {
		t.changed(ahead(r.Checkout.RetryUntil, r.Now))
	}
	return r, err
}

// checkout is of changes after which nothing is retried sooner than in.
func (t told) checkout(c curfew.Checkout, err error, in time.Duration) (curfew.Checkout, error) {
	if err == nil {
		t.changed(in)
	}
	return c, err
}

func ahead(deadline, now time.Time) time.Duration {
	if deadline.IsZero() {
		return curfew.NoDeadline
	}
	return deadline.Sub(now)
}

// Admit tells of the session's deadline.
func (t told) Admit(ctx context.Context, a curfew.Admission) (curfew.Standing, error) {
	return t.standing(t.Store.Admit(ctx, a))
}

// Defer tells how long the payment is retried.
func (t told) Defer(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) (curfew.Receipt, error) {
	return t.receipt(t.Store.Defer(ctx, c, actor, ttl))
}

// Extend tells of the session's new deadline.
func (t told) Extend(ctx context.Context, x curfew.Extension) (curfew.Standing, error) {
	return t.standing(t.Store.Extend(ctx, x))
}

// Record sets no deadline.
func (t told) Record(ctx context.Context, c curfew.Checkout, actor curfew.Actor, reason string) (curfew.Receipt, error) {
	return t.receipt(t.Store.Record(ctx, c, actor, reason))
}

// Change tells of the session's new deadline.
func (t told) Change(ctx context.Context, c curfew.Change) (curfew.Standing, error) {
	return t.standing(t.Store.Change(ctx, c))
}

// ChangeCheckout sets no deadline.
func (t told) ChangeCheckout(ctx context.Context, c curfew.CheckoutChange) (curfew.Checkout, error) {
	changed, err := t.Store.ChangeCheckout(ctx, c)
	return t.checkout(changed, err, curfew.NoDeadline)
}

// Remark sets no deadline.
func (t told) Remark(ctx context.Context, r curfew.Remark) (curfew.Checkout, error) {
	changed, err := t.Store.Remark(ctx, r)
	return t.checkout(changed, err, curfew.NoDeadline)
}

// Repair tells how long the payment is retried.
func (t told) Repair(ctx context.Context, r curfew.Repair) (curfew.Checkout, error) {
	changed, err := t.Store.Repair(ctx, r)
	return t.checkout(changed, err, r.Retry)
}

// End tells of what ended; it sets no deadline.
func (t told) End(ctx context.Context, b curfew.Batch) ([]curfew.Ended, error) {
	ended, err := t.Store.End(ctx, b)
	if len(ended) > 0 && err == nil {
		t.changed(curfew.NoDeadline)
	}
	return ended, err
}
