package notify

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// maxSending is how many sends of one queue a worker may have active.
	maxSending = 8
	// lease is how long a claimed delivery belongs to its worker. It is longer than any Send takes.
	lease = 2 * time.Minute
	// writeTimeout limits writing results.
	writeTimeout = 10 * time.Second
)

// start starts sending every queue of a channel that has a delivery due and is not being sent. It returns
// how long until another queue has one.
func (w *Worker) start(ctx context.Context, c Channel, queues []string) (time.Duration, error) {
	if len(queues) == 0 {
		return never, nil
	}
	due, err := w.queues.Due(ctx, queues)
	if err != nil {
		return poll, err
	}
	next := never
	for queue, in := range due {
		if in = max(in, w.pauseOf(queue)); in > 0 {
			next = min(next, in)
			continue
		}
		if w.acquire(queue) {
			w.sending.Go(func() { w.send(ctx, c, queue) })
		}
	}
	return next, nil
}

// acquire reserves a queue for one goroutine of this worker.
func (w *Worker) acquire(queue string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[queue] {
		return false
	}
	w.busy[queue] = true
	return true
}

// release ends the reservation of a queue and wakes the worker.
func (w *Worker) release(queue string) {
	w.mu.Lock()
	delete(w.busy, queue)
	w.idle.Broadcast()
	w.mu.Unlock()
	select {
	case w.finished <- struct{}{}:
	default:
	}
}

// send sends the due deliveries of a queue until there are none, its breaker opens, or the worker stops.
func (w *Worker) send(ctx context.Context, c Channel, queue string) {
	defer w.release(queue)
	sending, stop := graceful(ctx)
	defer stop()
	results := make(chan record.Attempt, maxSending)
	for active := 0; ; {
		if active <= maxSending/2 && ctx.Err() == nil && w.pauseOf(queue) <= 0 {
			claimed, err := w.claim(ctx, queue, maxSending-active)
			if err != nil {
				w.log.ErrorContext(ctx, "cannot claim deliveries", "queue", queue, "error", err)
			}
			for _, d := range claimed {
				active++
				w.sending.Go(func() { results <- attempt(sending, c, d) })
			}
		}
		if active == 0 {
			return
		}
		active -= w.settle(ctx, queue, gather(results))
	}
}

// attempt sends one delivery. An attempt that a stopping worker cut short does not count as a
// failure.
func attempt(ctx context.Context, c Channel, d record.Delivery) record.Attempt {
	v := c.Send(ctx, d)
	v.Untried = v.Untried || ctx.Err() != nil && v.State == record.DeliveryPending
	return judge(d, v)
}

// graceful returns a context that ends grace after ctx.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// claim claims due deliveries. It skips those that must wait for an earlier one.
func (w *Worker) claim(ctx context.Context, queue string, limit int) ([]record.Delivery, error) {
	for {
		claimed, more, err := w.queues.Claim(ctx, queue, limit, lease)
		if rowsOwn(ctx, err) {
			return w.claimEach(ctx, queue, limit)
		}
		if err != nil || len(claimed) > 0 || !more {
			return claimed, err
		}
	}
}

// claimEach claims deliveries one by one and quarantines those whose rows cannot be read.
func (w *Worker) claimEach(ctx context.Context, queue string, limit int) ([]record.Delivery, error) {
	due, err := w.queues.Claimable(ctx, queue, limit)
	if err != nil {
		return nil, err
	}
	var all []record.Delivery
	for _, d := range due {
		claimed, err := w.queues.ClaimOne(ctx, d, lease)
		if rowsOwn(ctx, err) {
			err = w.quarantine.add(ctx, quarantined(d), err)
		}
		if err != nil {
			return all, err
		}
		all = append(all, claimed...)
	}
	return all, nil
}

func quarantined(d record.Delivery) curfew.Quarantined {
	return curfew.Quarantined{Noun: curfew.QuarantinedDelivery, CustomerID: d.CustomerID, ID: d.ID, Step: "deliver"}
}

// gather waits for a result and returns it with all others that are ready.
func gather(results chan record.Attempt) []record.Attempt {
	all := []record.Attempt{<-results}
	for {
		select {
		case a := <-results:
			all = append(all, a)
		default:
			return all
		}
	}
}

// settle writes results, even while the worker stops, and returns how many there were. A delivery
// whose result cannot be written is sent again after its lease.
func (w *Worker) settle(ctx context.Context, queue string, attempts []record.Attempt) int {
	w.record(queue, attempts)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	w.write(ctx, queue, attempts)
	return len(attempts)
}

// write writes results together, or one by one if one of them cannot be written.
func (w *Worker) write(ctx context.Context, queue string, attempts []record.Attempt) {
	settled, err := w.queues.Settle(ctx, attempts)
	switch own := rowsOwn(ctx, err); {
	case own && len(attempts) > 1:
		for one := range slices.Chunk(attempts, 1) {
			w.write(ctx, queue, one)
		}
		return
	case own:
		err = errors.Join(err, w.quarantine.add(ctx, quarantined(attempts[0].Delivery), err))
	}
	if err != nil {
		w.log.ErrorContext(ctx, "cannot write results; these deliveries are sent again", "queue", queue, "deliveries", len(attempts), "error", err)
		return
	}
	if late := len(attempts) - settled; late > 0 {
		w.log.WarnContext(ctx, "results came after their lease; these deliveries are sent again", "queue", queue, "deliveries", late)
	}
	for _, a := range attempts {
		w.report(ctx, a)
	}
}

// report logs and counts the outcome of an attempt.
func (w *Worker) report(ctx context.Context, a record.Attempt) {
	d := a.Delivery
	switch a.Verdict.State {
	case record.DeliveryDone:
		w.observe.Delivered(d.Channel, "delivered")
	case record.DeliveryDead:
		w.observe.Delivered(d.Channel, "dead")
		w.log.WarnContext(ctx, "delivery is dead: `curfew deliveries replay "+d.ID+"` sends it again", "delivery", d.ID, "channel", d.Channel,
			"kind", d.Kind, "status", a.Verdict.Status, "error", a.Verdict.Error)
	default:
		w.observe.Delivered(d.Channel, "retried")
		w.log.InfoContext(ctx, "delivery will be retried", "delivery", d.ID, "channel", d.Channel, "kind", d.Kind, "attempt", d.Attempts,
			"in", a.Wait, "status", a.Verdict.Status, "error", a.Verdict.Error)
	}
}
