package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// quarantine stores the rows that could not be settled.
type quarantine struct{ *db }

// upsertQuarantine stores one more failure. It does not count again one that another
// process has just stored.
const upsertQuarantine = `INSERT INTO curfew.quarantine AS q (customer_id, noun, id, version, step, first_error, last_error, next_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6, now() + $7::interval)
	ON CONFLICT (customer_id, noun, id) DO UPDATE SET
		version = excluded.version, step = excluded.step, last_error = excluded.last_error, tries = q.tries + 1, tried_at = now(),
		next_at = now() + LEAST($7::interval * power(2, LEAST(q.tries, 20)), $8::interval)
	WHERE q.next_at <= now() OR q.version <> excluded.version`

// Quarantine quarantines a row, for longer each time.
func (s quarantine) Quarantine(ctx context.Context, q curfew.Quarantined) error {
	_, err := s.exec(ctx, upsertQuarantine, q.CustomerID, q.Noun, quarantineID(q.ID), q.Version, q.Step, q.LastError,
		record.FirstQuarantine, record.LongestQuarantine)
	return wrap(translate(err), "set %s %s apart", q.Noun, q.ID)
}

// quarantineID is the id under which something is set apart: of a customer, the
// nil UUID.
func quarantineID(id string) string {
	if !isID(id) {
		return uuid.Nil.String()
	}
	return id
}

const (
	// stuck asks whether the row that entry q names is still in the state in which it failed. EXISTS
	// would not do: the planner would hash whole tables for a few entries.
	stuck = `(CASE q.noun
		WHEN 'session' THEN (SELECT true FROM curfew.sessions s WHERE s.customer_id = q.customer_id AND s.id = q.id
			AND s.version = q.version AND ` + notEnded + ` LIMIT 1)
		WHEN 'payment' THEN (SELECT true FROM curfew.checkouts c WHERE c.customer_id = q.customer_id AND c.id = q.id
			AND c.version = q.version AND (c.money_due::int = 1 OR c.outcome || '' IN ('deferred', 'credited', 'refund_due', 'refunding')
				OR c.capture || '' IN (` + unsettledCaptures + `) OR (SELECT true FROM curfew.payment_refs p
					WHERE p.checkout_id = coalesce(c.line_of, c.id) AND p.judged + 0 < p.version LIMIT 1)) LIMIT 1)
		WHEN 'customer' THEN (SELECT true FROM curfew.checkouts c WHERE c.customer_id = q.customer_id AND c.outcome || '' = 'deferred' LIMIT 1)
			AND (SELECT true FROM curfew.sessions s WHERE s.customer_id = q.customer_id AND s.status || '' IN ('waiting', 'live') LIMIT 1) IS NULL
		WHEN 'event' THEN (SELECT true FROM curfew.events e WHERE e.customer_id = q.customer_id AND e.id = q.id AND ` + isUnpublished + ` LIMIT 1)
		ELSE (SELECT true FROM curfew.deliveries d WHERE d.customer_id = q.customer_id AND d.id = q.id AND d.state || '' = 'pending' LIMIT 1)
		END IS TRUE)`
	selectQuarantined = `SELECT q.noun, q.customer_id, q.id, q.version, q.step, q.first_error, q.last_error, q.tries, q.since, q.tried_at,
			q.next_at, q.next_at - now()
		FROM curfew.quarantine q WHERE ` + stuck + ` ORDER BY q.since, q.customer_id, q.noun, q.id LIMIT $1`
	leaveQuarantine = `DELETE FROM curfew.quarantine q WHERE NOT ` + stuck
	// The lists that begin with the oldest leave out rows in quarantine: a row that keeps
	// failing would stay at their head for ever.
	apart        = `EXISTS (SELECT FROM curfew.quarantine q WHERE q.next_at > now() AND `
	apartPayment = apart + `q.noun = 'payment' AND q.customer_id = c.customer_id AND q.id = c.id AND q.version = c.version)`
	apartPayer   = apart + `q.noun = 'customer' AND q.customer_id = c.customer_id)`
	apartEvent   = apart + `q.noun = 'event' AND q.customer_id = e.customer_id AND q.id = e.id)`
	// apartUnjudged is the payments of which a checkout is set apart, found by their keys.
	apartUnjudged = `SELECT coalesce((SELECT coalesce(c.line_of, c.id) FROM curfew.checkouts c
			WHERE c.customer_id = q.customer_id AND c.id = q.id AND c.version = q.version), '` + lowestID + `')
		FROM curfew.quarantine q WHERE q.noun = 'payment' AND q.next_at > now()`
	apartDelivery = apart + `q.noun = 'delivery' AND q.customer_id = d.customer_id AND q.id = d.id)`
)

// Quarantined returns the rows in quarantine that are still unsettled, longest first.
func (s quarantine) Quarantined(ctx context.Context, limit int) ([]curfew.Quarantined, error) {
	all, err := many(ctx, s.db, scanQuarantined, selectQuarantined, limit)
	return all, wrap(err, "read what is set apart")
}

func scanQuarantined(r row) (curfew.Quarantined, error) {
	var q curfew.Quarantined
	err := r.Scan((*text)(&q.Noun), &q.CustomerID, (*text)(&q.ID), &q.Version, &q.Step, &q.FirstError, &q.LastError, &q.Tries,
		(*moment)(&q.Since), (*moment)(&q.TriedAt), (*moment)(&q.NextAt), (*span)(&q.Wait))
	if q.Noun == curfew.QuarantinedCustomer {
		q.ID = ""
	}
	return q, err
}

// LeaveQuarantine deletes entries that were settled or have changed since.
func (s quarantine) LeaveQuarantine(ctx context.Context) error {
	_, err := s.exec(ctx, leaveQuarantine)
	return wrap(translate(err), "forget what is settled")
}
