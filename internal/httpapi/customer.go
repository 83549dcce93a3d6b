package httpapi

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

func (s *Server) sessionStatus(ctx context.Context, c call, _ *named) (*answered[api.SessionStatus], error) {
	b, err := s.engine.CheckCustomerSessionStatus(ctx, c.id)
	return okay(StatusJSON(b), err)
}

// StatusJSON is what blocks a customer as the API shows it; nil: nothing does.
func StatusJSON(b *curfew.Blocker) api.SessionStatus {
	if b == nil {
		return api.SessionStatus{Actions: []string{}}
	}
	return api.SessionStatus{
		Blocked: true, Session: blockerJSON(*b), ReleasesAt: moment(b.ReleasesAt), Actions: b.Actions,
	}
}

type clearing struct {
	ID   string `path:"id"`
	Body api.Clearing
}

func (s *Server) clearCustomer(ctx context.Context, c call, in *clearing) (*answered[api.Cleared], error) {
	if in.Body.Force && c.actor.Role != curfew.Admin {
		return nil, curfew.Errorf(curfew.Forbidden, "only an admin may end live sessions by force")
	}
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	cleared, err := s.engine.Clear(ctx, c.actor, lifecycle.Clearing{
		CustomerID: c.id, DryRun: in.Body.DryRun, Force: in.Body.Force, Reason: in.Body.Reason,
	})
	return okay(clearedFor(c.actor, cleared), err)
}

// clearedFor is what a clearing did as somebody may see it.
func clearedFor(who curfew.Actor, c lifecycle.Cleared) api.Cleared {
	out := api.Cleared{Ended: make([]api.Session, len(c.Ended)), Kept: make([]api.Kept, len(c.Kept))}
	for i, s := range c.Ended {
		out.Ended[i] = sessionFor(who, s)
	}
	for i, k := range c.Kept {
		out.Kept[i] = api.Kept{SessionID: k.SessionID, Status: string(k.Status), Why: k.Why}
	}
	return out
}
