package adopt

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Plan is what enforcing a mapping would do, worked out by SELECT alone.
type Plan struct {
	Name     string    `json:"name"`
	Relation string    `json:"table"`
	At       time.Time `json:"at"`             // the database's clock
	Rows     int64     `json:"rows"`           // as last estimated; -1: never
	Days     int       `json:"days,omitempty"` // that the backtest covers; 0: all of the history
	// History is the backtest on their own rows, by rule: expired, no_show.
	History []record.Backtest `json:"history"`
	// Due is what would be ended now, by rule.
	Due []Due `json:"due"`
	// Ends says of each rule whether its ending is possible.
	Ends []End `json:"ends"`
	// Statements are what enforce runs, in this order.
	Statements []Statement `json:"statements"`
	// Index is what the reading of open rows lacks; nil: nothing.
	Index *Statement `json:"index"`
	// Grants are the rights that enforce needs and this role lacks.
	Grants   []string  `json:"grants"`
	Promises []Promise `json:"promises"`
}

// Due is what a rule would end now.
type Due struct {
	Rule      curfew.EndReason `json:"rule"`
	Open      int64            `json:"open"` // sessions in the state that the rule ends
	Overdue   int64            `json:"overdue"`
	Customers int64            `json:"customers"` // of those that are overdue
	// Unseen are those whose deadline counts from when Curfew sees them for the first time.
	Unseen int64 `json:"unseen"`
	// Oldest is the one that has been overdue for longest; empty: none is.
	Oldest   string    `json:"oldest,omitempty"`
	Customer string    `json:"customer,omitempty"` // its customer
	Deadline time.Time `json:"deadline,omitzero"`  // its deadline
}

// End is an ending of the mapping, and whether their table lets a row have it.
type End struct {
	Rule   curfew.EndReason `json:"rule"`
	Status string           `json:"status"`           // empty: the mapping has no ending for it
	Wrong  string           `json:"wrong,omitempty"`  // why it is refused; empty: it is possible
	Unsure string           `json:"unsure,omitempty"` // what of their own may still refuse it
}

// Statement is one that changes their schema.
type Statement struct {
	SQL  string `json:"sql"`
	Lock string `json:"lock"` // what it locks, and for how long
	Cost string `json:"cost"`
}

// Promise is something that people expect of enforce.
type Promise struct {
	Code  string `json:"code"`
	Holds bool   `json:"holds"`
	Text  string `json:"text"` // a sentence or two
}
