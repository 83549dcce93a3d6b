package demo

import (
	"fmt"
	"sync"
	"time"

	"github.com/curfewhq/curfew/api"
)

// tally records the answers that the marketplace got.
type tally struct {
	mu       sync.Mutex
	counts   Counts
	overdue  map[string]bool // who was blocked by an overdue session
	deferred map[string]bool // references of payments that were deferred
	happened string
}

// Counts counts Curfew's answers.
type Counts struct {
	Payments     int // reported and answered
	Deferred     int // of these, because the customer was busy
	Repeats      int // reported again and answered
	Contradicted int // of these, with a different session
	Refusals     int // of customers and mechanics with an open session
	Overdue      int // customers and mechanics blocked by an overdue session
}

// Counts returns the answers so far.
func (m *Simulation) Counts() Counts {
	m.tally.mu.Lock()
	defer m.tally.mu.Unlock()
	c := m.tally.counts
	c.Overdue, c.Deferred = len(m.tally.overdue), len(m.tally.deferred)
	return c
}

// Happened describes the latest notable event.
func (m *Simulation) Happened() string {
	m.tally.mu.Lock()
	defer m.tally.mu.Unlock()
	return m.tally.happened
}

func (t *tally) note(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.happened = fmt.Sprintf(format, args...)
}

// answered records that a payment was deferred, whichever of its reports came first.
func (t *tally) answered(ref string, done api.Fulfillment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if done.Outcome == "deferred" {
		t.deferred[ref] = true
	}
}

func (t *tally) paid(c *customer, done api.Fulfillment) {
	text := c.name + " pays and waits"
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Payments++
	if done.Outcome == "deferred" {
		text = c.name + " pays again: deferred"
	}
	t.happened = text
}

// repeated compares two answers. A deferred payment may have got its session in between.
func (t *tally) repeated(first, again api.Fulfillment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Repeats++
	if first.SessionID != "" && first.SessionID != again.SessionID {
		t.counts.Contradicted++
	}
}

func (t *tally) ended(c *customer, s api.Session) {
	text := map[string]string{
		"expired": "nobody took %s in time", "unattended": "nobody came to %s", "no_show": "%s was a no-show", "overran": "%s's time was over",
	}[s.EndReason]
	if text != "" {
		t.note(text, c.name)
	}
}

// refused counts a refusal that names a blocker.
func (t *tally) refused(who string, by *api.Blocker, began time.Time) {
	if by == nil {
		return
	}
	t.mu.Lock()
	t.counts.Refusals++
	t.mu.Unlock()
	t.blockedBy(who, by, began)
}

// blockedBy records who was blocked by a session that was already overdue when they called.
func (t *tally) blockedBy(who string, by *api.Blocker, began time.Time) {
	if by == nil || !by.ExpiresAt.Before(began) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.overdue[who] = true
}
