package stream

import (
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

const (
	// window is how long an event stays in the ring: how long a client can be away and miss nothing.
	window = 5 * time.Minute
	// capacity is the most events that the ring holds.
	capacity = 32 << 10
)

// entry is an event with its messages.
type entry struct {
	event    record.StreamEvent
	messages []record.Message // encoded with the session's present state
}

// ring buffers the newest events in the order in which they were published. Positions count from the first
// event ever.
type ring struct {
	entries []*entry
	first   int64     // the position of the first entry
	floor   time.Time // every event published with a later time is here
	session map[string][]*entry
}

func newRing() ring { return ring{session: map[string][]*entry{}} }

// end returns the position of the next entry.
func (r *ring) end() int64 { return r.first + int64(len(r.entries)) }

// of returns the entries of a session.
func (r *ring) of(sessionID string) []*entry { return r.session[sessionID] }

// last returns the number of a session's newest event, if the ring has one.
func (r *ring) last(sessionID string) (number int64, ok bool) {
	own := r.session[sessionID]
	if len(own) == 0 {
		return 0, false
	}
	return own[len(own)-1].event.Number, true
}

// add appends an entry and returns its position.
func (r *ring) add(e *entry) int64 {
	if len(r.entries) >= capacity {
		r.drop(capacity / 8)
	}
	r.entries = append(r.entries, e)
	if e.event.OfSession() {
		r.session[e.event.Subject] = append(r.session[e.event.Subject], e)
	}
	return r.end() - 1
}

// trim drops the entries older than the window.
func (r *ring) trim(now time.Time) {
	n := 0
	for n < len(r.entries) && r.entries[n].event.At.Before(now.Add(-window)) {
		n++
	}
	r.drop(n)
}

// drop drops the first n entries.
func (r *ring) drop(n int) {
	for _, e := range r.entries[:n] {
		if e.event.At.After(r.floor) {
			r.floor = e.event.At
		}
		if own := r.session[e.event.Subject]; len(own) > 1 {
			r.session[e.event.Subject] = own[1:]
		} else {
			delete(r.session, e.event.Subject)
		}
	}
	clear(r.entries[:n])
	r.entries, r.first = r.entries[n:], r.first+int64(n)
}

// from returns the position from which on the ring has every event later than since. Missed says that some
// have already left it.
func (r *ring) from(since time.Time) (position int64, missed bool) {
	for i, e := range r.entries {
		if e.event.At.After(since) {
			return r.first + int64(i), since.Before(r.floor)
		}
	}
	return r.end(), since.Before(r.floor)
}
