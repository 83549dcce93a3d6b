package record

import (
	"encoding/json"
	"time"

	"github.com/curfewhq/curfew"
)

// Approval is an action that one person requested and another has to approve.
type Approval struct {
	ID         string
	Action     string // the operation of a route
	CustomerID string // whom it is about; empty: unknown
	Target     string // the {id} of the route
	Body       string // of the call, as JSON
	Summary    string // one sentence for the person who decides
	State      ApprovalState
	AskedBy    curfew.Actor
	AskedAt    time.Time
	ExpiresAt  time.Time
	DecidedBy  curfew.Actor // zero: undecided
	DecidedAt  time.Time
	Note       string // why it was rejected, or why it failed
	// TriedAt is when a process last began to carry it out, and Tries how often one carried on after another had stopped.
	TriedAt time.Time
	Tries   int
}

// Asked returns why somebody asked, and whether a refund was or is made by hand. After an erasure both are empty.
func (a Approval) Asked() (reason string, byHand bool) {
	var c struct {
		Reason string
		ByHand bool
	}
	_ = json.Unmarshal([]byte(a.Body), &c) // what cannot be read says nothing
	return c.Reason, c.ByHand
}

// ApprovalSearch chooses approvals, the newest first. Empty fields choose all.
type ApprovalSearch struct {
	ID, CustomerID string
	Pending        bool   // only those that can still be decided
	After          string // the id of the last one of the page before
	Limit          int
}

// ApprovalState is the state of an approval.
type ApprovalState string

// The states. One that is pending past its end has expired.
const (
	ApprovalPending   ApprovalState = "pending"
	ApprovalExecuting ApprovalState = "executing"
	ApprovalDone      ApprovalState = "done"
	ApprovalFailed    ApprovalState = "failed"
	ApprovalRejected  ApprovalState = "rejected"
)
