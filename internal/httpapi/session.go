package httpapi

import (
	"cmp"
	"context"
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type newSessionInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Makes the call safe to repeat"`
	Body api.NewSession
}

// sessionHandlers handle sessions.
type sessionHandlers struct {
	keeper *lifecycle.Keeper
	desk   approval.Desk
}

func (h sessionHandlers) create(ctx context.Context, c auth.Request, in *newSessionInput) (*response[api.Fulfillment], error) {
	customer, err := forWhom(c.Actor, in.Body.CustomerID)
	if err == nil {
		err = c.CheckCustomer(customer)
	}
	if err != nil {
		return nil, err
	}
	f, err := h.keeper.Admission.CreateSession(ctx, c.Actor, lifecycle.NewSession{CustomerID: customer, Plan: in.Body.Plan, Key: in.Key})
	if err != nil {
		return nil, err
	}
	return fulfilled(f)
}

// forWhom returns the customer for whom a session is requested. A customer may not name anybody
// else; the error says so, which reveals nothing.
func forWhom(who curfew.Actor, customerID string) (string, error) {
	switch {
	case who.Role == curfew.Service && customerID == "":
		return "", curfew.Errorf(curfew.Invalid, "customerId is missing: it says for whom the session is")
	case who.Role == curfew.Service:
		return customerID, nil
	case customerID != "" && customerID != who.ID:
		return "", curfew.Errorf(curfew.Forbidden, "a customer may ask for their own session only")
	}
	return who.ID, nil
}

func (h sessionHandlers) read(_ context.Context, c auth.Request, _ *idInput) (*response[api.Session], error) {
	return okay(wire.SessionFor(c.Actor, c.Session.Session), nil)
}

func (h sessionHandlers) events(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Events], error) {
	events, err := h.keeper.Sessions.Events(ctx, c.Session.Session)
	return okay(wire.EventsFor(c.Actor, events), err)
}

func (h sessionHandlers) join(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Session], error) {
	joined, err := h.keeper.Sessions.Join(ctx, c.ID, c.Actor)
	return sessionFor(c, joined, err)
}

func (h sessionHandlers) end(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Session], error) {
	ended, pending, err := h.desk.EndSession(ctx, c.Actor, c.Session, approval.End)
	return sessionFor(c, ended, cmp.Or(err, asked(ctx, pending)))
}

func (h sessionHandlers) cancel(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Session], error) {
	cancelled, pending, err := h.desk.EndSession(ctx, c.Actor, c.Session, approval.Cancel)
	return sessionFor(c, cancelled, cmp.Or(err, asked(ctx, pending)))
}

type extendInput struct {
	ID   string `path:"id"`
	Body api.Extension
}

func (h sessionHandlers) extend(ctx context.Context, c auth.Request, in *extendInput) (*response[api.Extended], error) {
	b := in.Body
	if err := c.CheckAmount(costOf(h.keeper, b.Plan, b.Amount, b.Currency)); err != nil {
		return nil, err
	}
	x, err := h.keeper.Sessions.Extend(ctx, c.Actor, lifecycle.Extension{
		SessionID: c.ID, Plan: b.Plan, PaymentRef: b.PaymentRef, Amount: b.Amount, Currency: b.Currency,
	})
	if err != nil {
		return nil, err
	}
	out := &response[api.Extended]{http.StatusCreated, api.Extended{
		Outcome: string(x.Outcome), SessionID: x.Session.ID, Status: string(x.Session.Status), ExpiresAt: x.Session.ExpiresAt.UTC(),
	}}
	if x.Replayed || x.Outcome != curfew.Fulfilled {
		out.Status = http.StatusOK
	}
	return out, nil
}

type unassignInput struct {
	ID   string `path:"id"`
	Body api.Reason
}

func (h sessionHandlers) unassign(ctx context.Context, c auth.Request, in *unassignInput) (*response[api.Session], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	released, err := h.keeper.Queue.Unassign(ctx, c.Actor, c.ID, in.Body.Reason)
	return sessionFor(c, released, err)
}

func sessionFor(c auth.Request, s curfew.Snapshot, err error) (*response[api.Session], error) {
	return okay(wire.SessionFor(c.Actor, s.Session), err)
}
