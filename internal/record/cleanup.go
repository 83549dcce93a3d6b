package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// RunLease is how long a run counts as running without renewing its lease.
const RunLease = 15 * time.Second

// Search selects the sessions that a cleanup may end, ordered by deadline.
// Without MaxAge and OrphanTTL it selects what the sweeper ends: sessions that
// have not ended and are past their deadline.
type Search struct {
	Source     string        // only mirrors of this adopted table; empty: only Curfew's own sessions
	CustomerID string        // only this customer's; empty means everybody's
	MaxAge     time.Duration // unassigned waiting sessions that were created longer ago, instead of overdue ones
	OrphanTTL  time.Duration // also orphans that were created longer ago, overdue or not
	After      curfew.Cursor // only after this position
	Limit      int
}

// PlannedEnd is one session that a run has decided to end. The store ends it only
// if status and version are unchanged, and the rule's whole condition and the
// guard's still hold.
type PlannedEnd struct {
	CustomerID string
	SessionID  string
	Version    int64
	Reason     curfew.EndReason
	Owed       curfew.Outcome
}

// Batch ends sessions of one source by one rule, under one guard, in one transaction.
// Sessions that are locked by others are left for the next sweep.
type Batch struct {
	Source string // the adopted table of their rows; empty: they are Curfew's own
	Rule   Rule
	Guard  Guard
	Ends   []PlannedEnd
	Actor  curfew.Actor
	RunID  string
	Note   string // added to the reason in the events
	// Stats are the run's counts so far. The store adds what the batch ends and
	// writes them into the run in the same transaction.
	Stats curfew.Stats
}

// StatsAfter returns the run's counts after the batch has ended these sessions.
func (b Batch) StatsAfter(ended []Ended) curfew.Stats {
	stats := b.Stats
	for _, e := range ended {
		stats.Count(b.Rule.Name, e.RequestEnded)
	}
	return stats
}

// Ended is a session that a batch has ended.
type Ended struct {
	Session      curfew.Session
	Deadline     time.Time // the one it had
	RequestEnded bool
}
