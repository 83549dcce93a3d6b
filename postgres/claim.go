package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// claims reads and repairs what is left of a checkout whose rows are incomplete.
type claims struct{ *db }

// What is left of a checkout is found by the keys of its customer.
const (
	lostCheckout = ` NOT EXISTS (SELECT FROM curfew.checkouts c WHERE c.customer_id = p.customer_id AND c.id = p.checkout_id)`
	selectClaim  = `SELECT p.ref, p.customer_id, p.checkout_id, p.plan, e.to_status, e.number, s.id, s.kept
		FROM curfew.payment_refs p
		LEFT JOIN LATERAL (SELECT e.to_status, e.number FROM curfew.events e
			WHERE e.customer_id = p.customer_id AND e.subject_id = p.checkout_id ORDER BY e.number DESC LIMIT 1) e ON true
		LEFT JOIN LATERAL (SELECT s.id, bool_or(s.status <> 'cancelled') OVER () AS kept FROM curfew.sessions s
			WHERE s.customer_id = p.customer_id AND s.checkout_id = p.checkout_id ORDER BY s.created_at, s.id LIMIT 1) s ON true
		WHERE p.ref = $1 AND` + lostCheckout + ` AND NOT ` + onlyReported
	// onlyReported: providers told of the payment, and nobody has used it yet.
	onlyReported = `(p.customer_id = E'\x7f' AND p.version > 0)`
	deleteClaim  = `DELETE FROM curfew.payment_refs p WHERE p.ref = $1 AND p.checkout_id = $2 AND p.version = 0 AND` + lostCheckout
	freeNames    = `UPDATE curfew.payment_refs p SET customer_id = E'\x7f', plan = '' WHERE p.checkout_id = $1 AND p.version > 0 AND` + lostCheckout
	deleteKey    = `DELETE FROM curfew.idempotency_keys k WHERE k.customer_id = $1 AND k.key = $2 AND NOT EXISTS (
		SELECT FROM curfew.checkouts c JOIN curfew.sessions s ON s.customer_id = c.customer_id
		WHERE c.customer_id = k.customer_id AND c.id = k.checkout_id AND s.id = k.session_id)`
	stepRecovered = `UPDATE curfew.checkouts c SET version = c.version + 1, outcome = $3, retry_until = NULL,
			refund_amount = CASE WHEN $3 = 'refunding' THEN c.refund_amount ELSE 0 END
		WHERE c.customer_id = $1 AND c.id = $2`
)

// insertRecovered is insertCheckout with a version of its own.
var insertRecovered = &insert{
	table: "checkouts", columns: checkoutInsertColumns, values: map[string]string{"retry_until": "now() + $::interval"},
}

// LostCheckout returns the claim of a reference whose checkout is missing.
func (s claims) LostCheckout(ctx context.Context, ref string) (record.PaymentClaim, error) {
	c, err := one(ctx, s.db, func(r row) (c record.PaymentClaim, err error) {
		err = r.Scan((*text)(&c.Ref), (*text)(&c.CustomerID), (*text)(&c.CheckoutID), (*text)(&c.Plan),
			(*text)(&c.Outcome), (*number)(&c.Version), (*text)(&c.SessionID), (*flag)(&c.Kept))
		return c, err
	}, selectClaim, ref)
	return c, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "the payment reference %q has no claim without a checkout", ref)), "look a claim up")
}

// Unclaim removes a claim, unless its checkout is there by now. The names of a payment
// that a provider told of stay, and are anybody's.
func (s claims) Unclaim(ctx context.Context, c record.PaymentClaim) error {
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(deleteClaim, c.Ref, c.CheckoutID)
		b.Queue(lockNamesOf, c.CheckoutID)
		b.Queue(freeNames, c.CheckoutID)
	})
	return wrap(err, "remove the claim of %s", c.Ref)
}

// ForgetKey removes an idempotency key whose checkout or session is missing.
func (s claims) ForgetKey(ctx context.Context, customerID, key string) error {
	_, err := s.exec(ctx, deleteKey, customerID, key)
	return wrap(err, "forget a key of %s", customerID)
}

// Recover writes the missing checkout of a claim. One whose outcome no payment
// begins with is written as what leads to it, and takes that step: guards and
// tallies see nothing new.
func (s claims) Recover(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) error {
	first, step := c.Beginning()
	err := s.tx(ctx, func(t *transaction) error {
		return t.send(ctx, func(b *pgx.Batch) {
			b.Queue(insertRecovered.rows(1), append(checkoutValues(first, first.Outcome, c.SessionID, ttl), max(first.Version, 1))...)
			if first.Outcome == curfew.Fulfilled {
				b.Queue(tallyFulfilled)
			}
			if step {
				b.Queue(stepRecovered, c.CustomerID, c.ID, c.Outcome)
			}
			if c.Version == 0 {
				queueEvents(b, []event{{
					subject: "checkout", customerID: c.CustomerID, subjectID: c.ID, number: 1,
					to: string(c.Outcome), actor: actor, reason: record.RecoveredReason,
				}})
			}
		})
	})
	return wrap(err, "recover checkout %s", c.ID)
}

// The names of a payment that was told of before its checkout.
const (
	lockNamesOf = `SELECT p.ref FROM curfew.payment_refs p WHERE p.checkout_id = $1 ORDER BY p.ref COLLATE "C" FOR UPDATE`
	takeNames   = `UPDATE curfew.payment_refs p SET customer_id = $3, plan = $4
		WHERE p.checkout_id = $1 AND p.version = $2 AND p.customer_id = E'\x7f' AND NOT EXISTS (SELECT FROM curfew.checkouts c WHERE c.id = $1)`
	// keepNames leaves them with the first checkout: this one is a further line.
	keepNames = `UPDATE curfew.payment_refs p SET version = p.version WHERE p.checkout_id = $1 AND p.version = $2
		AND NOT EXISTS (SELECT FROM curfew.checkouts c WHERE c.line_of = $1 AND c.line = $3)`
	addName = `INSERT INTO curfew.payment_refs AS p (ref, customer_id, checkout_id, plan, version) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (ref) DO UPDATE SET version = excluded.version WHERE p.checkout_id = excluded.checkout_id`
)

// queueClaim queues the claim of a new checkout's reference. If its payment was told of
// before, that one's names become its own.
func queueClaim(b *pgx.Batch, c curfew.Checkout) {
	switch {
	case !compared(c) && c.Ref != "":
		b.Queue(insertClaim.rows(1), claimValues(c)...)
	case c.LineOf != "":
		b.Queue(lockNamesOf, c.LineOf)
		b.Queue(keepNames, c.LineOf, c.Version, max(c.Line, 1)).Exec(hit("payment %s has moved", c.LineOf))
	case c.Version > 0:
		b.Queue(lockNamesOf, c.ID)
		b.Queue(takeNames, c.ID, c.Version, c.CustomerID, c.Plan).Exec(hit("payment %s has moved", c.ID))
		if c.Ref != "" {
			b.Queue(addName, c.Ref, c.CustomerID, c.ID, c.Plan, c.Version).Exec(hit("payment %s has moved", c.ID))
		}
	}
}

// compared reports whether a new checkout's payment is there already: it was told of
// before, or has other lines.
func compared(c curfew.Checkout) bool { return c.Version > 0 || c.LineOf != "" }

// writeCheckout writes a new checkout, in a transaction that compares its payment if
// that is there already.
func writeCheckout(ctx context.Context, d *db, c curfew.Checkout, queue func(*pgx.Batch)) error {
	if !compared(c) {
		return d.send(ctx, queue)
	}
	return d.tx(ctx, func(t *transaction) error { return t.send(ctx, queue) })
}
