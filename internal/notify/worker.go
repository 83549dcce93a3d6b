package notify

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
)

// The worker's rhythm.
const (
	// poll is the net for what no bell told of.
	poll = 2 * time.Second
	// page is how many events are told at once.
	page = 500
	// grace is how long sends under way may take when the worker stops.
	grace       = 5 * time.Second
	forgetEvery = time.Hour
	// keep is how long what was delivered can still be looked at.
	keep       = 30 * 24 * time.Hour
	forgetPage = 1000
)

// Options of a worker. The zero value is right for production, but for the
// channels.
type Options struct {
	Channels []Channel
	// Wake is rung when something changed; nil: the worker only polls.
	Wake     <-chan struct{}
	Logger   *slog.Logger // nil: nothing is logged
	Observer Observer     // nil: nobody is told
}

// Worker tells and delivers.
type Worker struct {
	store    Store
	channels []Channel
	wake     <-chan struct{}
	log      *slog.Logger
	observe  Observer

	sending  sync.WaitGroup
	mu       sync.Mutex
	busy     map[string]bool // queues that are being sent now
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
		w.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if w.observe == nil {
		w.observe = nobody{}
	}
	return w
}

type nobody struct{}

func (nobody) Delivered(string, string) {}

// Run tells and delivers until the context ends; what is under way then may
// finish. It returns nil: failures are logged and tried again.
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
		next, listens, err := w.pass(ctx)
		if err == nil && time.Since(forgotten) >= forgetEvery {
			forgotten = time.Now()
			err = w.forget(ctx)
		}
		if err != nil && ctx.Err() == nil {
			w.log.Error("deliveries could not be looked at; the next look tries again", "error", err)
		}
		if wake = w.wake; !listens {
			wake = nil // what nobody waits for is marked in bulk
		}
		timer.Reset(next)
	}
}

// pass tells what is new and starts every queue that has something due. It
// returns when the next look is due, and whether anybody listens.
func (w *Worker) pass(ctx context.Context) (next time.Duration, listens bool, err error) {
	audiences, err := w.tell(ctx)
	if err != nil {
		return poll, true, err
	}
	next = poll
	for i, a := range audiences {
		listens = listens || a.Expand != nil
		in, err := w.start(ctx, w.channels[i], a.Queues)
		if err != nil {
			return poll, true, err
		}
		next = min(next, in)
	}
	return next, listens, nil
}

// tell makes deliveries of all events that nobody was told of, and returns each
// channel's audience.
func (w *Worker) tell(ctx context.Context) ([]Audience, error) {
	for {
		events, err := w.store.Untold(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("tell: %w", err)
		}
		audiences, err := w.audiences(ctx) // after the events: see Channel
		if err != nil || len(events) == 0 {
			return audiences, err
		}
		told, err := w.tellAll(ctx, events, audiences)
		if err != nil {
			return nil, fmt.Errorf("tell: %w", err)
		}
		if told == 0 || len(events) < page { // none: another worker is at it
			return audiences, nil
		}
	}
}

// tellAll tells of events. Where that fails because of one of them, it tells of
// each half, until the one is alone and can be set apart.
func (w *Worker) tellAll(ctx context.Context, events []curfew.Event, audiences []Audience) (told int, err error) {
	deliveries, err := w.expand(ctx, events, audiences)
	if err == nil {
		told, err = w.store.Tell(ctx, events, deliveries)
	}
	if err == nil || !rowsOwn(ctx, err) {
		return told, err
	}
	if len(events) == 1 {
		e := events[0]
		return 0, w.setApart(ctx, curfew.Quarantined{Noun: curfew.QuarantinedEvent, CustomerID: e.CustomerID, ID: e.ID, Step: "tell"}, err)
	}
	for half := range slices.Chunk(events, (len(events)+1)/2) {
		n, err := w.tellAll(ctx, half, audiences)
		if told += n; err != nil {
			return told, err
		}
	}
	return told, nil
}

func (w *Worker) audiences(ctx context.Context) ([]Audience, error) {
	all := make([]Audience, len(w.channels))
	for i, c := range w.channels {
		var err error
		if all[i], err = c.Audience(ctx); err != nil {
			return nil, fmt.Errorf("who listens to %s: %w", c.Name(), err)
		}
	}
	return all, nil
}

func (w *Worker) expand(ctx context.Context, events []curfew.Event, audiences []Audience) ([]curfew.Delivery, error) {
	if !slices.ContainsFunc(audiences, func(a Audience) bool { return a.Expand != nil }) {
		return nil, nil
	}
	happenings, err := w.store.Happenings(ctx, events)
	if err != nil {
		return nil, err
	}
	var all []curfew.Delivery
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

// NewID makes the id of a delivery: a UUIDv7.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// forget deletes what was delivered long ago.
func (w *Worker) forget(ctx context.Context) error {
	for {
		n, err := w.store.Forget(ctx, keep, forgetPage)
		if err != nil || n < forgetPage {
			return err
		}
	}
}
