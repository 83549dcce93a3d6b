package notify

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Admin is the store for operators: it looks up deliveries and sends them again.
type Admin interface {
	// Delivery returns a delivery by its id. It returns NotFound if there is none.
	Delivery(ctx context.Context, id string) (record.Delivery, error)
	// ListDeliveries lists deliveries by id, which is the order of creation.
	ListDeliveries(ctx context.Context, s record.DeliverySearch) ([]record.Delivery, error)
	// AddDelivery adds a delivery that no event caused.
	AddDelivery(ctx context.Context, d record.Delivery) error
	// Replay makes a delivery pending again, as if it had never failed. It returns Conflict if its
	// state or attempts have changed since it was read.
	Replay(ctx context.Context, d record.Delivery) (record.Delivery, error)
	// ReplayDead does the same for at most limit dead deliveries of a destination, and counts them.
	ReplayDead(ctx context.Context, destination string, limit int) (int, error)
}

// Deliveries lets operators look at deliveries and send them again.
type Deliveries struct{ Store Admin }

// Show returns a delivery by its id.
func (d Deliveries) Show(ctx context.Context, id string) (record.Delivery, error) {
	return d.Store.Delivery(ctx, id)
}

// List lists deliveries, oldest first.
func (d Deliveries) List(ctx context.Context, s record.DeliverySearch) ([]record.Delivery, error) {
	return d.Store.ListDeliveries(ctx, s)
}

// Replay sends a delivered or dead delivery again. It returns Conflict if the delivery is still
// pending.
func (d Deliveries) Replay(ctx context.Context, id string) (record.Delivery, error) {
	found, err := d.Store.Delivery(ctx, id)
	if err != nil {
		return found, err
	}
	if found.State == record.DeliveryPending {
		return found, curfew.Errorf(curfew.Conflict, "delivery %s is still pending: its next attempt is at %s", id, found.NextAt.Format(time.RFC3339))
	}
	return d.Store.Replay(ctx, found)
}

// replayPage is how many deliveries become pending in one transaction.
const replayPage = 1000

// ReplayDead sends every dead delivery of a destination again and counts them.
func (d Deliveries) ReplayDead(ctx context.Context, destination string) (int, error) {
	for all := 0; ; {
		n, err := d.Store.ReplayDead(ctx, destination, replayPage)
		if all += n; err != nil || n < replayPage {
			return all, err
		}
	}
}
