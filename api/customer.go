package api

import "time"

// SessionStatus says what truly blocks a customer.
type SessionStatus struct {
	Blocked    bool       `json:"blocked"`
	Session    *Blocker   `json:"session" doc:"What holds the slot; null when nothing does"`
	ReleasesAt *time.Time `json:"releasesAt" doc:"When the slot is free by itself at the latest"`
	Actions    []string   `json:"actions" doc:"What can be done about it: cancel, end, wait" nullable:"false"`
}

// Clearing asks to end what a customer has open.
type Clearing struct {
	DryRun bool   `json:"dryRun,omitempty" doc:"Say what would be ended, change nothing"`
	Force  bool   `json:"force,omitempty" doc:"Live sessions too: an admin, with a reason"`
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Kept in the history"`
}

// Cleared is what a clearing ended, or would have, and what it kept.
type Cleared struct {
	Ended []Session `json:"ended" nullable:"false"`
	Kept  []Kept    `json:"kept" nullable:"false"`
}

// Kept is a session that a clearing left, and why.
type Kept struct {
	SessionID string `json:"sessionId"`
	Status    string `json:"status"`
	Why       string `json:"why"`
}
