package httpapi

import (
	"context"
	"net/http"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

func (s *Server) sessionHealth(ctx context.Context, c auth.Request, _ *struct{}) (*answered[api.Health], error) {
	report := s.engine.Health.Report(ctx)
	if !wire.SeesInside(c.Actor) {
		report.Findings = wire.OutsideFindings(report.Findings)
	}
	out := &answered[api.Health]{http.StatusOK, wire.Health(report, s.version, s.baseURL)}
	if report.Health == lifecycle.CannotTell {
		out.Status = http.StatusServiceUnavailable
	}
	return out, nil
}
