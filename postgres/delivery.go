package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew/internal/record"
)

// deliveries queues messages to endpoints and people.
type deliveries struct{ *db }

const (
	deliveryColumns = `d.id, d.customer_id, d.event_id, d.subject_id, d.number, d.channel, d.lane, d.destination, d.kind, d.body, d.state,
		d.attempts, d.failures, d.next_at, d.status, d.error, d.created_at, d.updated_at`
	selectDelivery = `SELECT ` + deliveryColumns + ` FROM curfew.deliveries d`
)

func deliveryFields(d *record.Delivery) []any {
	return []any{
		(*text)(&d.ID), (*text)(&d.CustomerID), (*text)(&d.EventID), (*text)(&d.Subject), &d.Number, (*text)(&d.Channel), (*text)(&d.Queue),
		(*text)(&d.Destination), (*text)(&d.Kind), (*text)(&d.Body), (*text)(&d.State), &d.Attempts, &d.Failures,
		(*moment)(&d.NextAt), &d.Status, (*text)(&d.Error), (*moment)(&d.CreatedAt), (*moment)(&d.UpdatedAt),
	}
}

func scanDelivery(r row) (record.Delivery, error) {
	var d record.Delivery
	err := r.Scan(deliveryFields(&d)...)
	return d, err
}

const selectQueueDue = `SELECT l.lane, (extract(epoch FROM first.next_at - now()) * 1000000)::bigint
	FROM unnest($1::text[]) l (lane), LATERAL (
		SELECT d.next_at FROM curfew.deliveries d WHERE d.state = 'pending' AND d.lane = l.lane AND NOT ` + apartDelivery + `
		ORDER BY d.next_at, d.id LIMIT 1) first`

// Due returns how long until each queue has something due.
func (s deliveries) Due(ctx context.Context, queues []string) (map[string]time.Duration, error) {
	due := make(map[string]time.Duration)
	var queue string
	var micros int64
	err := s.read(ctx, func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&queue, &micros}, func() error {
			due[queue] = time.Duration(micros) * time.Microsecond
			return nil
		})
		return err
	}, selectQueueDue, queues)
	return due, wrap(err, "read which deliveries are due")
}

// claimDeliveries looks at the first that are due. One whose subject has an
// earlier one on the way to the same destination, or an earlier unpublished
// event, goes behind it: so the head of the index stays what can go out. Where
// the earlier one may be under way it goes back for a moment only: whoever
// settles that one may not have seen this one go.
const (
	claimDeliveries = claimHead + ` AND NOT ` + apartDelivery + claimTail
	claimDelivery   = claimHead + ` AND d.id = $4` + claimTail
	claimHead       = `WITH k AS MATERIALIZED (
			SELECT d.customer_id, d.id, b.behind, b.behind IS NULL AND NOT EXISTS (SELECT FROM curfew.events e
				WHERE e.customer_id = d.customer_id AND e.subject_id = d.subject_id AND e.number < d.number AND ` + isUnpublished + `) AS free
			FROM curfew.deliveries d CROSS JOIN LATERAL (SELECT max(next_at) AS behind FROM (SELECT p.next_at FROM curfew.deliveries p
				WHERE p.customer_id = d.customer_id AND p.subject_id = d.subject_id AND p.channel = d.channel
					AND p.destination = d.destination AND p.number < d.number AND p.state = 'pending' ORDER BY p.number) p) b
			WHERE d.lane = $1 AND d.state = 'pending' AND d.next_at <= now()`
	claimTail = `
			ORDER BY d.next_at, d.id LIMIT $2 FOR UPDATE OF d SKIP LOCKED)
		UPDATE curfew.deliveries d SET
			attempts = d.attempts + CASE WHEN k.free THEN 1 ELSE 0 END,
			next_at = CASE WHEN k.free THEN now() + $3::interval WHEN k.behind > clock_timestamp() + $3 THEN k.behind ELSE now() + interval '1 second' END
		FROM k
		WHERE d.customer_id = k.customer_id AND d.id = k.id AND d.state || '' = 'pending' AND d.next_at <= now()
		RETURNING ` + deliveryColumns + `, k.free`
	selectClaimable = selectDelivery + ` WHERE d.lane = $1 AND d.state = 'pending' AND d.next_at <= now() AND NOT ` + apartDelivery + `
		ORDER BY d.next_at, d.id LIMIT $2`
)

// Claim claims what a queue may send now.
func (s deliveries) Claim(ctx context.Context, queue string, limit int, lease time.Duration) ([]record.Delivery, bool, error) {
	return s.claim(ctx, claimDeliveries, queue, limit, lease)
}

// Claimable returns what Claim would look at, whether it must wait or not.
func (s deliveries) Claimable(ctx context.Context, queue string, limit int) ([]record.Delivery, error) {
	all, err := many(ctx, s.db, scanDelivery, selectClaimable, queue, limit)
	return all, wrap(err, "read the deliveries of %s", queue)
}

// ClaimOne is Claim for one delivery alone.
func (s deliveries) ClaimOne(ctx context.Context, d record.Delivery, lease time.Duration) ([]record.Delivery, error) {
	claimed, _, err := s.claim(ctx, claimDelivery, d.Queue, 1, lease, d.ID)
	return claimed, err
}

func (s deliveries) claim(ctx context.Context, sql, queue string, limit int, lease time.Duration, only ...any) ([]record.Delivery, bool, error) {
	looked := 0
	var claimed []record.Delivery
	err := s.send(ctx, func(b *pgx.Batch) {
		looked, claimed = 0, nil
		b.Queue(byIndex)
		b.Queue(sql, append([]any{queue, limit, lease}, only...)...).Query(func(rows pgx.Rows) error {
			var d record.Delivery
			var free bool
			_, err := pgx.ForEachRow(rows, append(deliveryFields(&d), &free), func() error {
				if looked++; free {
					claimed = append(claimed, d)
				}
				return nil
			})
			return err
		})
	})
	return claimed, looked == limit, wrap(err, "claim deliveries of %s", queue)
}

// A delivery is found by its id alone: its checkout may have been given to another
// customer while it was sent (Reassign), and its row with it.
const (
	settleDelivery = `UPDATE curfew.deliveries d SET
			state = $3, failures = $4, next_at = now() + $5::interval, status = $6, error = $7, updated_at = now()
		WHERE d.id = $1 AND d.attempts = $2 AND d.state || '' = 'pending'
		RETURNING d.customer_id`
	freeBehind = `UPDATE curfew.deliveries d SET next_at = now()
		FROM (SELECT p.customer_id, p.id FROM curfew.deliveries p
			WHERE p.customer_id = $1 AND p.subject_id = $2 AND p.channel = $3 AND p.destination = $4 AND p.number > $5
				AND p.state = 'pending' ORDER BY p.number OFFSET 0) k
		WHERE d.customer_id = k.customer_id AND d.id = k.id AND d.state || '' = 'pending' AND d.failures = 0 AND d.next_at > now()`
)

// Settle writes the results of attempts, except those of a claim that is not the last.
func (s deliveries) Settle(ctx context.Context, attempts []record.Attempt) (int, error) {
	var settled int
	var moved []record.Attempt
	err := s.send(ctx, func(b *pgx.Batch) {
		settled, moved = 0, nil
		b.Queue(byIndex)
		for _, a := range attempts {
			queueAttempt(b, a, &settled, &moved)
		}
	})
	if err == nil && len(moved) > 0 {
		err = s.send(ctx, func(b *pgx.Batch) {
			b.Queue(byIndex)
			for _, a := range moved {
				queueFreeBehind(b, a)
			}
		})
	}
	return settled, wrap(err, "settle %d deliveries", len(attempts))
}

// queueAttempt counts the attempt if it is settled, and lists it as moved if its delivery is another customer's by then.
func queueAttempt(b *pgx.Batch, a record.Attempt, settled *int, moved *[]record.Attempt) {
	d, v := a.Delivery, a.Verdict
	b.Queue(settleDelivery, d.ID, d.Attempts, v.State, a.Failures, a.Wait, v.Status, v.Error).Query(func(rows pgx.Rows) error {
		now := a
		_, err := pgx.ForEachRow(rows, []any{(*text)(&now.Delivery.CustomerID)}, func() error {
			*settled++
			if now.Delivery.CustomerID != d.CustomerID {
				*moved = append(*moved, now)
			}
			return nil
		})
		return err
	})
	queueFreeBehind(b, a)
}

func queueFreeBehind(b *pgx.Batch, a record.Attempt) {
	if d := a.Delivery; a.Verdict.State != record.DeliveryPending {
		b.Queue(freeBehind, d.CustomerID, d.Subject, d.Channel, d.Destination, d.Number)
	}
}

const forgetDeliveries = `DELETE FROM curfew.deliveries d
	USING (SELECT customer_id, id FROM curfew.deliveries
		WHERE state = 'delivered' AND updated_at < now() - $1::interval ORDER BY updated_at LIMIT $2) k
	WHERE d.customer_id = k.customer_id AND d.id = k.id AND d.state || '' = 'delivered'`

// Forget deletes what was delivered longer ago than olderThan.
func (s deliveries) Forget(ctx context.Context, olderThan time.Duration, limit int) (int, error) {
	var n int64
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(byKey)
		b.Queue(forgetDeliveries, olderThan, limit).Exec(func(tag pgconn.CommandTag) error {
			n = tag.RowsAffected()
			return nil
		})
	})
	return int(n), wrap(err, "forget deliveries")
}
