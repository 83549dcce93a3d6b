package httpapi

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type undoInput struct {
	ID   string `path:"id"`
	Body api.Undo
}

var errNoRun = curfew.Errorf(curfew.NotFound, "there is no such run: GET /api/debug/cleanup-runs lists them")

func (h cleanupHandlers) undo(ctx context.Context, c auth.Request, in *undoInput) (*response[api.Undone], error) {
	id := wire.CanonicalID(c.ID)
	if id == "" {
		return nil, errNoRun
	}
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	u, err := h.keeper.Cleanups.Undo(ctx, lifecycle.Undo{RunID: id, Reason: in.Body.Reason, Trigger: curfew.ByAPI, Actor: c.Actor})
	return okay(wire.Undone(u), hidden(err, errNoRun))
}
