package sqlite

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const selectDeliveryByID = selectDelivery + ` WHERE deliveries.id = $1`

// Delivery returns the delivery with this id.
func (s deliveries) Delivery(ctx context.Context, id string) (record.Delivery, error) {
	d, err := one(ctx, s.db, scanDelivery, selectDeliveryByID, id)
	return d, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no delivery %q", id)), "read delivery %s", id)
}

// Undelivered messages have an index of their own; the rest is read by id.
const (
	listDeliveries = selectDelivery + `
WHERE deliveries.id > $1 AND ($2 = '' OR deliveries.state = $2) AND ($3 = '' OR deliveries.destination = $3) ORDER BY deliveries.id LIMIT $4`
	listUndelivered = selectDelivery + ` INDEXED BY deliveries_unsettled
WHERE deliveries.id > $1 AND deliveries.state = $2 AND deliveries.state IN ('pending', 'dead') AND ($3 = '' OR deliveries.destination = $3) ORDER BY deliveries.id LIMIT $4`
)

// ListDeliveries returns the deliveries that match, oldest first.
func (s deliveries) ListDeliveries(ctx context.Context, f record.DeliverySearch) ([]record.Delivery, error) {
	query := listDeliveries
	if f.State == record.DeliveryPending || f.State == record.DeliveryDead {
		query = listUndelivered
	}
	all, err := many(ctx, s.db, scanDelivery, query, f.After, string(f.State), f.Destination, f.Limit)
	return all, wrap(err, "list deliveries")
}

// AddDelivery writes a delivery that no event caused.
func (s deliveries) AddDelivery(ctx context.Context, d record.Delivery) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error { return tx.insertDelivery(ctx, d) })
	return wrap(err, "add delivery %s", d.ID)
}

const (
	replayDelivery = `
UPDATE deliveries SET state = 'pending', failures = 0, next_at = $5, updated_at = $5
WHERE customer_id = $1 AND id = $2 AND state = $3 AND attempts = $4
RETURNING ` + deliveryColumns
	replayDead = `
UPDATE deliveries SET state = 'pending', failures = 0, next_at = $3, updated_at = $3
WHERE state = 'dead' AND rowid IN (
    SELECT rowid FROM deliveries WHERE destination = $1 AND state = 'dead' ORDER BY updated_at LIMIT $2)`
)

// Replay makes a settled delivery pending again.
func (s deliveries) Replay(ctx context.Context, d record.Delivery) (record.Delivery, error) {
	var again record.Delivery
	err := s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		again, err = one(ctx, tx, scanDelivery, replayDelivery, d.CustomerID, d.ID, string(d.State), d.Attempts, micros(tx.now))
		return err
	})
	return again, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "delivery %s has moved", d.ID)), "replay delivery %s", d.ID)
}

// ReplayDead makes dead deliveries of a destination pending again.
func (s deliveries) ReplayDead(ctx context.Context, destination string, limit int) (int, error) {
	n, err := s.exec(ctx, replayDead, destination, limit, fromNow(0))
	return int(n), wrap(err, "replay what is dead of %s", destination)
}

const countDeliveries = `
SELECT 'pending', count(*) FROM deliveries WHERE state = 'pending'
UNION ALL SELECT 'dead', count(*) FROM deliveries WHERE state = 'dead'
UNION ALL SELECT 'dying', count(*) FROM deliveries WHERE state = 'dead' AND updated_at > $1
UNION ALL SELECT 'overdue', count(*) FROM deliveries WHERE deliveries.state = 'pending' AND deliveries.next_at < $2
    AND NOT EXISTS (SELECT 1 FROM webhook_endpoints w WHERE w.id = deliveries.lane AND NOT w.enabled)
UNION ALL SELECT 'disabled', count(*) FROM webhook_endpoints WHERE NOT enabled AND disabled_reason <> ''`

// DeliveryFigures counts deliveries.
func (s deliveries) DeliveryFigures(ctx context.Context) (curfew.DeliveryFigures, error) {
	now := s.now()
	n, err := s.counts(ctx, countDeliveries, ago(now, record.DyingWindow), ago(now, record.DeliveriesLate))
	return curfew.DeliveryFigures{
		Pending: n["pending"], Dead: n["dead"], Dying: n["dying"], Overdue: n["overdue"], Disabled: n["disabled"],
	}, wrap(err, "count deliveries")
}
