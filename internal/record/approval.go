package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// Approval is what one person asked for and another has to approve.
type Approval struct {
	ID         string
	Action     string // the operation of a route
	CustomerID string // whom it is about; empty: nobody knows
	Target     string // the {id} of the route
	Body       string // of the call, as JSON
	Summary    string // one sentence for whoever decides
	State      ApprovalState
	AskedBy    curfew.Actor
	AskedAt    time.Time
	ExpiresAt  time.Time
	DecidedBy  curfew.Actor // zero: nobody has decided
	DecidedAt  time.Time
	Note       string // why it was rejected, or why it failed
}

// ApprovalState is how an approval stands.
type ApprovalState string

// The states. One that is pending past its end has expired.
const (
	ApprovalPending   ApprovalState = "pending"
	ApprovalExecuting ApprovalState = "executing"
	ApprovalDone      ApprovalState = "done"
	ApprovalFailed    ApprovalState = "failed"
	ApprovalRejected  ApprovalState = "rejected"
)
