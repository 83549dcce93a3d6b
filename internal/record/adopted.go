package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// The modes: what Curfew does with an adopted table.
const (
	AdoptOff     = "off"     // nothing
	AdoptShadow  = "shadow"  // it reads, and reports what it would end
	AdoptEnforce = "enforce" // it ends what is overdue, by the rules that are on
)

// Adoption is the state of an adopted table in Curfew's database.
type Adoption struct {
	Name      string        `json:"name"`
	Relation  string        `json:"relation"`
	Mode      string        `json:"mode"`
	Rules     []string      `json:"rules"`               // the end reasons that are enforced
	Since     time.Time     `json:"since"`               // of the mode
	Shadowed  time.Time     `json:"shadowed,omitzero"`   // since when it has been read without a break
	ReadAt    time.Time     `json:"readAt,omitzero"`     // when it was last read whole
	ReadTook  time.Duration `json:"-"`                   // for the last reading
	Unread    string        `json:"unread,omitempty"`    // why it cannot be read
	Mapping   string        `json:"-"`                   // as of the last process that read the table
	Installed string        `json:"installed,omitempty"` // the digest of the triggers
	Now       time.Time     `json:"now"`                 // the database's clock
}

// AdoptedTable is an adopted table with its present state.
type AdoptedTable struct {
	Adoption
	Mapped   bool             `json:"mapped"` // the settings of this process map it
	Open     int              `json:"open"`   // sessions that have not ended
	Overdue  int              `json:"overdue"`
	Blocked  []BlockedRow     `json:"blocked"`      // some, for longest first
	Count    int              `json:"blockedCount"` // of all who are blocked
	Verdicts []AdoptedVerdict `json:"verdicts"`
	Findings []Finding        `json:"findings"`

	ID      string          `json:"-"` // the column with a row's id, as SQL names it; empty: it is not mapped
	Columns []AdoptedColumn `json:"-"`
}

// BlockedRow is an adopted session that is past its deadline and holds its customer's slot.
type BlockedRow struct {
	Session  string               `json:"session"`
	Row      string               `json:"row"` // its id
	Customer string               `json:"customer"`
	Status   curfew.SessionStatus `json:"status"`
	Since    time.Time            `json:"since"` // its deadline
}

// AdoptedVerdict is what a rule would have done in mode shadow, and what became of those sessions.
type AdoptedVerdict struct {
	Rule  curfew.EndReason `json:"rule"`
	Would int              `json:"wouldHaveEnded"`
	Lived int              `json:"lived"` // regrets: they went live or were accepted later
	Ended int              `json:"ended"` // by their own program
	Moved int              `json:"moved"` // their deadline was put off
	Open  int              `json:"open"`
}

// AdoptedColumn says what a column of an adopted table means.
type AdoptedColumn struct{ Ours, Theirs string }
