package stream

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The hub's schedule.
const (
	// pollInterval is the longest time between two polls: any notification may be lost.
	pollInterval = time.Second
	// After a poll the hub pauses duty times as long as the poll took, or perSubscriber for each one woken if
	// that is longer, so that it leaves the processor to whoever causes the events: writing to a subscriber takes
	// about 30 µs of a core.
	duty          = 10
	perSubscriber = 100 * time.Microsecond
	minPause      = 10 * time.Millisecond
	maxPause      = 5 * time.Second
)

// Store is where the hub reads events.
type Store interface {
	// EventsSince returns everybody's events after a position, by time and id, and the database's time of the
	// reading.
	EventsSince(ctx context.Context, after curfew.Cursor, limit int) ([]record.StreamEvent, time.Time, error)
	// Snapshots returns the sessions with these ids, in any order. Missing ones are left out.
	Snapshots(ctx context.Context, ids []string) ([]curfew.Snapshot, error)
}

// Options configure a hub. Encode is needed.
type Options struct {
	// Encode returns the messages of an event, given the present state of its session; the zero state if it
	// has none. It is called again each time the session changes.
	Encode func(record.StreamEvent, curfew.Snapshot) []record.Message
	// Wake receives a value when something may have changed. Nil: the hub polls once a second.
	Wake <-chan struct{}
	// Logger logs polls that failed. Nil discards the log.
	Logger *slog.Logger
}

// Hub publishes changes to its subscribers. Its methods are safe for concurrent use, except Run, which is
// called once.
type Hub struct {
	store  Store
	encode func(record.StreamEvent, curfew.Snapshot) []record.Message
	wake   <-chan struct{}
	log    *slog.Logger
	joins  chan struct{} // the first subscriber is here

	published chan struct{}
	tailer    tailer
	woken     []*Subscription // by this poll
	pause     time.Duration   // after this poll
	failed    bool

	mu          sync.RWMutex // guards the fields below
	ring        ring
	mark        time.Time                             // of the database: everything committed before is in the ring
	joining     []*Subscription                       // before the first poll
	subscribers map[string]map[*Subscription]struct{} // by topic
	stopped     bool
}

// New returns a hub. It reads nothing before somebody subscribes.
func New(store Store, o Options) *Hub {
	h := &Hub{
		store: store, encode: o.Encode, wake: o.Wake, log: o.Logger,
		joins: make(chan struct{}, 1), published: make(chan struct{}, 1),
		ring: newRing(), subscribers: map[string]map[*Subscription]struct{}{},
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	return h
}

// Published receives a value after the hub has published something.
func (h *Hub) Published() <-chan struct{} { return h.published }

// Run polls until the context ends, and then ends every subscription. It returns nil.
func (h *Hub) Run(ctx context.Context) error {
	defer h.stop()
	select {
	case <-ctx.Done():
		return nil
	case <-h.joins:
	}
	for {
		h.report(ctx, h.poll(ctx))
		if !h.wait(ctx) {
			return nil
		}
	}
}

// wait pauses, and then waits for a reason to poll again. It returns false if the context has ended.
func (h *Hub) wait(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(min(max(h.pause, minPause), maxPause)):
	}
	select {
	case <-ctx.Done():
		return false
	case <-h.wake:
	case <-time.After(pollInterval):
	}
	return true
}

// report logs the first of several failures, and the recovery.
func (h *Hub) report(ctx context.Context, err error) {
	switch {
	case err != nil && ctx.Err() == nil && !h.failed:
		h.log.WarnContext(ctx, "live streams wait: the history cannot be read", "error", err)
		h.failed = true
	case err == nil && h.failed:
		h.log.InfoContext(ctx, "live streams go on")
		h.failed = false
	}
}

// poll reads and publishes what is new, and admits who subscribed before the first poll. After a failed poll
// the next one catches up.
func (h *Hub) poll(ctx context.Context) error {
	began := time.Now()
	now, err := h.publishNew(ctx)
	h.polled(now, err)
	h.pause = max(duty*time.Since(began), perSubscriber*time.Duration(len(h.woken)))
	h.wakeAll()
	return err
}

// polled records up to when everything is published, and admits who subscribed before the first poll.
func (h *Hub) polled(now time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.mark = now
		h.ring.trim(now)
	}
	for _, s := range h.joining {
		h.admit(s, err)
	}
	h.joining = nil
}

// wakeAll wakes the subscribers for whom this poll has published something. It does so without the lock,
// which all of them would wait for at once.
func (h *Hub) wakeAll() {
	for _, s := range h.woken {
		signal(s.ready)
	}
	clear(h.woken)
	h.woken = h.woken[:0]
}

// admit starts a subscription: what was committed before its Now is in the lists that the API returns, what
// comes later will be published.
func (h *Hub) admit(s *Subscription, err error) {
	defer close(s.admitted)
	if s.err = err; err != nil || s.left {
		return
	}
	s.now = h.mark
	if !s.since.IsZero() {
		s.next, s.missed = h.ring.from(s.since.Add(-record.ResumeSlack))
		s.missed = s.missed || s.since.After(s.now.Add(record.ResumeSlack))
	}
	for _, topic := range s.topics {
		if h.subscribers[topic] == nil {
			h.subscribers[topic] = map[*Subscription]struct{}{}
		}
		h.subscribers[topic][s] = struct{}{}
	}
	signal(s.ready)
}

// stop ends every subscription, also those that wait to be admitted.
func (h *Hub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for _, s := range h.joining {
		h.admit(s, errStopped)
	}
	h.joining = nil
	for _, all := range h.subscribers {
		for s := range all {
			signal(s.ready)
		}
	}
}

// publish adds events to the ring and collects whom to wake. It encodes the sessions' earlier events anew, so
// that nobody who reads them later sees what is no longer theirs.
func (h *Hub) publish(fresh []record.StreamEvent, snapshots map[string]curfew.Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, session := range snapshots {
		for _, e := range h.ring.of(id) {
			e.messages = h.encode(e.event, session)
		}
	}
	for _, n := range fresh {
		e := &entry{event: n, messages: h.encode(n, snapshots[n.SessionID])}
		position := h.ring.add(e)
		for _, m := range e.messages {
			for _, topic := range m.Topics {
				for s := range h.subscribers[topic] {
					if s.next == idle { // otherwise it has been woken and is still reading
						s.next = position
						h.woken = append(h.woken, s)
					}
				}
			}
		}
	}
	signal(h.published)
}

// signal makes a value available in a channel with a buffer of one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
