package notify

import (
	"context"
	"time"
)

// CatchUp publishes and sends everything that is due now, whatever a breaker says. It returns once
// the receivers have answered, with the time until something else is due, or 0. It is for a test
// clock that was moved, and requires Run to be running.
func (w *Worker) CatchUp(ctx context.Context) (next time.Duration, err error) {
	w.mu.Lock()
	clear(w.breakers)
	w.mu.Unlock()
	for {
		next, _, err := w.runOnce(ctx)
		if err != nil {
			return 0, err
		}
		if w.awaitIdle(ctx) {
			continue
		}
		if next == never {
			next = 0
		}
		return next, ctx.Err()
	}
}

// awaitIdle waits until no queue is being sent, and reports whether one was.
func (w *Worker) awaitIdle(ctx context.Context) (sent bool) {
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.idle.Broadcast()
	})
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.busy) > 0 && ctx.Err() == nil {
		sent = true
		w.idle.Wait()
	}
	return sent && ctx.Err() == nil
}
