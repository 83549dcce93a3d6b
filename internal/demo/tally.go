package demo

import (
	"fmt"
	"sync"
	"time"

	"github.com/curfewhq/curfew/api"
)

// tally is what only the marketplace sees: the answers it got.
type tally struct {
	mu       sync.Mutex
	counts   Counts
	overdue  map[string]bool // whom something overdue stood in the way of
	deferred map[string]bool // references that were answered so
	happened string
}

// Counts are answers of Curfew.
type Counts struct {
	Payments     int // told and answered
	Deferred     int // of these, answered so: the customer was busy
	Repeats      int // told again, and answered
	Contradicted int // of these: with another session than before
	Refusals     int // of customers and mechanics, because of an open session
	Overdue      int // customers and mechanics whom an overdue session stood in the way of
}

// Counts are the answers so far.
func (m *Market) Counts() Counts {
	m.tally.mu.Lock()
	defer m.tally.mu.Unlock()
	c := m.tally.counts
	c.Overdue, c.Deferred = len(m.tally.overdue), len(m.tally.deferred)
	return c
}

// Happened is the newest of what is worth telling.
func (m *Market) Happened() string {
	m.tally.mu.Lock()
	defer m.tally.mu.Unlock()
	return m.tally.happened
}

func (t *tally) tell(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.happened = fmt.Sprintf(format, args...)
}

// answered remembers that a payment met a busy customer, whichever of its
// reports was the first.
func (t *tally) answered(ref string, done api.Fulfilment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if done.Outcome == "deferred" {
		t.deferred[ref] = true
	}
}

func (t *tally) paid(c *customer, done api.Fulfilment) {
	text := c.name + " pays and waits"
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Payments++
	if done.Outcome == "deferred" {
		text = c.name + " pays again: deferred"
	}
	t.happened = text
}

// repeated compares two answers; a payment that was deferred may have got its
// session since.
func (t *tally) repeated(first, again api.Fulfilment) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counts.Repeats++
	if first.SessionID != "" && first.SessionID != again.SessionID {
		t.counts.Contradicted++
	}
}

func (t *tally) saw(c *customer, s api.Session) {
	text := map[string]string{
		"expired": "nobody took %s in time", "no_show": "%s was a no-show", "overran": "%s's time was over",
	}[s.EndReason]
	if text != "" {
		t.tell(text, c.name)
	}
}

// refused counts a refusal that names who stands in the way.
func (t *tally) refused(who string, by *api.Blocker, began time.Time) {
	if by == nil {
		return
	}
	t.mu.Lock()
	t.counts.Refusals++
	t.mu.Unlock()
	t.inTheWay(who, by, began)
}

// inTheWay remembers whom a session stood in the way of that was overdue before
// they called.
func (t *tally) inTheWay(who string, by *api.Blocker, began time.Time) {
	if by == nil || !by.ExpiresAt.Before(began) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.overdue[who] = true
}
