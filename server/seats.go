package server

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/curfewhq/curfew"
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
}

func newSeats() *seats {
	return &seats{taken: map[curfew.Actor]int{}, moved: make(chan struct{}, 1)}
}

// take is RateLimited where somebody has enough streams, or there are enough
// in all.
func (s *seats) take(who curfew.Actor) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.taken[who] >= maxOwnStreams:
		return tooMany(fmt.Sprintf("you have %d streams already: close one", maxOwnStreams))
	case s.all >= maxStreams:
		return tooMany("there are too many streams: try again soon")
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

func tooMany(detail string) *failure {
	f := kindFailure(curfew.RateLimited, detail)
	f.header = http.Header{"Retry-After": {"5"}}
	return f
}
