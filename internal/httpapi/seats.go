package httpapi

import (
	"fmt"
	"sync"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// How many streams one process gives.
const (
	maxStreams    = 10_000
	maxOwnStreams = 5
)

// seats is who has a stream of this process.
type seats struct {
	mu        sync.Mutex
	taken     map[curfew.Actor]int
	all       int
	mechanics int
	moved     chan struct{} // rings when a mechanic came or left
	closed    bool
	closing   chan struct{} // closed: who has a stream is to leave
	empty     chan struct{} // closed: all have left
}

func newSeats() *seats {
	return &seats{
		taken: map[curfew.Actor]int{}, moved: make(chan struct{}, 1),
		closing: make(chan struct{}), empty: make(chan struct{}),
	}
}

// take is RateLimited where somebody has enough streams, or there are enough
// in all, and Unavailable once the seats are closed.
func (s *seats) take(who curfew.Actor) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errNoStreams
	case s.taken[who] >= maxOwnStreams:
		return problem.TooMany(fmt.Sprintf("you have %d streams already: close one", maxOwnStreams))
	case s.all >= maxStreams:
		return problem.TooMany("there are too many streams: try again soon")
	}
	s.all++
	if s.taken[who]++; s.taken[who] == 1 {
		s.count(who, 1)
	}
	return nil
}

func (s *seats) leave(who curfew.Actor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.taken[who]--; s.taken[who] == 0 {
		delete(s.taken, who)
		s.count(who, -1)
	}
	s.lockUp()
}

// close ends every stream: a stop must not wait for readers who never leave. It
// may be called twice.
func (s *seats) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	close(s.closing)
	s.lockUp()
}

// lockUp is the last one's to do. Nobody comes after them.
func (s *seats) lockUp() {
	if s.closed && s.all == 0 {
		close(s.empty)
	}
}

func (s *seats) count(who curfew.Actor, n int) {
	if who.Role != curfew.Mechanic {
		return
	}
	s.mechanics += n
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

// connected is how many mechanics have a stream.
func (s *seats) connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mechanics
}
