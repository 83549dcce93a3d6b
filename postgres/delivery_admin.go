package postgres

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const selectDeliveryByID = selectDelivery + ` WHERE d.id = $1`

// Delivery returns the delivery with this id.
func (s deliveries) Delivery(ctx context.Context, id string) (record.Delivery, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no delivery %q", id)
	if !isID(id) {
		return record.Delivery{}, missing
	}
	d, err := one(ctx, s.db, scanDelivery, selectDeliveryByID, id)
	return d, wrap(orMissing(err, missing), "read delivery %s", id)
}

// Undelivered messages have an index of their own; the rest is read by id.
const (
	listDeliveries = selectDelivery + ` WHERE d.id > $1::uuid AND ($2 = '' OR d.state || '' = $2) AND ($3 = '' OR d.destination = $3)
		ORDER BY d.id LIMIT $4`
	listUndelivered = selectDelivery + ` WHERE d.id > $1::uuid AND d.state = $2 AND d.state IN ('pending', 'dead')
		AND ($3 = '' OR d.destination = $3) ORDER BY d.id LIMIT $4`
)

// ListDeliveries returns the deliveries that match, oldest first.
func (s deliveries) ListDeliveries(ctx context.Context, f record.DeliverySearch) ([]record.Delivery, error) {
	sql := listDeliveries
	if f.State == record.DeliveryPending || f.State == record.DeliveryDead {
		sql = listUndelivered
	}
	if !isID(f.After) {
		f.After = lowestID
	}
	all, err := many(ctx, s.db, scanDelivery, sql, f.After, f.State, f.Destination, f.Limit)
	return all, wrap(err, "list deliveries")
}

// AddDelivery writes a delivery that no event caused.
func (s deliveries) AddDelivery(ctx context.Context, d record.Delivery) error {
	_, err := s.exec(ctx, insertDelivery.rows(1), deliveryValues(d)...)
	return wrap(err, "add delivery %s", d.ID)
}

const (
	replayDelivery = `UPDATE curfew.deliveries d SET state = 'pending', failures = 0, next_at = now(), updated_at = now()
		WHERE d.customer_id = $1 AND d.id = $2 AND d.state || '' = $3 AND d.attempts = $4
		RETURNING ` + deliveryColumns
	replayDead = `UPDATE curfew.deliveries d SET state = 'pending', failures = 0, next_at = now(), updated_at = now()
		FROM (SELECT customer_id, id FROM curfew.deliveries WHERE destination = $1 AND state = 'dead' ORDER BY updated_at LIMIT $2) k
		WHERE d.customer_id = k.customer_id AND d.id = k.id AND d.state || '' = 'dead'`
)

// Replay makes a settled delivery pending again.
func (s deliveries) Replay(ctx context.Context, d record.Delivery) (record.Delivery, error) {
	again, err := one(ctx, s.db, scanDelivery, replayDelivery, d.CustomerID, d.ID, d.State, d.Attempts)
	return again, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "delivery %s has moved", d.ID)), "replay delivery %s", d.ID)
}

// ReplayDead makes dead deliveries of a destination pending again.
func (s deliveries) ReplayDead(ctx context.Context, destination string, limit int) (int, error) {
	n, err := s.exec(ctx, replayDead, destination, limit)
	return int(n), wrap(err, "replay what is dead of %s", destination)
}

const countDeliveries = `SELECT 'pending', count(*) FROM curfew.deliveries WHERE state = 'pending'
	UNION ALL SELECT 'dead', count(*) FROM curfew.deliveries WHERE state = 'dead'
	UNION ALL SELECT 'dying', count(*) FROM curfew.deliveries WHERE state = 'dead' AND updated_at > now() - $1::interval
	UNION ALL SELECT 'overdue', count(*) FROM curfew.deliveries d WHERE d.state = 'pending' AND d.next_at < now() - $2::interval
		AND NOT EXISTS (SELECT FROM curfew.webhook_endpoints w WHERE w.id::text = d.lane AND NOT w.enabled)
	UNION ALL SELECT 'disabled', count(*) FROM curfew.webhook_endpoints WHERE NOT enabled AND disabled_reason <> ''`

// DeliveryFigures counts deliveries.
func (s deliveries) DeliveryFigures(ctx context.Context) (curfew.DeliveryFigures, error) {
	n, err := s.counts(ctx, countDeliveries, record.DyingWindow, record.DeliveriesLate)
	return curfew.DeliveryFigures{
		Pending: n["pending"], Dead: n["dead"], Dying: n["dying"], Overdue: n["overdue"], Disabled: n["disabled"],
	}, wrap(err, "count deliveries")
}
