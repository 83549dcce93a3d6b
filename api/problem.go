package api

import (
	"fmt"
	"time"
)

// Problem is the error response of every route: application/problem+json of
// RFC 9457, with a code, and further members for some codes.
type Problem struct {
	Type   string `json:"type" doc:"Where the code is explained"`
	Title  string `json:"title" doc:"What the code means"`
	Status int    `json:"status" doc:"The HTTP status"`
	Detail string `json:"detail" doc:"What is wrong in this case, and what to do"`
	Code   string `json:"code" doc:"The kind of the problem, for programs"`

	// Session is the blocking session, for session_open and mechanic_busy.
	Session    *Blocker   `json:"session,omitempty" doc:"The blocking session"`
	ReleasesAt *time.Time `json:"releasesAt,omitempty" doc:"When the slot becomes free by itself, at the latest"`
	Actions    []string   `json:"actions,omitempty" doc:"What the caller can do about it" nullable:"false"`

	RequestID string `json:"requestId,omitempty" doc:"The id of the request in the log"`

	// CleanupResult is what a failed cleanup had committed, nil for other problems.
	*CleanupResult
}

// ApprovalPending is the code of the one error that is not a refusal: nothing was done yet,
// because another admin has to approve it first. Its status is 202, and its detail says how.
const ApprovalPending = "approval_pending"

// Error implements error.
func (p *Problem) Error() string { return fmt.Sprintf("%s (%s, %d)", p.Detail, p.Code, p.Status) }

// Blocker is the session that blocks the call.
type Blocker struct {
	ID        string    `json:"id"`
	Status    string    `json:"status" enum:"waiting,live"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	Assigned  bool      `json:"assigned" doc:"Whether a mechanic has accepted it"`
	Adopted   *Adopted  `json:"adopted,omitempty" doc:"The row, in one of the marketplace's own tables, that the session mirrors"`
	Why       string    `json:"why,omitempty" doc:"Why Curfew does not end it at its deadline; absent if it does"`
}
