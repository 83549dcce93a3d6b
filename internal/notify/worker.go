package notify

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The worker's schedule.
const (
	// poll is the longest time between two checks: a notification may be lost.
	poll = 2 * time.Second
	// page is how many events are published in one transaction.
	page = 500
	// grace is how long sends under way may still take when the worker stops.
	grace       = 5 * time.Second
	forgetEvery = time.Hour
	// keep is how long delivered deliveries stay readable.
	keep       = 30 * 24 * time.Hour
	forgetPage = 1000
)

// Options configure a worker. Only Channels is needed.
type Options struct {
	Channels []Channel
	// Wake receives a value when something may have changed. Nil: the worker only polls.
	Wake     <-chan struct{}
	Logger   *slog.Logger // nil discards the log
	Observer Observer     // nil discards the outcomes
}

// Worker publishes events and sends their deliveries.
type Worker struct {
	store    Store
	channels []Channel
	wake     <-chan struct{}
	log      *slog.Logger
	observe  Observer

	sending  sync.WaitGroup
	mu       sync.Mutex
	busy     map[string]bool // queues being sent
	breakers map[string]breaker
	finished chan struct{}
}

// New makes a worker.
func New(store Store, o Options) *Worker {
	w := &Worker{
		store: store, channels: o.Channels, wake: o.Wake, log: o.Logger, observe: o.Observer,
		busy: map[string]bool{}, breakers: map[string]breaker{}, finished: make(chan struct{}, 1),
	}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if w.observe == nil {
		w.observe = discard{}
	}
	return w
}

type discard struct{}

func (discard) Delivered(string, string) {}

// Run publishes and sends until the context ends. Sends under way then may finish. It returns nil: failures
// are logged and retried.
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
		timer.Reset(next)
	}
}

// runOnce publishes new events and starts every queue with a delivery due. It returns how long until the
// next check, and whether any channel has receivers.
func (w *Worker) runOnce(ctx context.Context) (next time.Duration, hasReceivers bool, err error) {
	audiences, err := w.publish(ctx)
	if err != nil {
		return poll, true, err
	}
	next = poll
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

// publish turns all unpublished events into deliveries and returns each channel's audience.
func (w *Worker) publish(ctx context.Context) ([]Audience, error) {
	for {
		events, err := w.store.Unpublished(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("publish events: %w", err)
		}
		audiences, err := w.audiences(ctx) // after the events: see Channel.Audience
		if err != nil || len(events) == 0 {
			return audiences, err
		}
		published, err := w.publishAll(ctx, events, audiences)
		if err != nil {
			return nil, fmt.Errorf("publish events: %w", err)
		}
		if published == 0 || len(events) < page { // 0: another worker publishes them
			return audiences, nil
		}
	}
}

// publishAll publishes events. If one of them makes that fail, it publishes each half, until that one is
// alone and can be quarantined.
func (w *Worker) publishAll(ctx context.Context, events []curfew.Event, audiences []Audience) (published int, err error) {
	deliveries, err := w.expand(ctx, events, audiences)
	if err == nil {
		published, err = w.store.Publish(ctx, events, deliveries)
	}
	if err == nil || !rowsOwn(ctx, err) {
		return published, err
	}
	if len(events) == 1 {
		e := events[0]
		return 0, w.setApart(ctx, curfew.Quarantined{Noun: curfew.QuarantinedEvent, CustomerID: e.CustomerID, ID: e.ID, Step: "tell"}, err)
	}
	for half := range slices.Chunk(events, (len(events)+1)/2) {
		n, err := w.publishAll(ctx, half, audiences)
		if published += n; err != nil {
			return published, err
		}
	}
	return published, nil
}

func (w *Worker) audiences(ctx context.Context) ([]Audience, error) {
	all := make([]Audience, len(w.channels))
	for i, c := range w.channels {
		var err error
		if all[i], err = c.Audience(ctx); err != nil {
			return nil, fmt.Errorf("audience of %s: %w", c.Name(), err)
		}
	}
	return all, nil
}

func (w *Worker) expand(ctx context.Context, events []curfew.Event, audiences []Audience) ([]record.Delivery, error) {
	if !slices.ContainsFunc(audiences, func(a Audience) bool { return a.Expand != nil }) {
		return nil, nil
	}
	happenings, err := w.store.Happenings(ctx, events)
	if err != nil {
		return nil, err
	}
	var all []record.Delivery
	for _, h := range happenings {
		for i, a := range audiences {
			if a.Expand == nil {
				continue
			}
			for _, d := range a.Expand(h.Outside()) {
				d.ID, d.Channel = NewID(), w.channels[i].Name()
				d.EventID, d.CustomerID, d.Subject, d.Number = h.ID, h.CustomerID, h.Subject, h.Number
				all = append(all, d)
			}
		}
	}
	return all, nil
}

// NewID returns a new id for a delivery: a UUIDv7.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// forget deletes old delivered deliveries.
func (w *Worker) forget(ctx context.Context) error {
	for {
		n, err := w.store.Forget(ctx, keep, forgetPage)
		if err != nil || n < forgetPage {
			return err
		}
	}
}
