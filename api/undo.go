package api

import (
	"context"
)

// Undo gives the reason for undoing a run.
type Undo struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Kept in the record and in the new sessions' history"`
}

// Undone lists what an undo revived, and what it could not.
type Undone struct {
	Revived    []Revived    `json:"revived" doc:"Sessions that were replaced by a new one" nullable:"false"`
	NotRevived []NotRevived `json:"notRevived" nullable:"false"`
	RunID      string       `json:"runId" doc:"The undo's own run"`
}

// Revived is an ended session and the one that replaces it.
type Revived struct {
	SessionID    string `json:"sessionId"`
	NewSessionID string `json:"newSessionId"`
	CustomerID   string `json:"customerId,omitempty"`
}

// NotRevived is a session that cannot be revived.
type NotRevived struct {
	SessionID  string `json:"sessionId"`
	CustomerID string `json:"customerId,omitempty"`
	Why        string `json:"why"`
}

// UndoRun revives the sessions that a run ended, where that is still possible, and waits for the end.
func (c *Client) UndoRun(ctx context.Context, runID string, what Undo) (Undone, error) {
	return await[Undone](ctx, c, at("/api/debug/cleanup-runs/%s/undo", runID), what)
}
