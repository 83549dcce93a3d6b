package httpapi

import (
	"context"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// Deliveries reads and repeats deliveries.
type Deliveries interface {
	List(ctx context.Context, s record.DeliverySearch) ([]record.Delivery, error)
	Show(ctx context.Context, id string) (record.Delivery, error)
	Replay(ctx context.Context, id string) (record.Delivery, error)
	// ReplayDead sends the dead deliveries of a destination again, and returns how many there were.
	ReplayDead(ctx context.Context, destination string) (int, error)
}

type deliveriesInput struct {
	State    string `query:"state" enum:"pending,delivered,dead" doc:"Only deliveries in this state"`
	Endpoint string `query:"endpoint" maxLength:"128" doc:"Only this endpoint's"`
	After    string `query:"after" maxLength:"128" doc:"The nextCursor of the previous page"`
	Limit    int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many to return on a page"`
}

// deliveryHandlers handle deliveries.
type deliveryHandlers struct {
	deliveries Deliveries
	endpoints  Endpoints
}

func (h deliveryHandlers) list(ctx context.Context, _ auth.Request, in *deliveriesInput) (*response[api.Deliveries], error) {
	if err := checkAfter(in.After); err != nil {
		return nil, err
	}
	all, err := h.deliveries.List(ctx, record.DeliverySearch{
		State: record.DeliveryState(in.State), Destination: in.Endpoint, After: in.After, Limit: in.Limit + 1,
	})
	out := api.Deliveries{}
	if len(all) > in.Limit {
		all = all[:in.Limit]
		out.NextCursor = &all[in.Limit-1].ID
	}
	out.Deliveries = make([]api.Delivery, len(all))
	for i, d := range all {
		out.Deliveries[i] = wire.Delivery(d)
	}
	return okay(out, err)
}

func (h deliveryHandlers) read(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Delivery], error) {
	d, err := h.deliveries.Show(ctx, c.ID)
	problem.RequestOf(ctx).Describe(d.CustomerID, "", "")
	return okay(wire.Delivery(d), err)
}

func (h deliveryHandlers) replay(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Delivery], error) {
	d, err := h.deliveries.Replay(ctx, c.ID)
	problem.RequestOf(ctx).Describe(d.CustomerID, "", "")
	return okay(wire.Delivery(d), err)
}

type replayDeadInput struct {
	Body api.DeadOf
}

func (h deliveryHandlers) replayDead(ctx context.Context, _ auth.Request, in *replayDeadInput) (*response[api.Replayed], error) {
	if _, err := h.endpoints.Show(ctx, in.Body.Endpoint); err != nil {
		return nil, err
	}
	n, err := h.deliveries.ReplayDead(ctx, in.Body.Endpoint)
	return okay(api.Replayed{Replayed: n}, err)
}
