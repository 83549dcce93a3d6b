package httpapi

import (
	"context"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
)

// signInHandlers handle signed-in browsers.
type signInHandlers struct {
	signIns *auth.SignIns
}

func (h signInHandlers) list(ctx context.Context, _ auth.Request, _ *struct{}) (*response[wire.SignIns], error) {
	all, err := h.signIns.List(ctx)
	return okay(wire.SignInList(all), err)
}

func (h signInHandlers) end(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Removed], error) {
	return okay(api.Removed{ID: c.ID}, h.signIns.End(ctx, c.ID))
}

func (h signInHandlers) endAll(ctx context.Context, _ auth.Request, _ *struct{}) (*response[wire.SignInsEnded], error) {
	n, err := h.signIns.EndAll(ctx)
	return okay(wire.SignInsEnded{Ended: n}, err)
}
