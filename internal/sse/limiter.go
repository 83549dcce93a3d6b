package sse

import (
	"fmt"
	"sync"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// These limit how many streams one process serves.
const (
	maxStreams    = 10_000
	maxOwnStreams = 5
)

// limiter counts open streams per caller.
type limiter struct {
	mu      sync.Mutex
	open    map[curfew.Actor]int
	all     int
	changed chan struct{} // signals that a mechanic came or left
	closed  bool
	closing chan struct{} // closed when every stream is to end
	empty   chan struct{} // closed when all have ended
}

var errNoStreams = curfew.Errorf(curfew.Unavailable, "there are no live streams now: read the lists")

func newLimiter() *limiter {
	return &limiter{
		open: map[curfew.Actor]int{}, changed: make(chan struct{}, 1),
		closing: make(chan struct{}), empty: make(chan struct{}),
	}
}

// acquire counts a new stream. The error is RateLimited if the caller or the process has too many streams, and
// Unavailable once the limiter is closed.
func (l *limiter) acquire(who curfew.Actor) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return errNoStreams
	case l.open[who] >= maxOwnStreams:
		return problem.TooMany(fmt.Sprintf("you have %d streams already: close one", maxOwnStreams))
	case l.all >= maxStreams:
		return problem.TooMany("there are too many streams: try again soon")
	}
	l.all++
	if l.open[who]++; l.open[who] == 1 {
		l.note(who)
	}
	return nil
}

func (l *limiter) release(who curfew.Actor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.open[who]--; l.open[who] == 0 {
		delete(l.open, who)
		l.note(who)
	}
	l.closeEmpty()
}

// close ends every stream, because a stop must not wait for readers who never leave. It may be called twice.
func (l *limiter) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	close(l.closing)
	l.closeEmpty()
}

// closeEmpty signals that the last stream has ended after close.
func (l *limiter) closeEmpty() {
	if l.closed && l.all == 0 {
		close(l.empty)
	}
}

// note signals that a mechanic came or left.
func (l *limiter) note(who curfew.Actor) {
	if who.Role != curfew.Mechanic {
		return
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// mechanicsConnected returns which mechanics have a stream.
func (l *limiter) mechanicsConnected() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for who := range l.open {
		if who.Role == curfew.Mechanic {
			ids = append(ids, who.ID)
		}
	}
	return ids
}
