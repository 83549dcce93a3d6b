package httpapi

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/wire"
)

type question struct {
	Subject string `query:"subject" required:"true" doc:"A customer, session, request, checkout, run, payment reference or e-mail address"`
	Cursor  string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before"`
}

func (s *Server) explain(ctx context.Context, _ auth.Request, in *question) (*answered[api.Story], error) {
	before, err := problem.ParseCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	story, err := s.timeline.Explain(ctx, in.Subject, before)
	if err != nil {
		return nil, err
	}
	return okay(wire.Timeline(story), nil)
}

type unassigning struct {
	ID   string `path:"id"`
	Body api.Unassigning
}

func (h sessionHandlers) unassignSession(ctx context.Context, c auth.Request, in *unassigning) (*answered[api.Session], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	released, err := h.engine.Queue.Unassign(ctx, c.Actor, c.ID, in.Body.Reason)
	return standing(c, released, err)
}
