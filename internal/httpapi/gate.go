package httpapi

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/wire"
)

// relation is what {id} in a path is, and whose it must be.
type relation int

const (
	// undecided is an access rule that was forgotten: no server starts with it.
	undecided relation = iota
	// nobodys: there is no {id}, or it is an operator's.
	nobodys
	// itself: {id} is a customer; a customer reaches only themselves.
	itself
	// party: {id} is a session; a customer reaches only their own, a mechanic
	// only those they have.
	party
	// offer: {id} is a request; whose it must be is lifecycle's to say, in the
	// transaction that moves it.
	offer
)

// access is who may use a route: the contract's who-column.
type access struct {
	roles    []curfew.Role
	relation relation
}

// call is a request that came through the gate.
type call struct {
	actor   curfew.Actor
	until   time.Time       // the token's end
	id      string          // the {id}, checked
	session curfew.Standing // with party
	route   route
}

// pass is the gate: every route's, below transport. A role that may never do
// that is Forbidden. What belongs to another is NotFound, in the same words as
// what is missing.
func (s *Server) pass(ctx context.Context, by claims, a access, id string) (call, error) {
	who := by.actor()
	c := call{actor: who, until: by.until(), id: id}
	if !slices.Contains(a.roles, who.Role) {
		return c, curfew.Errorf(curfew.Forbidden, "the role %s may not do that", who.Role)
	}
	switch a.relation {
	case itself:
		if who.Role == curfew.Customer && who.ID != id {
			return c, errNoCustomer
		}
		return c, curfew.CheckID("customer id", id)
	case party:
		return s.passParty(ctx, c)
	case offer:
		if c.id = wire.CanonicalID(id); c.id == "" {
			return c, errNoRequest
		}
	}
	return c, nil
}

// The answers to what is missing and to what is another's.
var (
	errNoSession  = curfew.Errorf(curfew.NotFound, "there is no such session, or it is not yours")
	errNoRequest  = curfew.Errorf(curfew.NotFound, "there is no such request, or it is not yours")
	errNoCustomer = curfew.Errorf(curfew.NotFound, "there is no such customer, or it is not you")
)

func (s *Server) passParty(ctx context.Context, c call) (call, error) {
	if c.id = wire.CanonicalID(c.id); c.id == "" {
		return c, errNoSession
	}
	standing, err := s.engine.Session(ctx, c.id)
	switch {
	case errors.Is(err, curfew.NotFound), err == nil && !reaches(c.actor, standing.Session):
		return c, errNoSession
	}
	c.session = standing
	return c, err
}

// reaches reports whether somebody may know of a session.
func reaches(who curfew.Actor, s curfew.Session) bool {
	switch who.Role {
	case curfew.Customer:
		return s.CustomerID == who.ID
	case curfew.Mechanic:
		return s.MechanicID == who.ID
	}
	return who.Role == curfew.Admin || who.Role == curfew.Service
}
