package curfew

import (
	"fmt"
	"time"
)

// Blocker is the session that a refusal names.
type Blocker struct {
	Session Session
	// ReleasesAt is when the slot becomes free by itself, at the latest; zero: unknown.
	ReleasesAt time.Time
	// Why says why Curfew does not end the session at its deadline: its row is the
	// marketplace's own. Empty: it does.
	Why string
	// Actions is what the caller may do about it: "cancel", "end", "wait".
	Actions []string
}

// Refusal is the error, of kind SessionOpen, for a customer whose slot is taken. Client
// programs match its text.
func Refusal(b Blocker) error {
	message := fmt.Sprintf("Customer already has an active or pending session (ID: %s, Status: %s). "+
		"Only one session allowed at a time.", b.Session.ID, b.Session.Status)
	if b.Why != "" {
		message += " Curfew does not end it: " + b.Why + "."
	}
	return &Error{Kind: SessionOpen, Message: message, Blocker: &b}
}
