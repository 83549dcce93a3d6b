package curfew

// Role is the part that an actor plays.
type Role string

// The four roles that come from outside, and Curfew's own.
const (
	Customer Role = "customer"
	Mechanic Role = "mechanic"
	Admin    Role = "admin"
	Service  Role = "service"
	System   Role = "system" // Curfew itself: sweeper, admission, command line
)

// Actor is who did something, as recorded in events and runs.
type Actor struct {
	Role Role
	ID   string
}

// Curfew's own actors.
var (
	Sweeper   = Actor{System, "sweeper"}
	Admitting = Actor{System, "admission"}
	Refunder  = Actor{System, "refunds"}
	Cashier   = Actor{System, "captures"} // takes and releases reserved money
	Provider  = Actor{System, "provider"} // acts on what a payment provider reports
)

// String is "role:id".
func (a Actor) String() string { return string(a.Role) + ":" + a.ID }
