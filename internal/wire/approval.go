package wire

import (
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// Approval is an action that one admin requested and another has to approve.
type Approval struct {
	ID         string     `json:"id"`
	Action     string     `json:"action" doc:"The operationId of the requested action"`
	CustomerID string     `json:"customerId,omitempty"`
	Target     string     `json:"target" doc:"The {id} in the path of the requested action"`
	Summary    string     `json:"summary" doc:"What it does, in a sentence"`
	Reason     string     `json:"reason,omitempty" doc:"Why somebody asked for it"`
	State      string     `json:"state" enum:"pending,expired,executing,done,failed,rejected" doc:"If it stays executing for more than two minutes, its process has stopped, and a service will finish it"`
	AskedBy    string     `json:"askedBy"`
	AskedAt    time.Time  `json:"askedAt"`
	ExpiresAt  time.Time  `json:"expiresAt" doc:"Until when it can be approved"`
	DecidedBy  string     `json:"decidedBy,omitempty"`
	DecidedAt  *time.Time `json:"decidedAt,omitempty"`
	Note       string     `json:"note,omitempty" doc:"Why it was rejected, or why it failed"`
}

// Approvals is what was asked for, newest first.
type Approvals struct {
	Approvals  []Approval `json:"approvals" nullable:"false"`
	NextCursor *string    `json:"nextCursor,omitempty"`
}

// ApprovalPending is the response to a call that another admin has to approve.
type ApprovalPending struct {
	Code     string   `json:"code" enum:"approval_pending"`
	Detail   string   `json:"detail"`
	Approval Approval `json:"approval"`
}

// ApprovalRejection says why an approval is refused.
type ApprovalRejection struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Recorded with the approval"`
}

// ApprovalOf converts what was asked for, as it stands at a time.
func ApprovalOf(a record.Approval, now time.Time) Approval {
	out := Approval{
		ID: a.ID, Action: a.Action, CustomerID: a.CustomerID, Target: a.Target, Summary: a.Summary, State: string(a.State),
		AskedBy: a.AskedBy.String(), AskedAt: a.AskedAt.UTC(), ExpiresAt: a.ExpiresAt.UTC(), DecidedAt: OptionalTime(a.DecidedAt), Note: a.Note,
	}
	out.Reason, _ = a.Asked()
	if a.State == record.ApprovalPending && !now.Before(a.ExpiresAt) {
		out.State = "expired"
	}
	if a.DecidedBy.Role != "" {
		out.DecidedBy = a.DecidedBy.String()
	}
	return out
}

// ApprovalsOf converts a page of what was asked for, which was read with one more than its limit.
func ApprovalsOf(all []record.Approval, limit int, now time.Time) Approvals {
	var out Approvals
	if len(all) > limit {
		all = all[:limit]
		out.NextCursor = &all[limit-1].ID
	}
	out.Approvals = make([]Approval, len(all))
	for i, a := range all {
		out.Approvals[i] = ApprovalOf(a, now)
	}
	return out
}
