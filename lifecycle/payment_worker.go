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

// paymentWorker does what payments need in the background.
type paymentWorker struct {
	*Payments
	turn sync.Mutex // one settles at a time, so that CatchUp returns only when the worker's own pass is done
}

// run settles payments and refunds, and reconciles with the provider, until the context ends.
// A comparison may take minutes, and refunds do not wait for it.
func (w *paymentWorker) run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	if w.provider != nil {
		working.Go(func() { w.reconcileOften(ctx) })
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			w.noted(ctx, "counting refused messages failed", w.keepRefused(context.WithoutCancel(ctx), w.refused.rest(time.Now())))
			return
		case <-timer.C:
		}
		w.noted(ctx, "counting refused messages failed", w.keepRefused(ctx, w.refused.due(time.Now())))
		w.settle(ctx)
		timer.Reset(refundsEvery)
	}
}

// settle does what is due of payments. Failures are logged, and tried again.
func (w *paymentWorker) settle(ctx context.Context) {
	w.turn.Lock()
	defer w.turn.Unlock()
	w.noted(ctx, "settling payments failed", w.settleUnjudged(ctx))
	w.noted(ctx, "settling captures failed", w.SettleCaptures(ctx))
	w.noted(ctx, "settling refunds failed", w.SettleRefunds(ctx))
}

// reconcileOften reconciles with the provider until the context ends.
func (w *paymentWorker) reconcileOften(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for window := reconcileFirst; ; {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		begun := time.Now()
		r, err := w.Reconcile(ctx, window)
		w.noted(ctx, "comparing the books with the provider failed", err)
		w.logComparison(ctx, r)
		if err == nil {
			window = reconcileThen
		}
		timer.Reset(max(reconcileEvery-time.Since(begun), refundsEvery))
	}
}

// logComparison logs what is new in a comparison. Known differences are a finding of Health.
func (w *paymentWorker) logComparison(ctx context.Context, r Reconciliation) {
	for _, d := range r.Differences {
		if d.Since.IsZero() || d.Settled {
			w.log.WarnContext(ctx, "the provider's books differ", "kind", d.Kind, "ref", d.Ref, "checkout", d.CheckoutID,
				"outcome", d.Outcome, "detail", d.Detail, "settled", d.Settled)
		}
	}
	for _, what := range r.Unreadable {
		w.log.WarnContext(ctx, "the provider's books could not be read completely", "what", what)
	}
}
