package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// AdoptedTable is how a table of the marketplace's own stands, whose sessions Curfew watches
// or ends.
type AdoptedTable struct {
	Name     string // of its mapping
	Relation string // as SQL names it
	ID       string // the column with a row's id, as SQL names it
	Mode     string // off, shadow or enforce
	Since    time.Time
	Rules    []curfew.EndReason // that are enforced
	ReadAt   time.Time          // when it was last read whole; zero: never
	Unread   string             // why it cannot be read now; empty: it can
	Open     int                // sessions that have not ended
	Overdue  int                // of these, past their deadline
	Blocked  int                // customers who are in their own way now
	Longest  []AdoptedRow       // those of them who have been for longest
	Verdicts []AdoptedVerdicts
	Findings []Finding
	Columns  []AdoptedColumn
	Now      time.Time
}

// AdoptedRow is one of their rows that is past its deadline and still open, with its mirror.
type AdoptedRow struct {
	RowID                 string // their id
	CustomerID, SessionID string
	Status                curfew.SessionStatus
	Since                 time.Time // its deadline
}

// AdoptedVerdicts counts what a rule would have ended in shadow, and what became of it.
type AdoptedVerdicts struct {
	Reason    curfew.EndReason
	Judged    int
	Lived     int // regrets: they went on to be accepted, or live
	Ended     int // by their own program
	Undecided int // still open
}

// AdoptedColumn is what of theirs has which meaning.
type AdoptedColumn struct{ Ours, Theirs string }

// Backtest is what a rule would have done to the history of a table, by threshold.
type Backtest struct {
	Reason   curfew.EndReason
	Sessions int // that waited
	Steps    []BacktestStep
	Unknown  []string // what their columns do not say, as sentences
}

// BacktestStep is one threshold of a backtest.
type BacktestStep struct {
	After  time.Duration
	Policy bool // the policy's own
	Ended  int
	Lived  int           // of these, would have been regretted
	Spared time.Duration // how much sooner the customers of the others would have been free, in sum
}
