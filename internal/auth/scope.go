package auth

import (
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// CheckCustomer returns ErrNoCustomer for a customer that the caller's key does not reach. Handlers of routes whose body names
// a customer must ask it.
func (c Request) CheckCustomer(id string) error {
	if !c.scope.Reaches(id) {
		return ErrNoCustomer
	}
	return nil
}

// CheckAmount refuses an amount that is larger than the caller's key allows, and an unknown one or one in another currency,
// which may be.
func (c Request) CheckAmount(amount *int64, currency string) error {
	if !c.scope.Allows(amount, currency) {
		return notAllowed(c.Actor)
	}
	return nil
}

// reaches reports whether the caller may know of a session.
func (c Request) reaches(s curfew.Session) bool {
	return Reaches(c.Actor, s) && c.scope.Reaches(s.CustomerID)
}

// notAllowed is the error for what a role may not do, and also for what a key of that role is not bound to.
func notAllowed(who curfew.Actor) error {
	if who.By != "" {
		return curfew.Errorf(curfew.Forbidden, "the role %s may not do that, or this key may not: leave %s out, if the service may do it itself", who.Role, ActAs)
	}
	return curfew.Errorf(curfew.Forbidden, "the role %s may not do that", who.Role)
}

// admits reports whether a key with this scope may use a route, for whom it does.
func (a Access) admits(s record.KeyScope, who curfew.Actor) bool {
	if s.Routes != nil && !slices.Contains(s.Routes, a.Name) && !slices.Contains(s.Routes, a.Group) {
		return false
	}
	// A route without an id is about everybody, unless its body names a customer.
	return s.CustomerPrefix == "" || a.Relation != Nobodys || who.Role == curfew.Customer
}
