package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// StaleAfter is how long a waiting session is overdue before health calls it
// stale: the sweeper gets a moment.
const StaleAfter = 10 * time.Second

// Thresholds of money that no setting needs.
const (
	RefundTries   = 5
	RefundsLate   = time.Hour
	DisputeWindow = 7 * 24 * time.Hour
)

// ActivitySeries is how sessions moved between statuses, step by step.
type ActivitySeries struct {
	Step  int64                        // the one of now: so many since 1970
	Now   map[curfew.SessionStatus]int // how many stand where that have not ended
	Moves []StatusChange               // the newest step first
}

// StatusChange is how many sessions left a status for another within one step. What is
// new comes from the empty status.
type StatusChange struct {
	Step     int64
	From, To curfew.SessionStatus
	Count    int
}

// NewActivitySeries tells what stands, given as moves from a status to itself, from what
// moved.
func NewActivitySeries(all []StatusChange) ActivitySeries {
	t := ActivitySeries{Now: map[curfew.SessionStatus]int{}}
	for _, m := range all {
		if m.From == m.To {
			t.Step, t.Now[m.To] = m.Step, m.Count
		} else {
			t.Moves = append(t.Moves, m)
		}
	}
	return t
}
