package sqlite

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// quarantine stores the rows that could not be settled.
type quarantine struct{ *db }

// upsertQuarantine stores one more failure. It does not count again one that another
// process has just stored.
const upsertQuarantine = `
INSERT INTO quarantine (customer_id, noun, id, version, step, first_error, last_error, since, tried_at, next_at)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $7, $7 + $8)
ON CONFLICT (customer_id, noun, id) DO UPDATE SET
    version = excluded.version, step = excluded.step, last_error = excluded.last_error, tries = quarantine.tries + 1, tried_at = $7,
    next_at = $7 + min($8 << min(quarantine.tries, 20), $9)
WHERE quarantine.next_at <= $7 OR quarantine.version <> excluded.version`

// Quarantine quarantines a row, for longer each time.
func (s quarantine) Quarantine(ctx context.Context, q curfew.Quarantined) error {
	_, err := s.exec(ctx, upsertQuarantine, q.CustomerID, string(q.Noun), quarantineID(q.ID), q.Version, q.Step, q.LastError,
		fromNow(0), record.FirstQuarantine.Microseconds(), record.LongestQuarantine.Microseconds())
	return wrap(err, "set %s %s apart", q.Noun, q.ID)
}

// quarantineID is the id under which something is set apart: of a customer, the
// nil UUID.
func quarantineID(id string) string {
	if id == "" {
		return uuid.Nil.String()
	}
	return id
}

const (
	// stuck asks whether the row that an entry names is still in the state in which it failed.
	stuck = `CASE quarantine.noun
    WHEN 'session' THEN EXISTS (SELECT 1 FROM sessions s WHERE s.customer_id = quarantine.customer_id AND s.id = quarantine.id
        AND s.version = quarantine.version AND s.status IN ('scheduled', 'waiting', 'live'))
    WHEN 'payment' THEN EXISTS (SELECT 1 FROM checkouts c WHERE c.customer_id = quarantine.customer_id AND c.id = quarantine.id
        AND c.version = quarantine.version AND (c.money_due OR c.outcome IN ('deferred', 'credited', 'refund_due', 'refunding')
            OR c.capture IN (` + unsettledCaptures + `) OR EXISTS (SELECT 1 FROM payment_refs p
                WHERE p.checkout_id = coalesce(c.line_of, c.id) AND p.judged < p.version)))
    WHEN 'customer' THEN EXISTS (SELECT 1 FROM checkouts c WHERE c.customer_id = quarantine.customer_id AND c.outcome = 'deferred')
        AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.customer_id = quarantine.customer_id AND s.status IN ('waiting', 'live'))
    WHEN 'event' THEN EXISTS (SELECT 1 FROM events e WHERE e.customer_id = quarantine.customer_id AND e.id = quarantine.id AND NOT e.told)
    ELSE EXISTS (SELECT 1 FROM deliveries d WHERE d.customer_id = quarantine.customer_id AND d.id = quarantine.id AND d.state = 'pending')
    END`
	selectQuarantined = `
SELECT noun, customer_id, id, version, step, first_error, last_error, tries, since, tried_at, next_at
FROM quarantine WHERE ` + stuck + ` ORDER BY since, customer_id, noun, id LIMIT $1`
	leaveQuarantine = `DELETE FROM quarantine WHERE NOT ` + stuck
	// The lists that begin with the oldest leave out rows in quarantine: a row that keeps
	// failing would stay at their head for ever. The present moment follows as an argument.
	apartPayment = `EXISTS (SELECT 1 FROM quarantine q
    WHERE q.customer_id = checkouts.customer_id AND q.noun = 'payment' AND q.id = checkouts.id
      AND q.version = checkouts.version AND q.next_at > `
	apartPayer = `EXISTS (SELECT 1 FROM quarantine q
    WHERE q.customer_id = checkouts.customer_id AND q.noun = 'customer' AND q.next_at > `
	apartEvent = `EXISTS (SELECT 1 FROM quarantine q
    WHERE q.customer_id = events.customer_id AND q.noun = 'event' AND q.id = events.id AND q.next_at > `
	// apartUnjudged is the payments of which a checkout is set apart, found by their keys.
	apartUnjudged = `
    SELECT coalesce((SELECT coalesce(c.line_of, c.id) FROM checkouts c
        WHERE c.customer_id = q.customer_id AND c.id = q.id AND c.version = q.version), '')
    FROM quarantine q WHERE q.noun = 'payment' AND q.next_at > `
	apartDelivery = `EXISTS (SELECT 1 FROM quarantine q
    WHERE q.customer_id = deliveries.customer_id AND q.noun = 'delivery' AND q.id = deliveries.id AND q.next_at > `
)

// Quarantined returns the rows in quarantine that are still unsettled, longest first.
func (s quarantine) Quarantined(ctx context.Context, limit int) ([]curfew.Quarantined, error) {
	all, err := many(ctx, s.db, scanQuarantined(s.now()), selectQuarantined, limit)
	return all, wrap(err, "read what is set apart")
}

func scanQuarantined(now time.Time) func(row) (curfew.Quarantined, error) {
	return func(r row) (curfew.Quarantined, error) {
		var q curfew.Quarantined
		err := r.Scan(text(&q.Noun), text(&q.CustomerID), text(&q.ID), number(&q.Version), text(&q.Step), text(&q.FirstError),
			text(&q.LastError), number(&q.Tries), moment(&q.Since), moment(&q.TriedAt), moment(&q.NextAt))
		q.Wait = q.NextAt.Sub(now)
		if q.Noun == curfew.QuarantinedCustomer {
			q.ID = ""
		}
		return q, err
	}
}

// LeaveQuarantine deletes entries that were settled or have changed since.
func (s quarantine) LeaveQuarantine(ctx context.Context) error {
	_, err := s.exec(ctx, leaveQuarantine)
	return wrap(err, "forget what is settled")
}
