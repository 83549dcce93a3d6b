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
		WHERE p.ref = $1 AND` + lostCheckout
	deleteClaim = `DELETE FROM curfew.payment_refs p WHERE p.ref = $1 AND p.checkout_id = $2 AND` + lostCheckout
	deleteKey   = `DELETE FROM curfew.idempotency_keys k WHERE k.customer_id = $1 AND k.key = $2 AND NOT EXISTS (
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

// Unclaim removes a claim, unless its checkout is there by now.
func (s claims) Unclaim(ctx context.Context, c record.PaymentClaim) error {
	_, err := s.exec(ctx, deleteClaim, c.Ref, c.CheckoutID)
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
