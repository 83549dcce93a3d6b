package httpapi

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type acknowledging struct {
	ID   string `path:"id" doc:"The finding's code"`
	Body api.Acknowledging
}

func (h healthHandlers) acknowledgeFinding(ctx context.Context, c auth.Request, in *acknowledging) (*answered[api.FindingAcknowledgement], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	a, err := h.engine.Health.Acknowledge(ctx, c.Actor, lifecycle.Code(in.ID), in.Body.Reason, in.Body.Until)
	return okay(wire.Acknowledgement(a), err)
}

type withdrawing struct {
	ID string `path:"id" doc:"The finding's code"`
}

func (h healthHandlers) withdrawAcknowledgement(ctx context.Context, _ auth.Request, in *withdrawing) (*answered[api.Withdrawn], error) {
	return okay(api.Withdrawn{Code: in.ID}, h.engine.Health.WithdrawAcknowledgement(ctx, lifecycle.Code(in.ID)))
}
