package api

import (
	"fmt"
	"time"
)

// Problem is an error as every route answers it: application/problem+json of
// RFC 9457, with the contract's code and members of some codes.
type Problem struct {
	Type   string `json:"type" doc:"Where the code is explained"`
	Title  string `json:"title" doc:"What the code means"`
	Status int    `json:"status" doc:"The HTTP status"`
	Detail string `json:"detail" doc:"What is wrong here, and what to do"`
	Code   string `json:"code" doc:"The kind of the problem, for programs"`

	// Session is what stands in the way: session_open and mechanic_busy.
	Session    *Blocker   `json:"session,omitempty" doc:"The session in the way"`
	ReleasesAt *time.Time `json:"releasesAt,omitempty" doc:"When the slot is free by itself at the latest"`
	Actions    []string   `json:"actions,omitempty" doc:"What the caller may do about it"`

	RequestID string `json:"requestId,omitempty" doc:"Under which id the log knows what happened"`

	// CleanupResult is what a failed cleanup had committed; nil for all else.
	*CleanupResult
}

// Error says what is wrong, with the code.
func (p *Problem) Error() string { return fmt.Sprintf("%s (%s, %d)", p.Detail, p.Code, p.Status) }

// Blocker is the session that stands in the way.
type Blocker struct {
	ID        string    `json:"id"`
	Status    string    `json:"status" enum:"waiting,live"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	Assigned  bool      `json:"assigned" doc:"A mechanic has it"`
}
