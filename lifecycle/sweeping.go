package lifecycle

import (
	"sync"
	"time"
)

// sweeping is when the sweeper of this process last did something whole.
type sweeping struct {
	mu sync.Mutex
	at time.Time // zero: it does not run
}

// begin gives it as much time for the first look as for every other.
func (s *sweeping) begin() { s.set(time.Now()) }

func (s *sweeping) end() { s.set(time.Time{}) }

func (s *sweeping) set(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
}

// note says that it did. Others settle money with the same code: where no
// sweeper runs nothing is noted.
func (s *sweeping) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() {
		s.at = time.Now()
	}
}

// silent is for how long it did not; 0 where it does not run.
func (s *sweeping) silent() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.IsZero() {
		return 0
	}
	return time.Since(s.at)
}
