package curfew

import (
	"time"
)

// Event is one line in the history of a session or a checkout, written in the same
// transaction as the change. The numbers of one session or checkout have no gaps, and an
// event's number is the row's version after the change.
type Event struct {
	ID         string
	CustomerID string
	Subject    string // the session's or checkout's id
	Number     int64
	From, To   string // From is empty for the first
	Actor      Actor
	Reason     string
	RunID      string // the cleanup that did it; empty: none
	At         time.Time
}
