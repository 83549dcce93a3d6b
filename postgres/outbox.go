package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// outbox turns events into deliveries.
type outbox struct{ *db }

const selectUnpublished = `SELECT ` + eventColumns + ` FROM curfew.events e WHERE NOT told AND NOT ` + apartEvent + ` ORDER BY customer_id, subject_id, number LIMIT $1`

// Unpublished returns events that have not been published, in the order of their subjects.
func (s outbox) Unpublished(ctx context.Context, limit int) ([]curfew.Event, error) {
	all, err := many(ctx, s.db, scanEvent, selectUnpublished, limit)
	return all, wrap(err, "read the unpublished events")
}

const selectEnrichedEvents = `SELECT e.id, e.customer_id, e.subject_id, e.number, e.from_status, e.to_status, e.actor, e.reason, e.run_id, e.at,
		e.subject, ` + sessionColumns + `, ` + checkoutColumns + `
	FROM unnest($1::text[], $2::uuid[], $3::bigint[]) k (customer_id, subject_id, number)
		JOIN curfew.events e ON e.customer_id = k.customer_id AND e.subject_id = k.subject_id AND e.number = k.number
		LEFT JOIN curfew.sessions own ON e.subject = 'session' AND own.customer_id = e.customer_id AND own.id = e.subject_id
		LEFT JOIN curfew.checkouts c ON c.customer_id = e.customer_id
			AND c.id = CASE e.subject WHEN 'session' THEN own.checkout_id ELSE e.subject_id END
		LEFT JOIN curfew.sessions s ON s.customer_id = e.customer_id
			AND s.id = CASE e.subject WHEN 'session' THEN e.subject_id ELSE c.session_id END
	ORDER BY e.customer_id, e.subject_id, e.number`

// EnrichedEvents is events with what they are about.
func (s outbox) EnrichedEvents(ctx context.Context, events []curfew.Event) ([]record.EnrichedEvent, error) {
	var all []record.EnrichedEvent
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(byKey)
		b.Queue(selectEnrichedEvents, eventKeys(events)...).Query(func(rows pgx.Rows) (err error) {
			all, err = pgx.CollectRows(rows, scanEnrichedEvent)
			return err
		})
	})
	return all, wrap(err, "read what %d events are about", len(events))
}

func scanEnrichedEvent(r row) (record.EnrichedEvent, error) {
	var h record.EnrichedEvent
	var actor string
	err := r.Scan(slices.Concat(eventFields(&h.Event, &actor), []any{&h.Of}, sessionFields(&h.Session), checkoutFields(&h.Checkout))...)
	h.Actor = record.ParseActor(actor)
	return h, err
}

func eventKeys(events []curfew.Event) []any {
	n := len(events)
	customers, subjects, numbers := make([]string, n), make([]string, n), make([]int64, n)
	for i, e := range events {
		customers[i], subjects[i], numbers[i] = e.CustomerID, e.Subject, e.Number
	}
	return []any{customers, subjects, numbers}
}

// publishEvents has its condition twice, as endSessions.
const publishEvents = `UPDATE curfew.events e SET told = true
		FROM (SELECT e.customer_id, e.subject_id, e.number
			FROM curfew.events e JOIN unnest($1::text[], $2::uuid[], $3::bigint[]) k (customer_id, subject_id, number)
				ON e.customer_id = k.customer_id AND e.subject_id = k.subject_id AND e.number = k.number
			WHERE ` + isUnpublished + `
			ORDER BY e.customer_id, e.subject_id, e.number FOR UPDATE OF e SKIP LOCKED) k
		WHERE e.customer_id = k.customer_id AND e.subject_id = k.subject_id AND e.number = k.number AND ` + isUnpublished + `
		RETURNING e.id`

var insertDelivery = &insert{
	table:   "deliveries",
	columns: []string{"customer_id", "id", "event_id", "subject_id", "number", "channel", "lane", "destination", "kind", "body"},
}

// Publish marks events as published, and writes the deliveries of those that it
// marked.
func (s outbox) Publish(ctx context.Context, events []curfew.Event, deliveries []record.Delivery) (int, error) {
	var published map[string]bool
	err := s.tx(ctx, func(t *transaction) error {
		published = make(map[string]bool, len(events))
		if err := t.send(ctx, func(b *pgx.Batch) {
			b.Queue(byKey)
			b.Queue(publishEvents, eventKeys(events)...).Query(func(rows pgx.Rows) error {
				var id text
				_, err := pgx.ForEachRow(rows, []any{&id}, func() error { published[string(id)] = true; return nil })
				return err
			})
		}); err != nil {
			return err
		}
		return t.last(ctx, func(b *pgx.Batch) { queueDeliveries(b, deliveries, published) })
	})
	return len(published), wrap(err, "publish %d events", len(events))
}

func queueDeliveries(b *pgx.Batch, deliveries []record.Delivery, published map[string]bool) {
	var rows [][]any
	for _, d := range deliveries {
		if published[d.EventID] {
			rows = append(rows, deliveryValues(d))
		}
	}
	queueRows(b, insertDelivery, rows)
}

func deliveryValues(d record.Delivery) []any {
	return []any{d.CustomerID, d.ID, d.EventID, d.Subject, d.Number, d.Channel, d.Queue, d.Destination, d.Kind, d.Body}
}
