package httpapi

import (
	"context"
	"net/http"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// healthHandlers answer for health and its findings.
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
