package curfew

import "slices"

// Transition is one legal step of a session.
type Transition struct{ From, To SessionStatus }

// Transitions is the table of everything that may happen to a session's
// status; an empty From is its creation. Steps within waiting (accept, release,
// the first join) and within live (extend) keep the status and are legal too.
// The guards in the databases hold the same table; a test compares them.
func Transitions() []Transition {
	return []Transition{
		{"", Scheduled},
		{"", Waiting},
		{Scheduled, Scheduled},
		{Scheduled, Waiting},
		{Scheduled, Cancelled},
		{Waiting, Waiting},
		{Waiting, Live},
		{Waiting, Cancelled},
		{Live, Live},
		{Live, Completed},
		{Live, Cancelled},
	}
}

// Legal reports whether a session may go from one status to the other.
func Legal(from, to SessionStatus) bool {
	return slices.Contains(Transitions(), Transition{from, to})
}
