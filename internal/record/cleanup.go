package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// RunLease is how long a run counts as running without a sign of life.
const RunLease = 15 * time.Second

// Search asks for the sessions a cleanup may end, in the order of their
// deadlines. With neither MaxAge nor OrphanTTL it is the sweeper's question:
// which rows have not ended and are past their deadline?
type Search struct {
	CustomerID string        // only this customer's; empty: all
	MaxAge     time.Duration // unassigned waiting sessions: created longer ago, instead of overdue
	OrphanTTL  time.Duration // orphans created longer ago too, overdue or not
	After      curfew.Cursor // only behind this place
	Limit      int
}

// PlannedEnd is one session that a run has decided to end; the store ends it only
// if status and version are still those that were read and the rule's whole
// condition, with the guard's, still holds.
type PlannedEnd struct {
	CustomerID string
	SessionID  string
	Version    int64
	Reason     curfew.EndReason
	Owed       curfew.Outcome
}

// Batch ends some sessions by one rule, under one guard, in one transaction.
// Sessions locked by somebody else are left for the next look.
type Batch struct {
	Rule  Rule
	Guard Guard
	Ends  []PlannedEnd
	Actor curfew.Actor
	RunID string
	Note  string // beside the reason, in the events
	// Stats is what the run has counted so far: with what the batch ends they are
	// written into the run in the same transaction.
	Stats curfew.Stats
}

// StatsAfter is the run's figures once the batch has ended these.
func (b Batch) StatsAfter(ended []Ended) curfew.Stats {
	stats := b.Stats
	for _, e := range ended {
		stats.Count(b.Rule.Name, e.RequestEnded)
	}
	return stats
}

// Ended is a session that a batch really ended.
type Ended struct {
	Session      curfew.Session
	Deadline     time.Time // the one it had
	RequestEnded bool
}
