package httpapi

import (
	"context"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

func (s *Server) listQueue(ctx context.Context, c call, in *paged) (*answered[api.Queue], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	pending, err := s.queue(ctx, c.actor, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	pending, next := cut(pending, in.Limit, func(p curfew.Standing) curfew.Cursor {
		return curfew.Cursor{At: p.QueuedAt(), ID: p.ID}
	})
	return okay(queueJSON(pending, next), nil)
}

// queue is what may be accepted. Only a mechanic's look counts as one.
func (s *Server) queue(ctx context.Context, who curfew.Actor, after curfew.Cursor, limit int) ([]curfew.Standing, error) {
	if who.Role != curfew.Mechanic {
		return s.engine.PeekQueue(ctx, after, limit)
	}
	return s.engine.Queue(ctx, after, limit)
}

func queueJSON(pending []curfew.Standing, next *string) api.Queue {
	q := api.Queue{Requests: make([]api.Offer, len(pending)), NextCursor: next}
	for i, p := range pending {
		q.Requests[i] = offerJSON(p)
	}
	return q
}

func offerJSON(s curfew.Standing) api.Offer {
	return api.Offer{
		ID: s.Request.ID, SessionID: s.ID, CustomerName: s.Request.CustomerName, Plan: s.Plan, Type: string(s.Kind),
		CreatedAt: s.Request.CreatedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
		WaitingSeconds: int64(s.Now.Sub(s.Request.CreatedAt) / time.Second),
	}
}

func (s *Server) acceptRequest(ctx context.Context, c call, _ *named) (*answered[api.Offered], error) {
	accepted, err := s.engine.Accept(ctx, c.id, c.actor.ID)
	return okay(offeredJSON(accepted), hidden(err, errNoRequest))
}

func (s *Server) releaseRequest(ctx context.Context, c call, _ *named) (*answered[api.Offered], error) {
	released, err := s.engine.Release(ctx, c.id, c.actor.ID)
	if err != nil {
		return nil, hidden(err, errNoRequest)
	}
	events, err := s.engine.Events(ctx, released.Session)
	if err == nil && !releasedBy(events, c.actor) {
		return nil, errNoRequest
	}
	return okay(offeredJSON(released), err)
}

// releasedBy reports whether a mechanic ever put the session back: then a
// repeated call gets the first one's answer, and nobody else gets any.
func releasedBy(events []curfew.Event, who curfew.Actor) bool {
	return slices.ContainsFunc(events, func(e curfew.Event) bool {
		return e.Actor == who && e.Reason == curfew.ReleasedReason
	})
}

// hidden makes every NotFound the same.
func hidden(err, same error) error {
	if err != nil && kindOf(err) == curfew.NotFound {
		return same
	}
	return err
}

func offeredJSON(s curfew.Standing) api.Offered {
	return api.Offered{Session: sessionJSON(s.Outside()), Request: api.Request{
		ID: s.Request.ID, SessionID: s.ID, Status: string(s.Request.Status), CustomerName: s.Request.CustomerName,
		MechanicID: s.Request.MechanicID, CreatedAt: s.Request.CreatedAt.UTC(),
	}}
}
