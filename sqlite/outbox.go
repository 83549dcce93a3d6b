package sqlite

import (
	"context"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// outbox turns events into deliveries.
type outbox struct{ *db }

const selectUnpublished = `SELECT ` + eventColumns + ` FROM events WHERE NOT told AND NOT ` + apartEvent + `$2) ORDER BY customer_id, subject_id, number LIMIT $1`

// Unpublished returns events that have not been published, in the order of their subjects.
func (s outbox) Unpublished(ctx context.Context, limit int) ([]curfew.Event, error) {
	all, err := many(ctx, s.db, scanEvent, selectUnpublished, limit, micros(s.now()))
	return all, wrap(err, "read the unpublished events")
}

const selectEnrichedEvent = `
SELECT events.id, events.customer_id, events.subject_id, events.number, events.from_status, events.to_status, events.actor, events.reason,
    events.run_id, events.at, events.subject, ` + sessionColumns + `, ` + checkoutColumns + `
FROM events
LEFT JOIN sessions own ON events.subject = 'session' AND own.customer_id = events.customer_id AND own.id = events.subject_id
LEFT JOIN checkouts ON checkouts.customer_id = events.customer_id
    AND checkouts.id = CASE events.subject WHEN 'session' THEN own.checkout_id ELSE events.subject_id END
LEFT JOIN sessions ON sessions.customer_id = events.customer_id
    AND sessions.id = CASE events.subject WHEN 'session' THEN events.subject_id ELSE checkouts.session_id END
WHERE events.customer_id = $1 AND events.subject_id = $2 AND events.number = $3`

// EnrichedEvents is events with what they are about.
func (s outbox) EnrichedEvents(ctx context.Context, events []curfew.Event) ([]record.EnrichedEvent, error) {
	var all []record.EnrichedEvent
	for _, e := range events {
		found, err := many(ctx, s.db, scanEnrichedEvent, selectEnrichedEvent, e.CustomerID, e.Subject, e.Number)
		if err != nil {
			return nil, wrap(err, "read what %d events are about", len(events))
		}
		all = append(all, found...)
	}
	return all, nil
}

func scanEnrichedEvent(r row) (record.EnrichedEvent, error) {
	var h record.EnrichedEvent
	var actor string
	err := r.Scan(slices.Concat(eventFields(&h.Event, &actor), []any{text(&h.Of)}, sessionFields(&h.Session), checkoutFields(&h.Checkout))...)
	h.Actor = record.ParseActor(actor)
	return h, err
}

const (
	publishEvent   = `UPDATE events SET told = 1 WHERE customer_id = $1 AND subject_id = $2 AND number = $3 AND NOT told`
	insertDelivery = `
INSERT INTO deliveries (customer_id, id, event_id, subject_id, number, channel, lane, destination, kind, body, next_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $11)`
)

// Publish marks events as published, and writes the deliveries of those that it
// marked.
func (s outbox) Publish(ctx context.Context, events []curfew.Event, deliveries []record.Delivery) (int, error) {
	published := make(map[string]bool, len(events))
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		for _, e := range events {
			n, err := tx.exec(ctx, publishEvent, e.CustomerID, e.Subject, e.Number)
			if err != nil {
				return err
			}
			published[e.ID] = n > 0
		}
		for _, d := range deliveries {
			if !published[d.EventID] {
				continue
			}
			if err := tx.insertDelivery(ctx, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, wrap(err, "publish %d events", len(events))
	}
	n := 0
	for _, marked := range published {
		if marked {
			n++
		}
	}
	return n, nil
}

func (tx *transaction) insertDelivery(ctx context.Context, d record.Delivery) error {
	_, err := tx.exec(ctx, insertDelivery, d.CustomerID, d.ID, d.EventID, d.Subject, d.Number, d.Channel, d.Queue, d.Destination,
		d.Kind, d.Body, micros(tx.now))
	return err
}
