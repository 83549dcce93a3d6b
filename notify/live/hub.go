package live

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
)

// The rhythm of a hub.
const (
	// poll is the longest time between two looks: every bell may be lost.
	poll = time.Second
	// duty is how much longer the hub rests than a look took, so that it takes
	// little from those who cause the events.
	duty    = 10
	minRest = 10 * time.Millisecond
	maxRest = 5 * time.Second
)

// Store is where events are read.
type Store interface {
	// EventsSince is the events of everybody behind a place, by time and id, and
	// the database's time of the reading.
	EventsSince(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.News, time.Time, error)
	// Standings is the sessions of these ids, in no order; what is missing is left
	// out.
	Standings(ctx context.Context, ids []string) ([]curfew.Standing, error)
}

// Options of a hub. Encode is needed.
type Options struct {
	// Encode makes the frames of an event whose session stands so now; the zero
	// standing: it has none. It is called again each time the session moves.
	Encode func(curfew.News, curfew.Standing) []curfew.Frame
	// Wake rings when something has changed; nil: the hub looks once a second.
	Wake <-chan struct{}
	// Logger hears of readings that failed; nil: nobody does.
	Logger *slog.Logger
}

// Hub tells followers what changes. Its methods are safe for concurrent use,
// but for Turn and Run, which are one goroutine's.
type Hub struct {
	store  Store
	encode func(curfew.News, curfew.Standing) []curfew.Frame
	wake   <-chan struct{}
	log    *slog.Logger
	joins  chan struct{} // somebody wants to follow, the first one
	told   chan struct{}
	tail   tail
	failed bool

	mu        sync.RWMutex // of what follows
	journal   journal
	mark      time.Time                     // the database's: what was committed before is in the journal
	joining   []*Feed                       // before the first look
	followers map[string]map[*Feed]struct{} // by topic
	stopped   bool
}

// New makes a hub. It reads nothing before somebody follows.
func New(store Store, o Options) *Hub {
	h := &Hub{
		store: store, encode: o.Encode, wake: o.Wake, log: o.Logger,
		joins: make(chan struct{}, 1), told: make(chan struct{}, 1),
		journal: newJournal(), followers: map[string]map[*Feed]struct{}{},
	}
	if h.log == nil {
		h.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	return h
}

// Told rings after something was told.
func (h *Hub) Told() <-chan struct{} { return h.told }

// Run turns until the context ends, and then ends every feed.
func (h *Hub) Run(ctx context.Context) error {
	defer h.stop()
	select {
	case <-ctx.Done():
		return nil
	case <-h.joins:
	}
	for {
		began := time.Now()
		h.report(ctx, h.Turn(ctx))
		if !h.rest(ctx, time.Since(began)) {
			return nil
		}
	}
}

// rest waits in proportion to what the turn took, and then for a reason to
// turn again. False: the context has ended.
func (h *Hub) rest(ctx context.Context, took time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(min(max(duty*took, minRest), maxRest)):
	}
	select {
	case <-ctx.Done():
		return false
	case <-h.wake:
	case <-time.After(poll):
	}
	return true
}

// report logs the first of several failures, and that it is over.
func (h *Hub) report(ctx context.Context, err error) {
	switch {
	case err != nil && ctx.Err() == nil && !h.failed:
		h.log.Warn("live streams wait: the history cannot be read", "error", err)
		h.failed = true
	case err == nil && h.failed:
		h.log.Info("live streams go on")
		h.failed = false
	}
}

// Turn reads what is new, tells those who follow, and lets in who came before
// the first one. Of a turn that failed the next one makes up everything.
func (h *Hub) Turn(ctx context.Context) error {
	now, err := h.look(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.mark = now
		h.journal.trim(now)
	}
	for _, f := range h.joining {
		h.admit(f, err)
	}
	h.joining = nil
	return err
}

// admit lets a follower in: what was committed before its Now stands in the
// lists, what comes after will be told.
func (h *Hub) admit(f *Feed, err error) {
	defer close(f.admitted)
	if f.err = err; err != nil || f.left {
		return
	}
	f.now = h.mark
	if !f.since.IsZero() {
		f.next, f.missed = h.journal.from(f.since.Add(-curfew.ResumeSlack))
		f.missed = f.missed || f.since.After(f.now.Add(curfew.ResumeSlack))
	}
	for _, topic := range f.topics {
		if h.followers[topic] == nil {
			h.followers[topic] = map[*Feed]struct{}{}
		}
		h.followers[topic][f] = struct{}{}
	}
	f.ring()
}

// stop ends every feed, those that wait to be let in too.
func (h *Hub) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stopped = true
	for _, f := range h.joining {
		h.admit(f, errStopped)
	}
	h.joining = nil
	for _, all := range h.followers {
		for f := range all {
			f.ring()
		}
	}
}

// tell writes events into the journal, and wakes who follows. What the journal
// still holds of their sessions is made anew, so that nobody who reads it later
// gets what is not theirs any more.
func (h *Hub) tell(fresh []curfew.News, standings map[string]curfew.Standing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, s := range standings {
		for _, e := range h.journal.of(id) {
			e.frames = h.encode(e.news, s)
		}
	}
	for _, n := range fresh {
		e := &entry{news: n, frames: h.encode(n, standings[n.SessionID])}
		place := h.journal.write(e)
		for _, frame := range e.frames {
			for _, topic := range frame.Topics {
				for f := range h.followers[topic] {
					f.tell(place)
				}
			}
		}
	}
	ring(h.told)
}

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
