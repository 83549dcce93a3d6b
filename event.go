package curfew

import (
	"time"
)

// Event is one line of the history of a session or a checkout, written in the
// transaction that made the change. Numbers of one subject have no gap, and an
// event's number is the version the row had after it.
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
