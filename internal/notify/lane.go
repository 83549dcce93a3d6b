package notify

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

const (
	// most is how many sends of one lane a worker has under way.
	most = 8
	// lease is how long a claimed delivery is left to its claimer: longer than
	// any Send takes.
	lease = 2 * time.Minute
	// patience bounds the writing of results.
	patience = 10 * time.Second
	// A lane whose receiver failed most times in a row rests, longer each time:
	// its deliveries keep their attempts.
	firstPause, longestPause = time.Second, time.Minute
)

// pause is the rest of a lane.
type pause struct {
	failed int // in a row
	until  time.Time
}

// start begins to send in every lane of a channel that has something due and
// is not at it. It returns how long until another has.
func (w *Worker) start(ctx context.Context, c Channel, lanes []string) (time.Duration, error) {
	if len(lanes) == 0 {
		return poll, nil
	}
	due, err := w.store.Due(ctx, lanes)
	if err != nil {
		return poll, err
	}
	next := poll
	for lane, in := range due {
		if in = max(in, w.rest(lane)); in > 0 {
			next = min(next, in)
			continue
		}
		if w.take(lane) {
			w.sending.Go(func() { w.send(ctx, c, lane) })
		}
	}
	return next, nil
}

// take claims a lane for one goroutine of this worker.
func (w *Worker) take(lane string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[lane] {
		return false
	}
	w.busy[lane] = true
	return true
}

func (w *Worker) give(lane string) {
	w.mu.Lock()
	delete(w.busy, lane)
	w.mu.Unlock()
	select {
	case w.finished <- struct{}{}:
	default:
	}
}

// rest is how long a lane rests.
func (w *Worker) rest(lane string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.paused[lane].until)
}

// learn keeps what attempts say of the receiver.
func (w *Worker) learn(lane string, attempts []curfew.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.paused[lane]
	for _, a := range attempts {
		if a.Verdict.Untried {
			p.until = later(p.until, time.Now().Add(poll))
			continue
		}
		if p.failed++; a.Verdict.State != curfew.DeliveryPending {
			p = pause{}
		}
		if a.Verdict.After > 0 {
			p.until = later(p.until, time.Now().Add(min(a.Verdict.After, longestPause)))
		}
	}
	if p.failed >= most {
		p.until = later(p.until, time.Now().Add(min(firstPause<<min(p.failed/most-1, 6), longestPause)))
	}
	w.paused[lane] = p
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// send sends what is due in a lane until nothing is, the receiver needs rest,
// or the worker stops.
func (w *Worker) send(ctx context.Context, c Channel, lane string) {
	defer w.give(lane)
	sending, stop := graceful(ctx)
	defer stop()
	results := make(chan curfew.Attempt, most)
	for under := 0; ; {
		if under <= most/2 && ctx.Err() == nil && w.rest(lane) <= 0 {
			claimed, err := w.claim(ctx, lane, most-under)
			if err != nil {
				w.log.Error("deliveries could not be claimed", "lane", lane, "error", err)
			}
			for _, d := range claimed {
				under++
				w.sending.Go(func() { results <- attempt(sending, c, d) })
			}
		}
		if under == 0 {
			return
		}
		under -= w.settle(ctx, lane, gather(results))
	}
}

// attempt sends one delivery. One that the worker itself cut off is no failure.
func attempt(ctx context.Context, c Channel, d curfew.Delivery) curfew.Attempt {
	v := c.Send(ctx, d)
	v.Untried = v.Untried || ctx.Err() != nil && v.State == curfew.DeliveryPending
	return judge(d, v)
}

// graceful is a context that ends some time after another one.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() { stop(); cancel() }
}

// claim claims deliveries; where all it saw must wait for others it looks on.
func (w *Worker) claim(ctx context.Context, lane string, limit int) ([]curfew.Delivery, error) {
	for {
		claimed, more, err := w.store.Claim(ctx, lane, limit, lease)
		if rowsOwn(ctx, err) {
			return w.claimEach(ctx, lane, limit)
		}
		if err != nil || len(claimed) > 0 || !more {
			return claimed, err
		}
	}
}

// claimEach claims deliveries one by one, and sets apart what cannot be.
func (w *Worker) claimEach(ctx context.Context, lane string, limit int) ([]curfew.Delivery, error) {
	due, err := w.store.Claimable(ctx, lane, limit)
	if err != nil {
		return nil, err
	}
	var all []curfew.Delivery
	for _, d := range due {
		claimed, err := w.store.ClaimOne(ctx, d, lease)
		if rowsOwn(ctx, err) {
			err = w.setApart(ctx, apartDelivery(d), err)
		}
		if err != nil {
			return all, err
		}
		all = append(all, claimed...)
	}
	return all, nil
}

func apartDelivery(d curfew.Delivery) curfew.Quarantined {
	return curfew.Quarantined{Noun: curfew.QuarantinedDelivery, CustomerID: d.CustomerID, ID: d.ID, Step: "deliver"}
}

// gather is the next result, with those that are there already.
func gather(results chan curfew.Attempt) []curfew.Attempt {
	all := []curfew.Attempt{<-results}
	for {
		select {
		case a := <-results:
			all = append(all, a)
		default:
			return all
		}
	}
}

// settle writes results, also when the worker stops, and returns how many there
// were. What cannot be written is sent again when its lease is over.
func (w *Worker) settle(ctx context.Context, lane string, attempts []curfew.Attempt) int {
	w.learn(lane, attempts)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	w.write(ctx, lane, attempts)
	return len(attempts)
}

// write writes results together, or one by one where one of them cannot be
// written.
func (w *Worker) write(ctx context.Context, lane string, attempts []curfew.Attempt) {
	settled, err := w.store.Settle(ctx, attempts)
	switch own := rowsOwn(ctx, err); {
	case own && len(attempts) > 1:
		for one := range slices.Chunk(attempts, 1) {
			w.write(ctx, lane, one)
		}
		return
	case own:
		err = errors.Join(err, w.setApart(ctx, apartDelivery(attempts[0].Delivery), err))
	}
	if err != nil {
		w.log.Error("results could not be written: these deliveries are sent again", "lane", lane, "deliveries", len(attempts), "error", err)
		return
	}
	if late := len(attempts) - settled; late > 0 {
		w.log.Warn("results came after their lease: others send these deliveries again", "lane", lane, "deliveries", late)
	}
	for _, a := range attempts {
		w.told(a)
	}
}

// told logs and counts what became of an attempt.
func (w *Worker) told(a curfew.Attempt) {
	d := a.Delivery
	switch a.Verdict.State {
	case curfew.DeliveryDone:
		w.observe.Delivered(d.Channel, "delivered")
	case curfew.DeliveryDead:
		w.observe.Delivered(d.Channel, "dead")
		w.log.Warn("a delivery is dead: `curfew deliveries replay "+d.ID+"` sends it again", "delivery", d.ID, "channel", d.Channel,
			"kind", d.Kind, "status", a.Verdict.Status, "error", a.Verdict.Error)
	default:
		w.observe.Delivered(d.Channel, "retried")
		w.log.Info("a delivery is tried again", "delivery", d.ID, "channel", d.Channel, "kind", d.Kind, "attempt", d.Attempts,
			"in", a.Wait, "status", a.Verdict.Status, "error", a.Verdict.Error)
	}
}
