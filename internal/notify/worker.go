package notify

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"
)

// The worker's schedule.
const (
	// poll is the longest time between two checks, in case a notification is lost.
	poll = 2 * time.Second
	// never is returned as the time until something is due when nothing is pending.
	never = time.Duration(math.MaxInt64)
	// grace is how long sends in progress may take after the worker is told to stop.
	grace       = 5 * time.Second
	forgetEvery = time.Hour
	forgetPage  = 1000
)

// Options configures a Worker. Only Channels is required.
type Options struct {
	Channels []Channel
	// Wake receives a value when something may have changed. If nil, the worker only polls.
	Wake     <-chan struct{}
	Logger   *slog.Logger // nil discards the log
	Observer Observer     // nil discards the outcomes
	// Keep is how long delivered deliveries stay readable; 0 means forever.
	Keep time.Duration
	// Adopted also delivers events of sessions in adopted tables.
	Adopted bool
}

// Worker publishes events and sends their deliveries.
type Worker struct {
	publisher  publisher
	queues     DeliveryQueues
	quarantine quarantine
	channels   []Channel
	wake       <-chan struct{}
	log        *slog.Logger
	observe    Observer
	keep       time.Duration

	turn     sync.Mutex // one at a time publishes and starts
	sending  sync.WaitGroup
	mu       sync.Mutex
	idle     *sync.Cond      // on mu: a queue is no longer being sent
	busy     map[string]bool // queues being sent
	breakers map[string]breaker
	finished chan struct{}
}

// New returns a worker; Run starts it.
func New(store Store, o Options) *Worker {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = discard{}
	}
	q := quarantine{store, o.Logger}
	w := &Worker{
		publisher: publisher{store, q, o.Channels, o.Adopted}, queues: store, quarantine: q,
		channels: o.Channels, wake: o.Wake, log: o.Logger, observe: o.Observer, keep: o.Keep,
		busy: map[string]bool{}, breakers: map[string]breaker{}, finished: make(chan struct{}, 1),
	}
	w.idle = sync.NewCond(&w.mu)
	return w
}

type discard struct{}

func (discard) Delivered(string, string) {}

// Run publishes and sends until the context ends, then lets sends in progress finish. It returns
// nil: failures are logged and retried.
func (w *Worker) Run(ctx context.Context) error {
	defer w.sending.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	wake, forgotten := w.wake, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-w.finished:
		case <-timer.C:
		}
		next, hasReceivers, err := w.runOnce(ctx)
		if err == nil && time.Since(forgotten) >= forgetEvery {
			forgotten = time.Now()
			err = w.forget(ctx)
		}
		if err != nil && ctx.Err() == nil {
			w.log.ErrorContext(ctx, "cannot read deliveries; retrying", "error", err)
		}
		if wake = w.wake; !hasReceivers {
			wake = nil // without receivers, events are marked in bulk by the poll
		}
		timer.Reset(min(next, poll))
	}
}

// runOnce publishes new events and starts every queue with a due delivery. It returns how long
// until another is due, and whether any channel has receivers.
func (w *Worker) runOnce(ctx context.Context) (next time.Duration, hasReceivers bool, err error) {
	w.turn.Lock()
	defer w.turn.Unlock()
	audiences, err := w.publisher.publish(ctx)
	if err != nil {
		return poll, true, err
	}
	next = never
	for i, a := range audiences {
		hasReceivers = hasReceivers || a.Expand != nil
		in, err := w.start(ctx, w.channels[i], a.Queues)
		if err != nil {
			return poll, true, err
		}
		next = min(next, in)
	}
	return next, hasReceivers, nil
}

// forget deletes old delivered deliveries.
func (w *Worker) forget(ctx context.Context) error {
	for w.keep > 0 {
		n, err := w.queues.Forget(ctx, w.keep, forgetPage)
		if err != nil || n < forgetPage {
			return err
		}
	}
	return nil
}
