package httpapi

import (
	"context"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// queueHandlers handle the queue and its requests.
type queueHandlers struct {
	keeper *lifecycle.Keeper
}

func (h queueHandlers) list(ctx context.Context, c auth.Request, in *pageInput) (*response[api.Queue], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	pending, err := h.pending(ctx, c.Actor, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	pending, next := wire.Page(pending, in.Limit, func(p curfew.Snapshot) curfew.Cursor {
		return curfew.Cursor{At: p.QueuedAt(), ID: p.ID}
	})
	return okay(wire.Queue(pending, next), nil)
}

// pending returns the requests that may be accepted. Only a mechanic's call counts as reading the
// queue.
func (h queueHandlers) pending(ctx context.Context, who curfew.Actor, after curfew.Cursor, limit int) ([]curfew.Snapshot, error) {
	if who.Role != curfew.Mechanic {
		return h.keeper.Queue.Peek(ctx, after, limit)
	}
	return h.keeper.Queue.Pending(ctx, after, limit)
}

func (h queueHandlers) accept(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Offered], error) {
	accepted, err := h.keeper.Queue.AcceptBy(ctx, c.Actor, c.ID)
	return okay(wire.Offered(accepted), hidden(err, auth.ErrNoRequest))
}

func (h queueHandlers) release(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Offered], error) {
	released, err := h.keeper.Queue.ReleaseBy(ctx, c.Actor, c.ID)
	if err != nil {
		return nil, hidden(err, auth.ErrNoRequest)
	}
	events, err := h.keeper.Sessions.Events(ctx, released.Session)
	if err == nil && !releasedBy(events, c.Actor) {
		return nil, auth.ErrNoRequest
	}
	return okay(wire.Offered(released), err)
}

// releasedBy reports whether this mechanic ever released the session. Only then does a repeated
// call get the response of the first.
func releasedBy(events []curfew.Event, who curfew.Actor) bool {
	return slices.ContainsFunc(events, func(e curfew.Event) bool {
		return e.Actor.Role == who.Role && e.Actor.ID == who.ID && e.Reason == curfew.ReleasedReason
	})
}

// hidden replaces every NotFound with the same one.
func hidden(err, same error) error {
	if err != nil && problem.KindOf(err) == curfew.NotFound {
		return same
	}
	return err
}
