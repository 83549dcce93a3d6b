package notify

import (
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// tripAfter is the number of consecutive failures after which a queue pauses, each time for longer.
// A pause uses up none of its deliveries' attempts.
const tripAfter = maxSending

const firstPause, longestPause = time.Second, time.Minute

// breaker is the circuit breaker of one queue. It is closed at first; while it is open, nothing is sent.
type breaker struct {
	failures  int // in a row
	openUntil time.Time
}

// record updates the breaker with the results of attempts.
func (b *breaker) record(attempts []record.Attempt) {
	for _, a := range attempts {
		if a.Verdict.Untried {
			b.openUntil = later(b.openUntil, time.Now().Add(poll))
			continue
		}
		if b.failures++; a.Verdict.State != record.DeliveryPending {
			*b = breaker{}
		}
		if a.Verdict.After > 0 {
			b.openUntil = later(b.openUntil, time.Now().Add(min(a.Verdict.After, longestPause)))
		}
	}
	if b.failures >= tripAfter {
		b.openUntil = later(b.openUntil, time.Now().Add(min(firstPause<<min(b.failures/tripAfter-1, 6), longestPause)))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// pauseOf returns how long a queue's breaker stays open. It is not positive if the breaker is closed.
func (w *Worker) pauseOf(queue string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.breakers[queue].openUntil)
}

// record updates a queue's breaker.
func (w *Worker) record(queue string, attempts []record.Attempt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.breakers[queue]
	b.record(attempts)
	w.breakers[queue] = b
}
