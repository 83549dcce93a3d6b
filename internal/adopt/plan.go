package adopt

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Plan describes what enforcing a mapping would do, worked out with SELECT alone.
type Plan struct {
	Name     string    `json:"name"`
	Relation string    `json:"table"`
	At       time.Time `json:"at"`             // the database's clock
	Rows     int64     `json:"rows"`           // as last estimated; -1: never
	Days     int       `json:"days,omitempty"` // that the backtest covers; 0: all of the history
	// History is the backtest on the table's own rows, by rule: expired, no_show.
	History []record.Backtest `json:"history"`
	// Due is what would be ended now, by rule.
	Due []Due `json:"due"`
	// Ends reports for each rule whether its ending is possible.
	Ends []End `json:"ends"`
	// Statements are what enforce would run, in this order.
	Statements []Statement `json:"statements"`
	// Index is the index that reading open rows needs; nil if there is one.
	Index *Statement `json:"index"`
	// Grants are the rights that enforce needs and this role lacks.
	Grants   []string  `json:"grants"`
	Promises []Promise `json:"promises"`
}

// Due is what one rule would end now.
type Due struct {
	Rule      curfew.EndReason `json:"rule"`
	Open      int64            `json:"open"` // sessions in the state that the rule ends
	Overdue   int64            `json:"overdue"`
	Customers int64            `json:"customers"` // of those that are overdue
	// Unseen counts sessions whose deadline starts only when Curfew first sees them.
	Unseen int64 `json:"unseen"`
	// Oldest is the session that has been overdue longest; empty if none is.
	Oldest   string    `json:"oldest,omitempty"`
	Customer string    `json:"customer,omitempty"` // its customer
	Deadline time.Time `json:"deadline,omitzero"`  // its deadline
}

// End is an ending of the mapping, and whether the table allows it.
type End struct {
	Rule   curfew.EndReason `json:"rule"`
	Status string           `json:"status"`           // empty: the mapping has no ending for it
	Wrong  string           `json:"wrong,omitempty"`  // why it is refused; empty: it is possible
	Unsure string           `json:"unsure,omitempty"` // what of their own may still refuse it
}

// Statement is a statement that changes the marketplace's schema.
type Statement struct {
	SQL  string `json:"sql"`
	Lock string `json:"lock"` // what it locks, and for how long
	Cost string `json:"cost"`
}

// Promise is something that people expect of enforce, and whether it holds.
type Promise struct {
	Code  string `json:"code"`
	Holds bool   `json:"holds"`
	Text  string `json:"text"` // a sentence or two
}
