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
	By   string // the service that acts for them; empty: they act themselves
}

// Curfew's own actors.
var (
	Sweeper   = Actor{Role: System, ID: "sweeper"}
	Admitting = Actor{Role: System, ID: "admission"}
	Refunder  = Actor{Role: System, ID: "refunds"}
	Cashier   = Actor{Role: System, ID: "captures"} // takes and releases reserved money
	Provider  = Actor{Role: System, ID: "provider"} // acts on what a payment provider reports
)

// String is "role:id", or "role:id by service:id" where a service acted for them.
func (a Actor) String() string {
	if a.By == "" {
		return string(a.Role) + ":" + a.ID
	}
	return string(a.Role) + ":" + a.ID + " by " + string(Service) + ":" + a.By
}
