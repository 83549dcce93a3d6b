package auth

import (
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// CheckCustomer returns ErrNoCustomer for a customer that the caller's key does not cover. Handlers
// of routes whose body names a customer must call it.
func (c Request) CheckCustomer(id string) error {
	if !c.scope.Reaches(id) {
		return ErrNoCustomer
	}
	return nil
}

// CheckAmount rejects an amount larger than the caller's key allows. An unknown amount, or one in
// another currency, may be larger and is rejected too.
func (c Request) CheckAmount(amount *int64, currency string) error {
	if !c.scope.Allows(amount, currency) {
		return notAllowed(c.Actor)
	}
	return nil
}

// reaches reports whether the caller may see a session.
func (c Request) reaches(s curfew.Session) bool {
	return Reaches(c.Actor, s) && c.scope.Reaches(s.CustomerID)
}

// notAllowed is the error for what a role may not do, and also for what the caller's key is not
// bound to.
func notAllowed(who curfew.Actor) error {
	if who.By != "" {
		return curfew.Errorf(curfew.Forbidden, "the role %s may not do that, or this key may not: leave %s out, if the service may do it itself", who.Role, ActAs)
	}
	return curfew.Errorf(curfew.Forbidden, "the role %s may not do that", who.Role)
}

// admits reports whether a key with this scope may use a route on behalf of an actor.
func (a Access) admits(s record.KeyScope, who curfew.Actor) bool {
	if s.Routes != nil && !slices.Contains(s.Routes, a.Name) && !slices.Contains(s.Routes, a.Group) {
		return false
	}
	// A route without an id is about everybody, unless its body names a customer.
	return s.CustomerPrefix == "" || a.Relation != Nobodys || who.Role == curfew.Customer
}
