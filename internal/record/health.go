package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// StaleAfter is how long a waiting session is overdue before health reports it as stale,
// which gives the sweeper time to end it.
const StaleAfter = 10 * time.Second

// These thresholds for payments have no setting.
const (
	RefundTries   = 5
	RefundsLate   = time.Hour
	DisputeWindow = 7 * 24 * time.Hour
	ConcernWindow = 7 * 24 * time.Hour
)

// ActivitySeries counts how sessions moved between statuses, per step. A step is a fixed
// span of time, numbered from the Unix epoch.
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

// NewActivitySeries separates the present counts from the changes. In counts, a present
// count is a change from a status to itself.
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
