package lifecycle

import (
	"context"
	"sync"
	"time"
)

// The reconciliation's schedule: far back once, then more often and less far.
const (
	reconcileEvery = 10 * time.Minute
	reconcileFirst = 72 * time.Hour
	reconcileThen  = 2 * time.Hour
)

// run settles payments and refunds, and reconciles with the provider, until the context ends.
// A comparison may take minutes, and nobody's refund waits for it.
func (ps *Payments) run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	if ps.provider != nil {
		working.Go(func() { reconcileOften(ctx, ps) })
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			ps.noted(ctx, "counting refused messages failed", ps.keepRefused(context.WithoutCancel(ctx), ps.refused.rest(time.Now())))
			return
		case <-timer.C:
		}
		ps.noted(ctx, "counting refused messages failed", ps.keepRefused(ctx, ps.refused.due(time.Now())))
		ps.noted(ctx, "settling payments failed", ps.settleUnjudged(ctx))
		ps.noted(ctx, "settling captures failed", ps.SettleCaptures(ctx))
		ps.noted(ctx, "settling refunds failed", ps.SettleRefunds(ctx))
		timer.Reset(refundsEvery)
	}
}

// reconcileOften reconciles with the provider until the context ends.
func reconcileOften(ctx context.Context, ps *Payments) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for window := reconcileFirst; ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		begun := time.Now()
		r, err := ps.Reconcile(ctx, window)
		ps.noted(ctx, "comparing the books with the provider failed", err)
		ps.logComparison(ctx, r)
		if err == nil {
			window = reconcileThen
		}
		timer.Reset(max(reconcileEvery-time.Since(begun), refundsEvery))
	}
}

// logComparison logs what is new in a comparison: what is known is a finding of Health.
func (ps *Payments) logComparison(ctx context.Context, r Reconciliation) {
	for _, d := range r.Differences {
		if d.Since.IsZero() || d.Settled {
			ps.log.WarnContext(ctx, "the provider's books differ", "kind", d.Kind, "ref", d.Ref, "checkout", d.CheckoutID,
				"outcome", d.Outcome, "detail", d.Detail, "settled", d.Settled)
		}
	}
	for _, what := range r.Unreadable {
		ps.log.WarnContext(ctx, "the provider's books could not be read completely", "what", what)
	}
}
