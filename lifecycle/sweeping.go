package lifecycle

import (
	"sync"
	"time"
)

// sweeping is when the sweeper of this process last completed something.
type sweeping struct {
	mu sync.Mutex
	at time.Time // zero: it does not run
}

// begin gives the first sweep as much time as every other.
func (s *sweeping) begin() { s.set(time.Now()) }

func (s *sweeping) end() { s.set(time.Time{}) }

func (s *sweeping) set(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
}

// note records that it completed something. Other callers settle money with the same code,
// so nothing is noted if no sweeper runs.
func (s *sweeping) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() {
		s.at = time.Now()
	}
}

// silent is how long ago that was; 0 if no sweeper runs.
func (s *sweeping) silent() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at.IsZero() {
		return 0
	}
	return time.Since(s.at)
}
