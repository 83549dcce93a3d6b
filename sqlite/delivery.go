package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// deliveries queues messages to endpoints and people.
type deliveries struct{ *db }

const deliveryColumns = `deliveries.id, deliveries.customer_id, deliveries.event_id, deliveries.subject_id, deliveries.number,
    deliveries.channel, deliveries.lane, deliveries.destination, deliveries.kind, deliveries.body, deliveries.state, deliveries.attempts,
    deliveries.failures, deliveries.next_at, deliveries.status, deliveries.error, deliveries.created_at, deliveries.updated_at`

const selectDelivery = `SELECT ` + deliveryColumns + ` FROM deliveries`

func deliveryFields(d *record.Delivery) []any {
	return []any{
		text(&d.ID), text(&d.CustomerID), text(&d.EventID), text(&d.Subject), number(&d.Number), text(&d.Channel), text(&d.Queue),
		text(&d.Destination), text(&d.Kind), text(&d.Body), text(&d.State), number(&d.Attempts), number(&d.Failures),
		moment(&d.NextAt), &d.Status, text(&d.Error), moment(&d.CreatedAt), moment(&d.UpdatedAt),
	}
}

func scanDelivery(r row) (record.Delivery, error) {
	var d record.Delivery
	err := r.Scan(deliveryFields(&d)...)
	return d, err
}

const selectQueueDue = `SELECT next_at FROM deliveries WHERE state = 'pending' AND lane = $1
    AND NOT ` + apartDelivery + `$2) ORDER BY next_at, id LIMIT 1`

// Due returns how long until each queue has something due.
func (s deliveries) Due(ctx context.Context, queues []string) (map[string]time.Duration, error) {
	due := make(map[string]time.Duration)
	for _, queue := range queues {
		at, err := many(ctx, s.db, value[int64], selectQueueDue, queue, micros(s.now()))
		if err != nil {
			return nil, wrap(err, "read which deliveries are due")
		}
		for _, at := range at {
			due[queue] = time.UnixMicro(at).Sub(s.now())
		}
	}
	return due, nil
}

// One whose subject has an earlier one on the way to the same destination, or
// an earlier unpublished event, goes behind it: so the head of the index stays
// what can go out. Where the earlier one may be under way it goes back for a
// moment only.
const (
	selectDueDeliveries = `
SELECT ` + deliveryColumns + waitsFor + `
FROM deliveries
WHERE deliveries.lane = $1 AND deliveries.state = 'pending' AND deliveries.next_at <= $3 AND NOT ` + apartDelivery + `$3)
ORDER BY deliveries.next_at, deliveries.id LIMIT $2`
	selectDueDelivery = `
SELECT ` + deliveryColumns + waitsFor + `
FROM deliveries
WHERE deliveries.customer_id = $1 AND deliveries.id = $2 AND deliveries.state = 'pending' AND deliveries.next_at <= $3`
	// waitsFor is what a delivery must wait for.
	waitsFor = `,
    (SELECT max(p.next_at) FROM deliveries p WHERE p.customer_id = deliveries.customer_id AND p.subject_id = deliveries.subject_id
        AND p.channel = deliveries.channel AND p.destination = deliveries.destination AND p.number < deliveries.number AND p.state = 'pending'),
    EXISTS (SELECT 1 FROM events WHERE events.customer_id = deliveries.customer_id AND events.subject_id = deliveries.subject_id
        AND events.number < deliveries.number AND NOT events.told)`
	selectClaimable = selectDelivery + `
WHERE deliveries.lane = $1 AND deliveries.state = 'pending' AND deliveries.next_at <= $3 AND NOT ` + apartDelivery + `$3)
ORDER BY deliveries.next_at, deliveries.id LIMIT $2`
	claimDelivery = `UPDATE deliveries SET attempts = attempts + 1, next_at = $3 WHERE customer_id = $1 AND id = $2 AND state = 'pending'`
	delayDelivery = `UPDATE deliveries SET next_at = $3 WHERE customer_id = $1 AND id = $2 AND state = 'pending'`
)

func scanDueDelivery(r row) (dueDelivery, error) {
	var c dueDelivery
	err := r.Scan(append(deliveryFields(&c.Delivery), moment(&c.behind), &c.unpublished)...)
	return c, err
}

// dueDelivery is a delivery that is due, with what it must wait for.
type dueDelivery struct {
	record.Delivery
	behind      time.Time // when the one before it is tried; zero: there is none
	unpublished bool      // an earlier event is not published
}

// Claim claims what a queue may send now.
func (s deliveries) Claim(ctx context.Context, queue string, limit int, lease time.Duration) ([]record.Delivery, bool, error) {
	claimed, looked, err := s.claim(ctx, lease, selectDueDeliveries, queue, limit)
	return claimed, looked == limit, err
}

// Claimable returns what Claim would look at, whether it must wait or not.
func (s deliveries) Claimable(ctx context.Context, queue string, limit int) ([]record.Delivery, error) {
	all, err := many(ctx, s.db, scanDelivery, selectClaimable, queue, limit, micros(s.now()))
	return all, wrap(err, "read the deliveries of %s", queue)
}

// ClaimOne is Claim for one delivery alone.
func (s deliveries) ClaimOne(ctx context.Context, d record.Delivery, lease time.Duration) ([]record.Delivery, error) {
	claimed, _, err := s.claim(ctx, lease, selectDueDelivery, d.CustomerID, d.ID)
	return claimed, err
}

// claim claims what a query with two arguments of its own finds, and says how
// many it looked at.
func (s deliveries) claim(ctx context.Context, lease time.Duration, query string, one, two any) ([]record.Delivery, int, error) {
	var looked []dueDelivery
	var claimed []record.Delivery
	err := s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		claimed = nil
		looked, err = many(ctx, tx, scanDueDelivery, query, one, two, micros(tx.now))
		if err == nil && len(looked) == 0 {
			return errNothing
		}
		if err != nil {
			return err
		}
		for _, c := range looked {
			free, err := tx.claimDelivery(ctx, &c, lease)
			if err != nil {
				return err
			}
			if free {
				claimed = append(claimed, c.Delivery)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errNothing) {
		return nil, 0, wrap(err, "claim deliveries of %v", one)
	}
	return claimed, len(looked), nil
}

func (tx *transaction) claimDelivery(ctx context.Context, c *dueDelivery, lease time.Duration) (bool, error) {
	if c.unpublished || !c.behind.IsZero() {
		at := tx.now.Add(time.Second)
		if c.behind.After(tx.now.Add(lease)) {
			at = c.behind
		}
		_, err := tx.exec(ctx, delayDelivery, c.CustomerID, c.ID, micros(at))
		return false, err
	}
	c.Attempts, c.NextAt = c.Attempts+1, tx.now.Add(lease)
	_, err := tx.exec(ctx, claimDelivery, c.CustomerID, c.ID, micros(c.NextAt))
	return true, err
}

// errNothing ends a transaction that would write nothing.
var errNothing = errors.New("nothing to write")

// A delivery is found by its id alone: its checkout may have been given to another
// customer while it was sent (Reassign), and its row with it.
const (
	settleDelivery = `
UPDATE deliveries SET state = $3, failures = $4, next_at = $5, status = $6, error = $7, updated_at = $8
WHERE id = $1 AND attempts = $2 AND state = 'pending'
RETURNING customer_id`
	freeBehind = `
UPDATE deliveries SET next_at = $6
WHERE customer_id = $1 AND subject_id = $2 AND channel = $3 AND destination = $4 AND number > $5
    AND state = 'pending' AND failures = 0 AND next_at > $6`
)

// Settle writes the results of attempts, except those of a claim that is not the last.
func (s deliveries) Settle(ctx context.Context, attempts []record.Attempt) (int, error) {
	var settled int
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		settled = 0
		for _, a := range attempts {
			err := tx.settleDelivery(ctx, a)
			if err == nil {
				settled++
			} else if !errors.Is(err, curfew.NotFound) {
				return err
			}
		}
		return nil
	})
	return settled, wrap(err, "settle %d deliveries", len(attempts))
}

func (tx *transaction) settleDelivery(ctx context.Context, a record.Attempt) error {
	d, v := a.Delivery, a.Verdict
	customerID, err := one(ctx, tx, value[string], settleDelivery, d.ID, d.Attempts, string(v.State), a.Failures,
		micros(tx.now.Add(a.Wait)), v.Status, v.Error, micros(tx.now))
	if err != nil || v.State == record.DeliveryPending {
		return err
	}
	_, err = tx.exec(ctx, freeBehind, customerID, d.Subject, d.Channel, d.Destination, d.Number, micros(tx.now))
	return err
}

const forgetDeliveries = `
DELETE FROM deliveries WHERE rowid IN (
    SELECT rowid FROM deliveries WHERE state = 'delivered' AND updated_at < $1 ORDER BY updated_at LIMIT $2)`

// Forget deletes what was delivered longer ago than olderThan.
func (s deliveries) Forget(ctx context.Context, olderThan time.Duration, limit int) (int, error) {
	n, err := s.exec(ctx, forgetDeliveries, fromNow(-olderThan), limit)
	return int(n), wrap(err, "forget deliveries")
}
