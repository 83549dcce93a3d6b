package demo

import (
	"context"
	"sync"
	"time"
)

// Clock is the marketplace's time. It stands still until it is set to a speed,
// and between two seasons.
type Clock struct {
	mu      sync.Mutex
	seasons []season
}

// season is a time of one speed.
type season struct {
	from  time.Time     // on our clocks
	at    time.Duration // on the marketplace's
	speed float64
}

// Set runs the clock from now on so many times as fast as ours; 0 stops it.
func (c *Clock) Set(now time.Time, speed float64) {
	at := c.At(now)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seasons = append(c.seasons, season{now, at, speed})
}

// At is how much of the marketplace's time had passed at a moment.
func (c *Clock) At(moment time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.seasons) - 1; i >= 0; i-- {
		if s := c.seasons[i]; !moment.Before(s.from) {
			passed := s.at + time.Duration(float64(moment.Sub(s.from))*s.speed)
			if i+1 < len(c.seasons) {
				return min(passed, c.seasons[i+1].at)
			}
			return passed
		}
	}
	return 0
}

// sleep lets so much of the marketplace's time pass, and at least so much of
// ours; false if the context ended first.
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

// real is how long so much of the marketplace's time takes now.
func (c *Clock) real(d time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.seasons) == 0 || c.seasons[len(c.seasons)-1].speed == 0 {
		return 0
	}
	return time.Duration(float64(d) / c.seasons[len(c.seasons)-1].speed)
}
