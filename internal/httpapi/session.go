package httpapi

import (
	"context"
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type newSession struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"Makes the call safe to repeat"`
	Body api.NewSession
}

// sessionHandlers answer for sessions.
type sessionHandlers struct {
	engine *lifecycle.Keeper
}

func (h sessionHandlers) createSession(ctx context.Context, c auth.Request, in *newSession) (*answered[api.Fulfilment], error) {
	customer, err := forWhom(c.Actor, in.Body.CustomerID)
	if err != nil {
		return nil, err
	}
	f, err := h.engine.Admission.CreateSession(ctx, c.Actor, lifecycle.Claim{CustomerID: customer, Plan: in.Body.Plan, Key: in.Key})
	if err != nil {
		return nil, err
	}
	return fulfilled(f)
}

// forWhom is the customer that somebody asks a session for. A customer asks for
// nobody else, and is told so: that is no secret.
func forWhom(who curfew.Actor, customerID string) (string, error) {
	switch {
	case who.Role == curfew.Service && customerID == "":
		return "", curfew.Errorf(curfew.Invalid, "customerId is needed: for whom is the session?")
	case who.Role == curfew.Service:
		return customerID, nil
	case customerID != "" && customerID != who.ID:
		return "", curfew.Errorf(curfew.Forbidden, "a customer may ask for their own session only")
	}
	return who.ID, nil
}

func (h sessionHandlers) readSession(_ context.Context, c auth.Request, _ *named) (*answered[api.Session], error) {
	return okay(wire.SessionFor(c.Actor, c.Session.Session), nil)
}

func (h sessionHandlers) listEvents(ctx context.Context, c auth.Request, _ *named) (*answered[api.Events], error) {
	events, err := h.engine.Sessions.Events(ctx, c.Session.Session)
	return okay(wire.EventsFor(c.Actor, events), err)
}

func (h sessionHandlers) joinSession(ctx context.Context, c auth.Request, _ *named) (*answered[api.Session], error) {
	joined, err := h.engine.Sessions.Join(ctx, c.ID, c.Actor)
	return standing(c, joined, err)
}

func (h sessionHandlers) endSession(ctx context.Context, c auth.Request, _ *named) (*answered[api.Session], error) {
	ended, err := h.engine.Sessions.End(ctx, c.ID, c.Actor)
	return standing(c, ended, err)
}

func (h sessionHandlers) cancelSession(ctx context.Context, c auth.Request, _ *named) (*answered[api.Session], error) {
	cancelled, err := h.engine.Sessions.Cancel(ctx, c.ID, c.Actor)
	return standing(c, cancelled, err)
}

type extension struct {
	ID   string `path:"id"`
	Body api.Extension
}

func (h sessionHandlers) extendSession(ctx context.Context, c auth.Request, in *extension) (*answered[api.Extended], error) {
	b := in.Body
	x, err := h.engine.Sessions.Extend(ctx, c.Actor, lifecycle.Extension{
		SessionID: c.ID, Plan: b.Plan, PaymentRef: b.PaymentRef, Amount: b.Amount, Currency: b.Currency,
	})
	if err != nil {
		return nil, err
	}
	out := &answered[api.Extended]{http.StatusCreated, api.Extended{
		Outcome: string(x.Outcome), SessionID: x.Session.ID, Status: string(x.Session.Status), ExpiresAt: x.Session.ExpiresAt.UTC(),
	}}
	if x.Replayed || x.Outcome != curfew.Fulfilled {
		out.Status = http.StatusOK
	}
	return out, nil
}

func standing(c auth.Request, s curfew.Snapshot, err error) (*answered[api.Session], error) {
	return okay(wire.SessionFor(c.Actor, s.Session), err)
}
