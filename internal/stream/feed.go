package stream

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

// batch is how many bytes a feed gives at once, or a frame's more.
const batch = 16 << 10

var (
	errStopped = curfew.Errorf(curfew.Unavailable, "the service is stopping")
	errTooSlow = curfew.Errorf(curfew.Conflict, "the reader was too slow")
)

// Feed is what one follower gets. But for Leave its methods are one
// goroutine's.
type Feed struct {
	hub      *Hub
	topics   []string
	since    time.Time
	ready    chan struct{}
	admitted chan struct{}

	// Of the hub's lock.
	next   int64 // the place to read from, once it is lower than the journal's end
	now    time.Time
	missed bool
	left   bool
	err    error
}

// Follow gives what is told of the topics from now on; with since, a time of
// the database, from curfew.ResumeSlack before it. The first call waits until
// the hub has looked. Errors: Unavailable where the history could not be read
// then or the hub has stopped, and the context's.
func (h *Hub) Follow(ctx context.Context, topics []string, since time.Time) (*Feed, error) {
	f := &Feed{hub: h, topics: topics, since: since, ready: make(chan struct{}, 1), admitted: make(chan struct{}), next: idle}
	h.join(f)
	select {
	case <-f.admitted:
		if f.err != nil {
			return nil, f.err
		}
		return f, nil
	case <-ctx.Done():
		f.Leave()
		return nil, ctx.Err()
	}
}

func (h *Hub) join(f *Feed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.stopped:
		h.admit(f, errStopped)
	case h.mark.IsZero():
		h.joining = append(h.joining, f)
		ring(h.joins)
	default:
		h.admit(f, nil)
	}
}

// idle is the place of a feed that has read everything.
const idle = -1

// Now is the database's time when the feed began.
func (f *Feed) Now() time.Time { return f.now }

// Missed reports whether there is a gap between since and what the feed gives.
func (f *Feed) Missed() bool { return f.missed }

// Ready rings when there is something to read: once, until all of it was read.
func (f *Feed) Ready() <-chan struct{} { return f.ready }

// Next writes the next frames, some of them; none: that is all. What was
// committed before mark has been given then. An error ends the feed: it was too
// slow, or the hub has stopped.
func (f *Feed) Next(to *bytes.Buffer) (mark time.Time, err error) {
	f.hub.mu.RLock()
	defer f.hub.mu.RUnlock()
	j := &f.hub.journal
	switch {
	case f.hub.stopped:
		return mark, errStopped
	case f.next == idle:
		return f.hub.mark, nil
	case f.next < j.first:
		return mark, errTooSlow
	}
	for ; f.next < j.end() && to.Len() < batch; f.next++ {
		for _, frame := range j.entries[f.next-j.first].frames {
			if slices.ContainsFunc(frame.Topics, f.follows) {
				to.Write(frame.Text)
			}
		}
	}
	if f.next == j.end() {
		f.next = idle
	}
	return f.hub.mark, nil
}

func (f *Feed) follows(topic string) bool { return slices.Contains(f.topics, topic) }

// Leave ends the feed. It may be called twice.
func (f *Feed) Leave() {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	f.left = true
	for _, topic := range f.topics {
		delete(f.hub.followers[topic], f)
		if len(f.hub.followers[topic]) == 0 {
			delete(f.hub.followers, topic)
		}
	}
}
