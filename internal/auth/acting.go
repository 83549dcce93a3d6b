package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
)

// ActAs is the header with which a service acts for a customer or mechanic: customer:ID or
// mechanic:ID, with the id percent-encoded as in a path.
const ActAs = "X-Curfew-Act-As"

// Names with which a key that is bound to routes may also act for a customer or a mechanic on those
// routes.
const (
	actAsCustomer = "actAsCustomer"
	actAsMechanic = "actAsMechanic"
)

// ActingNames lists the names, besides routes, that a key can be bound to.
func ActingNames() []RouteName {
	return []RouteName{{Name: actAsCustomer, Group: "acting"}, {Name: actAsMechanic, Group: "acting"}}
}

// behalf returns the actor of a request: its sender, or the customer or mechanic for whom a service
// acts. It returns Invalid for a malformed header, and Forbidden for a caller who may not act for
// them.
func behalf(r *http.Request, by claims) (curfew.Actor, error) {
	given := r.Header.Values(ActAs)
	if len(given) == 0 {
		return by.actor(), nil
	}
	role, escaped, _ := strings.Cut(given[0], ":")
	id, err := url.PathUnescape(escaped)
	who := curfew.Actor{Role: curfew.Role(strings.TrimSpace(role)), ID: id, By: by.subject}
	switch {
	case by.role != curfew.Service:
		return who, curfew.Errorf(curfew.Forbidden, "the role %s may not act for somebody: leave %s out", by.role, ActAs)
	case len(given) > 1 || err != nil || !slices.Contains([]curfew.Role{curfew.Customer, curfew.Mechanic}, who.Role):
		return who, curfew.Errorf(curfew.Invalid, "%s must name one customer or mechanic: customer:ID or mechanic:ID, the id percent-encoded", ActAs)
	}
	if err := curfew.CheckID(ActAs, id); err != nil {
		return who, err
	}
	return who, by.mayActFor(who)
}

// mayActFor rejects actors for whom the caller's key may not act. A mechanic sees the requests of
// every customer, so a key that is bound to some customers cannot act for mechanics.
func (c claims) mayActFor(who curfew.Actor) error {
	name := map[curfew.Role]string{curfew.Customer: actAsCustomer, curfew.Mechanic: actAsMechanic}[who.Role]
	switch {
	case c.scope.Routes != nil && !slices.Contains(c.scope.Routes, name):
		return curfew.Errorf(curfew.Forbidden, "this key may not act for a %s: it is bound to routes, and %s is not among them", who.Role, name)
	case who.Role == curfew.Mechanic && c.scope.CustomerPrefix != "":
		return curfew.Errorf(curfew.Forbidden, "this key may not act for a mechanic: it is bound to some customers")
	case who.Role == curfew.Customer && !c.scope.Reaches(who.ID):
		return ErrNoCustomer
	}
	return nil
}
