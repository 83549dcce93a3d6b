package httpapi

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// mechanicHandlers handle mechanics.
type mechanicHandlers struct {
	keeper *lifecycle.Keeper
}

func (h mechanicHandlers) read(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Mechanic], error) {
	busy, forgotten, err := h.keeper.Queue.Mechanic(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	m := wire.Mechanic(c.Actor, c.ID, busy, forgotten)
	if busy != nil && c.CheckCustomer(busy.CustomerID) != nil {
		m.Session = nil
	}
	return okay(m, nil)
}

type transferInput struct {
	ID   string `path:"id"`
	Body api.Transfer
}

func (h queueHandlers) transfer(ctx context.Context, c auth.Request, in *transferInput) (*response[api.Offered], error) {
	moved, err := h.keeper.Queue.TransferBy(ctx, c.Actor, c.ID, in.Body.MechanicID)
	return okay(wire.Offered(moved), hidden(err, auth.ErrNoRequest))
}

type prolongInput struct {
	ID   string `path:"id"`
	Body wire.Prolongation
}

func (h sessionHandlers) prolong(ctx context.Context, c auth.Request, in *prolongInput) (*response[api.Session], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	prolonged, err := h.keeper.Sessions.Prolong(ctx, c.Actor, c.ID, time.Duration(in.Body.Minutes)*time.Minute, in.Body.Reason)
	return sessionFor(c, prolonged, err)
}
