package stream

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

// batch is how many bytes Next writes at once, give or take a message.
const batch = 16 << 10

var (
	errStopped = curfew.Errorf(curfew.Unavailable, "the service is stopping")
	errTooSlow = curfew.Errorf(curfew.Conflict, "the reader was too slow")
)

// Subscription is what one subscriber reads. Only Leave may be called concurrently with other methods.
type Subscription struct {
	hub      *Hub
	topics   []string
	since    time.Time
	ready    chan struct{}
	admitted chan struct{}

	// Guarded by the hub's mutex.
	next   int64 // the position to read from, or idle
	now    time.Time
	missed bool
	left   bool
	err    error
}

// Subscribe subscribes to the topics from now on, or, with since, a time of the database, from
// curfew.ResumeSlack before it. The first call waits for the hub's first poll. The error is Unavailable if
// that poll failed or the hub has stopped, or it is the context's.
func (h *Hub) Subscribe(ctx context.Context, topics []string, since time.Time) (*Subscription, error) {
	s := &Subscription{hub: h, topics: topics, since: since, ready: make(chan struct{}, 1), admitted: make(chan struct{}), next: idle}
	h.join(s)
	select {
	case <-s.admitted:
		if s.err != nil {
			return nil, s.err
		}
		return s, nil
	case <-ctx.Done():
		s.Leave()
		return nil, ctx.Err()
	}
}

func (h *Hub) join(s *Subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.stopped:
		h.admit(s, errStopped)
	case h.mark.IsZero():
		h.joining = append(h.joining, s)
		signal(h.joins)
	default:
		h.admit(s, nil)
	}
}

// idle is the position of a subscription that has read everything.
const idle = -1

// Now returns the database's time when the subscription began.
func (s *Subscription) Now() time.Time { return s.now }

// Missed reports whether events after since have already left the ring.
func (s *Subscription) Missed() bool { return s.missed }

// Ready receives a value when there is something to read: one, until everything has been read.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Next writes some of the next messages, or none if that was all. Then everything committed before mark has
// been read. An error ends the subscription: it was too slow, or the hub has stopped.
func (s *Subscription) Next(to *bytes.Buffer) (mark time.Time, err error) {
	s.hub.mu.RLock()
	defer s.hub.mu.RUnlock()
	r := &s.hub.ring
	switch {
	case s.hub.stopped:
		return mark, errStopped
	case s.next == idle:
		return s.hub.mark, nil
	case s.next < r.first:
		return mark, errTooSlow
	}
	for ; s.next < r.end() && to.Len() < batch; s.next++ {
		for _, m := range r.entries[s.next-r.first].messages {
			if slices.ContainsFunc(m.Topics, s.subscribed) {
				to.Write(m.Text)
			}
		}
	}
	if s.next == r.end() {
		s.next = idle
	}
	return s.hub.mark, nil
}

func (s *Subscription) subscribed(topic string) bool { return slices.Contains(s.topics, topic) }

// Leave ends the subscription. It may be called twice.
func (s *Subscription) Leave() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.left = true
	for _, topic := range s.topics {
		delete(s.hub.subscribers[topic], s)
		if len(s.hub.subscribers[topic]) == 0 {
			delete(s.hub.subscribers, topic)
		}
	}
}
