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

// ActivitySeries is how sessions moved between statuses, step by step. A step is a
// fixed span of time, numbered from the Unix epoch.
type ActivitySeries struct {
	Step    int64                        // the current one
	Now     map[curfew.SessionStatus]int // how many sessions that have not ended are in each status
	Changes []StatusChange               // newest step first
}

// StatusChange is how many sessions moved from one status to another within a step.
// New sessions come from the empty status.
type StatusChange struct {
	Step     int64
	From, To curfew.SessionStatus
	Count    int
}

// NewActivitySeries separates the present counts from the changes. A count is given as a
// change from a status to itself.
func NewActivitySeries(all []StatusChange) ActivitySeries {
	series := ActivitySeries{Now: map[curfew.SessionStatus]int{}}
	for _, c := range all {
		if c.From == c.To {
			series.Step, series.Now[c.To] = c.Step, c.Count
		} else {
			series.Changes = append(series.Changes, c)
		}
	}
	return series
}
