package lifecycle

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Notifier is notified of changes on behalf of those who would otherwise have to poll for
// them: other replicas, deliveries, live streams. A notification may be lost, repeated or
// wrong, so receivers also poll now and then.
type Notifier interface {
	// Changed is called after each commit that changed something, and must not block. in is
	// the time until the earliest deadline that was set, by the store's clock: zero or less
	// if it has passed, curfew.NoDeadline if none was set.
	Changed(in time.Duration)
}

// publisher publishes each committed write of the two ports that write. It
// implements them whole instead of embedding a store, so that a method added to
// one of them does not compile until it is published.
type publisher struct {
	admissions admissionStore
	changes    changeStore
	changed    func(in time.Duration)
}

var _ interface {
	admissionStore
	changeStore
} = publisher{}

func (p publisher) session(s curfew.Snapshot, err error) (curfew.Snapshot, error) {
	if err == nil {
		p.changed(ahead(s.ExpiresAt, s.Now))
	}
	return s, err
}

func (p publisher) receipt(r record.Receipt, err error) (record.Receipt, error) {
	if err == nil {
		p.changed(ahead(r.Checkout.RetryUntil, r.Now))
	}
	return r, err
}

// checkout publishes a change of a checkout. in is the time until the earliest retry.
func (p publisher) checkout(c curfew.Checkout, err error, in time.Duration) (curfew.Checkout, error) {
	if err == nil {
		p.changed(in)
	}
	return c, err
}

func ahead(deadline, now time.Time) time.Duration {
	if deadline.IsZero() {
		return record.NoDeadline
	}
	return deadline.Sub(now)
}

// Admit publishes the session's deadline.
func (p publisher) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	return p.session(p.admissions.Admit(ctx, a))
}

// Defer publishes how long the payment is retried.
func (p publisher) Defer(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) (record.Receipt, error) {
	return p.receipt(p.admissions.Defer(ctx, c, actor, ttl))
}

// Record sets no deadline.
func (p publisher) Record(ctx context.Context, c curfew.Checkout, actor curfew.Actor, reason string) (record.Receipt, error) {
	return p.receipt(p.admissions.Record(ctx, c, actor, reason))
}

// Extend publishes the session's new deadline.
func (p publisher) Extend(ctx context.Context, x record.Extension) (curfew.Snapshot, error) {
	return p.session(p.admissions.Extend(ctx, x))
}

// Reassign publishes how long the payment is retried.
func (p publisher) Reassign(ctx context.Context, r record.Reassignment) (curfew.Checkout, error) {
	changed, err := p.admissions.Reassign(ctx, r)
	return p.checkout(changed, err, r.Retry)
}

// Change publishes the session's new deadline.
func (p publisher) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	return p.session(p.changes.Change(ctx, c))
}

// ChangeCheckout sets no deadline.
func (p publisher) ChangeCheckout(ctx context.Context, c record.CheckoutChange) (curfew.Checkout, error) {
	changed, err := p.changes.ChangeCheckout(ctx, c)
	return p.checkout(changed, err, record.NoDeadline)
}

// End publishes that something ended; it sets no deadline.
func (p publisher) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	ended, err := p.changes.End(ctx, b)
	if len(ended) > 0 && err == nil {
		p.changed(record.NoDeadline)
	}
	return ended, err
}

// Annotate sets no deadline.
func (p publisher) Annotate(ctx context.Context, r record.Annotation) (curfew.Checkout, error) {
	changed, err := p.changes.Annotate(ctx, r)
	return p.checkout(changed, err, record.NoDeadline)
}
