package demo

import (
	"context"
	"sync"
	"time"
)

// Clock is the marketplace's clock. It stands still until it is given a speed.
type Clock struct {
	mu     sync.Mutex
	phases []phase
}

// phase is a period of constant speed.
type phase struct {
	from  time.Time     // real time
	at    time.Duration // marketplace time
	speed float64
}

// Set gives the clock a speed, as a multiple of real time; 0 stops it.
func (c *Clock) Set(now time.Time, speed float64) {
	at := c.At(now)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.phases = append(c.phases, phase{now, at, speed})
}

// At returns how much marketplace time had elapsed at a real time.
func (c *Clock) At(moment time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.phases) - 1; i >= 0; i-- {
		if s := c.phases[i]; !moment.Before(s.from) {
			elapsed := s.at + time.Duration(float64(moment.Sub(s.from))*s.speed)
			if i+1 < len(c.phases) {
				return min(elapsed, c.phases[i+1].at)
			}
			return elapsed
		}
	}
	return 0
}

// sleep waits for d in marketplace time, and at least least in real time. It reports false if the context ended
// first.
func (c *Clock) sleep(ctx context.Context, d, least time.Duration) bool {
	timer := time.NewTimer(max(c.real(d), least))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// real converts marketplace time to real time at the current speed; 0 while the clock stands still.
func (c *Clock) real(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.phases) == 0 || c.phases[len(c.phases)-1].speed == 0 {
		return 0
	}
	return time.Duration(float64(d) / c.phases[len(c.phases)-1].speed)
}
