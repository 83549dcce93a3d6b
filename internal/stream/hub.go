package stream

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
	// duty is how much longer the hub rests than a look took, and each how long
	// for everybody it woke, so that it takes little from those who cause the
	// events: to write to a follower takes about 30 µs of a core.
	duty    = 10
	each    = 100 * time.Microsecond
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
	woken  []*Feed       // in this turn
	tired  time.Duration // how long to rest after it
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
		h.report(ctx, h.Turn(ctx))
		if !h.rest(ctx) {
			return nil
		}
	}
}

// rest waits as long as the turn deserves, and then for a reason to turn again.
// False: the context has ended.
func (h *Hub) rest(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(min(max(h.tired, minRest), maxRest)):
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
	began := time.Now()
	now, err := h.look(ctx)
	h.looked(now, err)
	h.tired = max(duty*time.Since(began), each*time.Duration(len(h.woken)))
	h.wakeAll()
	return err
}

// looked notes up to when everything is told, and lets in who came before the
// first look.
func (h *Hub) looked(now time.Time, err error) {
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
}

// wakeAll wakes who was told something in this turn. It is not done under the
// lock, for which all of them would wait at once.
func (h *Hub) wakeAll() {
	for _, f := range h.woken {
		ring(f.ready)
	}
	clear(h.woken)
	h.woken = h.woken[:0]
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
	ring(f.ready)
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
			ring(f.ready)
		}
	}
}

// tell writes events into the journal, and notes whom to wake. What the journal
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
					if f.next == idle { // else it has been woken, and reads on
						f.next = place
						h.woken = append(h.woken, f)
					}
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
