package httpapi

import (
	"cmp"
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/forecast"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// customerHandlers handle what blocks customers, and what they can spend.
type customerHandlers struct {
	keeper    *lifecycle.Keeper
	desk      approval.Desk
	forecasts *forecast.Forecaster // nil disables them
}

// forecast returns how long a customer will wait for a mechanic, or would wait if a session began
// now.
func (h customerHandlers) forecast(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Forecast], error) {
	if h.forecasts == nil {
		return nil, curfew.Errorf(curfew.Unavailable, "there are no forecasts here")
	}
	sessions, err := h.keeper.Sessions.Unended(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	f, waiting, err := h.forecasts.Of(ctx, sessions)
	return okay(wire.Forecast(f, waiting), err)
}

func (h customerHandlers) status(ctx context.Context, c auth.Request, _ *idInput) (*response[api.SessionStatus], error) {
	b, err := h.keeper.Sessions.CheckCustomerSessionStatus(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	credits, err := h.keeper.Checkouts.Credits(ctx, c.ID)
	return okay(wire.SessionStatus(b, credits), err)
}

type clearInput struct {
	ID   string `path:"id"`
	Body api.Clearing
}

func (h customerHandlers) clear(ctx context.Context, c auth.Request, in *clearInput) (*response[api.Cleared], error) {
	if in.Body.Force && c.Actor.Role != curfew.Admin {
		return nil, curfew.Errorf(curfew.Forbidden, "only an admin may end live sessions by force")
	}
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	cleared, pending, err := h.desk.ClearCustomer(ctx, c.Actor, lifecycle.Clearing{
		CustomerID: c.ID, DryRun: in.Body.DryRun, Force: in.Body.Force, Reason: in.Body.Reason,
	})
	return okay(wire.ClearedFor(c.Actor, cleared), cmp.Or(err, asked(ctx, pending)))
}
