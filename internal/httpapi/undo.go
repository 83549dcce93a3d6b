package httpapi

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

type undoing struct {
	ID   string `path:"id"`
	Body api.Undo
}

var errNoRun = curfew.Errorf(curfew.NotFound, "there is no such run: GET /api/debug/cleanup-runs lists them")

func (s *Server) undoRun(ctx context.Context, c call, in *undoing) (*answered[api.Undone], error) {
	id := canonical(c.id)
	if id == "" {
		return nil, errNoRun
	}
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	u, err := s.engine.Undo(ctx, lifecycle.Undo{RunID: id, Reason: in.Body.Reason, Trigger: curfew.ByAPI, Actor: c.actor})
	return okay(UndoneJSON(u), hidden(err, errNoRun))
}

// UndoneJSON is what an undo did as the API shows it.
func UndoneJSON(u lifecycle.Undone) api.Undone {
	out := api.Undone{
		Revived: make([]api.Revived, len(u.Revived)), NotRevived: make([]api.NotRevived, len(u.NotRevived)), RunID: u.Run.ID,
	}
	for i, r := range u.Revived {
		out.Revived[i] = api.Revived(r)
	}
	for i, n := range u.NotRevived {
		out.NotRevived[i] = api.NotRevived(n)
	}
	return out
}
