package lifecycle

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// wakeup wakes the sweeper of this process: for a deadline that was set, a
// notification from another process, or a mechanic who reads the queue.
type wakeup struct {
	timer *wakeTimer
	// queueRead: a mechanic has read the queue since Run last swept a page for it.
	queueRead atomic.Bool
	pages     chan struct{} // requests to sweep one page
}

func newWakeup() *wakeup { return &wakeup{timer: newWakeTimer(), pages: make(chan struct{}, 1)} }

// askForPage asks Run to sweep one page. It never blocks.
func (w *wakeup) askForPage() {
	select {
	case w.pages <- struct{}{}:
	default:
	}
}

// publishTo returns what happens after a commit: this process's sweeper wakes in time for
// the deadline, and the notifier, which may be nil, is notified.
func (w *wakeup) publishTo(notifier Notifier) func(in time.Duration) {
	return func(in time.Duration) {
		w.timer.set(in)
		if notifier != nil {
			notifier.Changed(in)
		}
	}
}

// wakeTimer is when the sweeper wakes. Anybody may set it to an earlier moment; only the
// sweeper sets it to a later one.
type wakeTimer struct {
	earlier chan struct{} // it was set earlier while the sweeper slept

	mu   sync.Mutex
	at   time.Time // zero: not set
	past bool      // something was reported as overdue already
}

func newWakeTimer() *wakeTimer { return &wakeTimer{earlier: make(chan struct{}, 1)} }

// set makes it fire after a time, unless it fires earlier anyway.
func (t *wakeTimer) set(in time.Duration) {
	if in == record.NoDeadline {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.past = t.past || in <= 0
	at := time.Now().Add(max(in, 0))
	if !t.at.IsZero() && !at.Before(t.at) {
		return
	}
	t.at = at
	select {
	case t.earlier <- struct{}{}:
	default:
	}
}

// reset clears the timer, and reports whether something was overdue already. What is set
// from now on is not lost: the sweeper looks for it before it sleeps, or is woken by it.
func (t *wakeTimer) reset() (past bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	past = t.past
	t.at, t.past = time.Time{}, false
	return past
}

// left is how long until it fires.
func (t *wakeTimer) left() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(time.Until(t.at), 0)
}
