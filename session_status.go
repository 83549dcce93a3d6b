package curfew

import "slices"

// SessionStatus is where a session stands.
type SessionStatus string

// The statuses of a session. Waiting and live hold the customer's slot;
// completed and cancelled are for ever.
const (
	Scheduled SessionStatus = "scheduled"
	Waiting   SessionStatus = "waiting"
	Live      SessionStatus = "live"
	Completed SessionStatus = "completed"
	Cancelled SessionStatus = "cancelled"
)

// SessionStatuses lists the statuses in the order of a life.
func SessionStatuses() []SessionStatus {
	return []SessionStatus{Scheduled, Waiting, Live, Completed, Cancelled}
}

// Ended reports whether nothing can follow.
func (s SessionStatus) Ended() bool { return s == Completed || s == Cancelled }

// Open reports whether the status holds the customer's slot.
func (s SessionStatus) Open() bool { return s == Waiting || s == Live }

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
