package curfew

import "slices"

// SessionStatus is the state of a session.
type SessionStatus string

// The statuses of a session. Waiting and live sessions hold the customer's slot.
// Completed and cancelled are final.
const (
	Scheduled SessionStatus = "scheduled"
	Waiting   SessionStatus = "waiting"
	Live      SessionStatus = "live"
	Completed SessionStatus = "completed"
	Cancelled SessionStatus = "cancelled"
)

// SessionStatuses lists the statuses in the order in which a session passes them.
func SessionStatuses() []SessionStatus {
	return []SessionStatus{Scheduled, Waiting, Live, Completed, Cancelled}
}

// Ended reports whether the status is final.
func (s SessionStatus) Ended() bool { return s == Completed || s == Cancelled }

// Open reports whether the status holds the customer's slot.
func (s SessionStatus) Open() bool { return s == Waiting || s == Live }

// Transition is one legal step of a session.
type Transition struct{ From, To SessionStatus }

// Transitions is the table of legal transitions. An empty From is the creation of a
// session. A change within waiting (accept, release, the first join) or live (extend)
// keeps the status and is a transition too. The databases' guards have the same table; a
// test compares them.
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
