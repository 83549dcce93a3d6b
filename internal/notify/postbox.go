package notify

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

// Postbox is looking at deliveries and sending them again.
type Postbox interface {
	// Delivery is one by its id alone.
	Delivery(ctx context.Context, id string) (curfew.Delivery, error)
	// ListDeliveries is in the order of their ids, which is that of time.
	ListDeliveries(ctx context.Context, s curfew.DeliverySearch) ([]curfew.Delivery, error)
	// AddDelivery writes one that no event caused.
	AddDelivery(ctx context.Context, d curfew.Delivery) error
	// Replay makes a delivery pending again, as if it had never failed. Conflict:
	// its state or attempts are not those any more.
	Replay(ctx context.Context, d curfew.Delivery) (curfew.Delivery, error)
	// ReplayDead does so with the dead of a destination, at most limit.
	ReplayDead(ctx context.Context, destination string, limit int) (int, error)
}

// Deliveries is what operators do about deliveries.
type Deliveries struct{ Store Postbox }

// Show is one delivery.
func (p Deliveries) Show(ctx context.Context, id string) (curfew.Delivery, error) {
	return p.Store.Delivery(ctx, id)
}

// List is deliveries in the order of their making.
func (p Deliveries) List(ctx context.Context, s curfew.DeliverySearch) ([]curfew.Delivery, error) {
	return p.Store.ListDeliveries(ctx, s)
}

// Replay sends a delivery again that was delivered or is dead. Conflict: it is
// pending as it is.
func (p Deliveries) Replay(ctx context.Context, id string) (curfew.Delivery, error) {
	d, err := p.Store.Delivery(ctx, id)
	if err != nil {
		return d, err
	}
	if d.State == curfew.DeliveryPending {
		return d, curfew.Errorf(curfew.Conflict, "delivery %s is still pending: its next attempt is at %s", id, d.NextAt.Format(time.RFC3339))
	}
	return p.Store.Replay(ctx, d)
}

// replayPage is how many are made pending in one transaction.
const replayPage = 1000

// ReplayDead sends everything again that is dead of a destination, and counts
// it.
func (p Deliveries) ReplayDead(ctx context.Context, destination string) (int, error) {
	for all := 0; ; {
		n, err := p.Store.ReplayDead(ctx, destination, replayPage)
		if all += n; err != nil || n < replayPage {
			return all, err
		}
	}
}
