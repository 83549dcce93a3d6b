package lifecycle

import (
	"sync"
	"time"

	"github.com/curfewhq/curfew"
)

// alarm is when the sweeper wakes. Anybody may set it to an earlier moment;
// only the sweeper puts it off.
type alarm struct {
	rings chan struct{} // it was set earlier while the sweeper slept

	mu   sync.Mutex
	at   time.Time // zero: not set
	past bool      // something was said to be overdue already
}

func newAlarm() *alarm { return &alarm{rings: make(chan struct{}, 1)} }

// set makes it ring in so much time, if it would ring later.
func (a *alarm) set(in time.Duration) {
	if in == curfew.NoDeadline {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.past = a.past || in <= 0
	at := time.Now().Add(max(in, 0))
	if !a.at.IsZero() && !at.Before(a.at) {
		return
	}
	a.at = at
	select {
	case a.rings <- struct{}{}:
	default:
	}
}

// off forgets what it was set to, and reports whether something was overdue
// already. What is set from now on is not lost: it is looked for before the
// sweeper sleeps again, or wakes it.
func (a *alarm) off() (past bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	past = a.past
	a.at, a.past = time.Time{}, false
	return past
}

// left is how long until it rings.
func (a *alarm) left() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(time.Until(a.at), 0)
}
