package auth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// Relation says what {id} in a path refers to, and who must own it.
type Relation int

const (
	// Undecided is the zero value: a rule that was forgotten. No server starts with it.
	Undecided Relation = iota
	// Nobodys means that there is no {id}, or that it belongs to operators.
	Nobodys
	// Itself means that {id} is a customer. A customer reaches only themselves.
	Itself
	// Party means that {id} is a session. A customer reaches only their own, a mechanic only those
	// assigned to them.
	Party
	// Offer means that {id} is a request. Package lifecycle checks whose it is, in the transaction
	// that changes it.
	Offer
	// Colleague means that {id} is a mechanic. A mechanic reaches only themselves.
	Colleague
	// InBody means that the body names a customer. The handler must call CheckCustomer.
	InBody
)

// Access says who may use a route: the roles, who must own what its path names, and the class in
// which its calls are counted.
type Access struct {
	Roles       []curfew.Role
	Relation    Relation
	Class       limit.Class
	Name, Group string // by which an API key is bound to it
}

// Request is an authenticated request: who sent it, and what it is about.
type Request struct {
	Actor   curfew.Actor
	Until   time.Time       // the token's end; zero: it has none
	ID      string          // the {id}, checked
	Session curfew.Snapshot // with party
	scope   record.KeyScope
	bearer  string // the token or key as it was sent; empty: a cookie proves who calls
}

// OneTimes stores names that can be claimed once. A second claim returns Conflict.
type OneTimes interface {
	ClaimOnce(ctx context.Context, name string, ttl time.Duration) error
	Claimed(ctx context.Context, name string) (bool, error)
}

// Sessions reads the session that a request is about. It is implemented by lifecycle.Keeper.
type Sessions interface {
	Session(ctx context.Context, id string) (curfew.Snapshot, error)
}

// Gate decides who may do what. It is the only way in for the API, the pages and the live streams.
type Gate struct {
	identity *Identity
	once     OneTimes
	sessions Sessions
	limits   *limit.Limiter
	keys     *Keyring
	revoked  *Revocations
	signIns  *SignIns
	baseURL  string // for the command that would be admitted
	local    bool   // callers are on this machine, and are told that command
	origins  *http.CrossOriginProtection
}

// GateOptions configures NewGate. All but Limits are required.
type GateOptions struct {
	Identity *Identity
	Once     OneTimes
	Sessions Sessions
	Keys     *Keyring
	Revoked  *Revocations
	SignIns  *SignIns
	Limits   *limit.Limiter // nil: unlimited
	BaseURL  string         // where callers reach the server
}

// NewGate returns a gate.
func NewGate(o GateOptions) *Gate {
	return &Gate{
		identity: o.Identity, once: o.Once, sessions: o.Sessions, keys: o.Keys, revoked: o.Revoked, signIns: o.SignIns, limits: o.Limits,
		baseURL: o.BaseURL, local: Local(o.BaseURL),
		origins: http.NewCrossOriginProtection(),
	}
}

// Authorize returns who sent a request and what it is about, or an error if they may not send it.
func (g *Gate) Authorize(r *http.Request, a Access) (Request, error) {
	by, err := g.caller(r)
	if err != nil {
		by = claims{} // the call is that of an address
	}
	problem.RequestOf(r.Context()).Actor = by.actor()
	if limited := g.Count(r, by.actor(), a.Class, err); limited != nil {
		return Request{}, limited
	}
	if errors.Is(err, curfew.Unauthenticated) {
		return Request{}, g.unauthenticated(r, a.Roles, err)
	}
	if err != nil {
		return Request{}, err
	}
	if by.browser {
		g.signIns.seen.note(by.id)
	}
	who, err := behalf(r, by)
	if err != nil {
		return Request{}, err
	}
	problem.RequestOf(r.Context()).Actor = who
	c, err := g.authorize(r.Context(), who, by, a, r.PathValue("id"))
	c.bearer = bearer(r)
	if err == nil {
		c.describe(a, problem.RequestOf(r.Context()))
	}
	return c, err
}

// describe records for the audit log what is already known of a request's subject.
func (c Request) describe(a Access, info *problem.RequestInfo) {
	switch {
	case a.Relation == Itself, a.Group == "customers":
		info.Describe(c.ID, "", "")
	case a.Relation == Party:
		info.Describe(c.Session.CustomerID, c.ID, "")
	default:
		info.Describe("", c.ID, "")
	}
}

// Proven returns nil if a request's token or cookie is still valid. That does not count as a use of
// them: a page that is left open does not stay signed in because of its stream.
func (g *Gate) Proven(r *http.Request) error {
	_, err := g.caller(r)
	return err
}

// Browser returns who is signed in with a browser. It returns Unauthenticated if nobody is.
func (g *Gate) Browser(r *http.Request) (curfew.Actor, error) {
	c, err := g.fromCookie(r)
	if err == nil {
		g.signIns.seen.note(c.id)
	}
	return c.actor(), err
}

// authorize decides independently of HTTP. It returns Forbidden for a role that may never do this,
// and NotFound for what belongs to somebody else, in the same words as for what does not exist.
func (g *Gate) authorize(ctx context.Context, who curfew.Actor, by claims, a Access, id string) (Request, error) {
	c := Request{Actor: who, Until: by.until(), ID: id, scope: by.scope}
	if !slices.Contains(a.Roles, who.Role) || !a.admits(by.scope, who) {
		return c, notAllowed(who)
	}
	switch a.Relation {
	case Itself:
		if who.Role == curfew.Customer && who.ID != id {
			return c, ErrNoCustomer
		}
		return c, cmp.Or(curfew.CheckID("customer id", id), c.CheckCustomer(id))
	case Party:
		return g.authorizeParty(ctx, c)
	case Colleague:
		if who.Role == curfew.Mechanic && who.ID != id {
			return c, ErrNoMechanic
		}
		return c, curfew.CheckID("mechanic id", id)
	case Offer:
		if c.ID = wire.CanonicalID(id); c.ID == "" {
			return c, ErrNoRequest
		}
	}
	return c, nil
}

// Errors for what does not exist, which are also those for what belongs to somebody else.
var (
	ErrNoSession  = curfew.Errorf(curfew.NotFound, "there is no such session, or it is not yours")
	ErrNoRequest  = curfew.Errorf(curfew.NotFound, "there is no such request, or it is not yours")
	ErrNoMechanic = curfew.Errorf(curfew.NotFound, "there is no such mechanic, or it is not you")
	ErrNoCustomer = curfew.Errorf(curfew.NotFound, "there is no such customer, or it is not you")
)

func (g *Gate) authorizeParty(ctx context.Context, c Request) (Request, error) {
	if c.ID = wire.CanonicalID(c.ID); c.ID == "" {
		return c, ErrNoSession
	}
	snapshot, err := g.sessions.Session(ctx, c.ID)
	switch {
	case errors.Is(err, curfew.NotFound), err == nil && !c.reaches(snapshot.Session):
		return c, ErrNoSession
	}
	c.Session = snapshot
	return c, err
}

// Reaches reports whether an actor may know of a session.
func Reaches(who curfew.Actor, s curfew.Session) bool {
	switch who.Role {
	case curfew.Customer:
		return s.CustomerID == who.ID
	case curfew.Mechanic:
		return s.MechanicID == who.ID
	}
	return who.Role == curfew.Admin || who.Role == curfew.Service
}
