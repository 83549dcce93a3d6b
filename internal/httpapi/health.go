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

// healthHandlers handle health and its findings.
type healthHandlers struct {
	keeper           *lifecycle.Keeper
	version, baseURL string
}

func (h healthHandlers) report(ctx context.Context, c auth.Request, _ *struct{}) (*response[api.Health], error) {
	report := h.keeper.Health.Report(ctx)
	if !wire.SeesInside(c.Actor) {
		report.Findings = wire.OutsideFindings(report.Findings)
	}
	out := &response[api.Health]{http.StatusOK, wire.Health(report, h.version, h.baseURL)}
	if report.Health == lifecycle.Undetermined {
		out.Status = http.StatusServiceUnavailable
	}
	return out, nil
}

type acknowledgeInput struct {
	ID   string `path:"id" doc:"The finding's code"`
	Body api.Acknowledging
}

func (h healthHandlers) acknowledge(ctx context.Context, c auth.Request, in *acknowledgeInput) (*response[api.FindingAcknowledgement], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	a, err := h.keeper.Health.Acknowledge(ctx, c.Actor, lifecycle.Code(in.ID), in.Body.Reason, in.Body.Until)
	return okay(wire.Acknowledgement(a), err)
}

type withdrawInput struct {
	ID string `path:"id" doc:"The finding's code"`
}

func (h healthHandlers) withdraw(ctx context.Context, _ auth.Request, in *withdrawInput) (*response[api.Withdrawn], error) {
	return okay(api.Withdrawn{Code: in.ID}, h.keeper.Health.WithdrawAcknowledgement(ctx, lifecycle.Code(in.ID)))
}
