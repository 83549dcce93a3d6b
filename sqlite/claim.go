package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// claims reads and repairs what is left of a checkout whose rows are incomplete.
type claims struct{ *db }

// What is left of a checkout is found by the keys of its customer.
const (
	lostCheckout = ` NOT EXISTS (SELECT 1 FROM checkouts c WHERE c.customer_id = p.customer_id AND c.id = p.checkout_id)`
	selectClaim  = `
SELECT p.ref, p.customer_id, p.checkout_id, p.plan,
    (SELECT e.to_status FROM events e WHERE e.customer_id = p.customer_id AND e.subject_id = p.checkout_id ORDER BY e.number DESC LIMIT 1),
    (SELECT max(e.number) FROM events e WHERE e.customer_id = p.customer_id AND e.subject_id = p.checkout_id),
    (SELECT s.id FROM sessions s WHERE s.customer_id = p.customer_id AND s.checkout_id = p.checkout_id ORDER BY s.created_at, s.id LIMIT 1),
    EXISTS (SELECT 1 FROM sessions s WHERE s.customer_id = p.customer_id AND s.checkout_id = p.checkout_id AND s.status <> 'cancelled')
FROM payment_refs p WHERE p.ref = $1 AND` + lostCheckout + ` AND NOT ` + onlyReported
	// onlyReported: providers told of the payment, and nobody has used it yet.
	onlyReported = `(p.customer_id = char(127) AND p.version > 0)`
	deleteClaim  = `DELETE FROM payment_refs AS p WHERE p.ref = $1 AND p.checkout_id = $2 AND p.version = 0 AND` + lostCheckout
	freeNames    = `UPDATE payment_refs AS p SET customer_id = char(127), plan = '' WHERE p.checkout_id = $1 AND p.version > 0 AND` + lostCheckout
	deleteKey    = `
DELETE FROM idempotency_keys AS k WHERE k.customer_id = $1 AND k.key = $2 AND NOT EXISTS (
    SELECT 1 FROM checkouts c JOIN sessions s ON s.customer_id = c.customer_id
    WHERE c.customer_id = k.customer_id AND c.id = k.checkout_id AND s.id = k.session_id)`
	numberRecovered = `UPDATE checkouts SET version = version + 1 WHERE customer_id = $1 AND id = $2`
	stepRecovered   = `
UPDATE checkouts SET version = version + 1, outcome = $3, retry_until = NULL,
    refund_amount = CASE WHEN $3 = 'refunding' THEN refund_amount ELSE 0 END
WHERE customer_id = $1 AND id = $2`
)

// LostCheckout returns the claim of a reference whose checkout is missing.
func (s claims) LostCheckout(ctx context.Context, ref string) (record.PaymentClaim, error) {
	c, err := one(ctx, s.db, func(r row) (c record.PaymentClaim, err error) {
		err = r.Scan(text(&c.Ref), text(&c.CustomerID), text(&c.CheckoutID), text(&c.Plan),
			text(&c.Outcome), number(&c.Version), text(&c.SessionID), flag(&c.Kept))
		return c, err
	}, selectClaim, ref)
	return c, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "the payment reference %q has no claim without a checkout", ref)), "look a claim up")
}

// Unclaim removes a claim, unless its checkout is there by now. The names of a payment
// that a provider told of stay, and are anybody's.
func (s claims) Unclaim(ctx context.Context, c record.PaymentClaim) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if _, err := tx.exec(ctx, deleteClaim, c.Ref, c.CheckoutID); err != nil {
			return err
		}
		_, err := tx.exec(ctx, freeNames, c.CheckoutID)
		return err
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
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error { return tx.recoverCheckout(ctx, c, actor, ttl) })
	return wrap(err, "recover checkout %s", c.ID)
}

func (tx *transaction) recoverCheckout(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) error {
	first, step := c.Beginning()
	first.RetryUntil, first.RefundAmount = time.Time{}, refundOf(c.Amount, first.Outcome)
	if first.Outcome == curfew.Deferred {
		first.RetryUntil = tx.now.Add(ttl).Truncate(time.Microsecond)
	}
	if err := tx.insertCheckout(ctx, first); err != nil {
		return err
	}
	for range first.Version - 1 { // a row begins with version 1, and guards let it rise by one
		if _, err := tx.exec(ctx, numberRecovered, c.CustomerID, c.ID); err != nil {
			return err
		}
	}
	if first.Outcome == curfew.Fulfilled {
		if _, err := tx.exec(ctx, tallyFulfilled); err != nil {
			return err
		}
	}
	if step {
		if _, err := tx.exec(ctx, stepRecovered, c.CustomerID, c.ID, string(c.Outcome)); err != nil {
			return err
		}
	}
	if c.Version > 0 {
		return nil
	}
	return tx.record(ctx, "checkout", curfew.Event{
		CustomerID: c.CustomerID, Subject: c.ID, Number: 1, To: string(c.Outcome), Actor: actor, Reason: record.RecoveredReason,
	})
}

// The names of a payment that was told of before its checkout.
const (
	takeNames = `
UPDATE payment_refs SET customer_id = $3, plan = $4
WHERE checkout_id = $1 AND version = $2 AND customer_id = char(127) AND NOT EXISTS (SELECT 1 FROM checkouts c WHERE c.id = $1)`
	// keepNames leaves them with the first checkout: this one is a further line.
	keepNames = `
UPDATE payment_refs SET version = version
WHERE checkout_id = $1 AND version = $2 AND NOT EXISTS (SELECT 1 FROM checkouts c WHERE c.line_of = $1 AND c.line = $3)`
	addName = `
INSERT INTO payment_refs (ref, customer_id, checkout_id, plan, version) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (ref) DO UPDATE SET version = excluded.version WHERE checkout_id = excluded.checkout_id`
)

// claimNames claims a new checkout's reference. If its payment was told of before, that
// one's names become its own.
func (tx *transaction) claimNames(ctx context.Context, c curfew.Checkout) error {
	moved := curfew.Errorf(curfew.Conflict, "payment %s has moved", c.Payment())
	switch {
	case c.LineOf != "":
		return tx.hit(ctx, moved, keepNames, c.LineOf, c.Version, max(c.Line, 1))
	case c.Version == 0 && c.Ref == "":
		return nil
	case c.Version == 0:
		_, err := tx.exec(ctx, insertClaim, c.Ref, c.CustomerID, c.ID, c.Plan)
		return err
	}
	err := tx.hit(ctx, moved, takeNames, c.ID, c.Version, c.CustomerID, c.Plan)
	if err != nil || c.Ref == "" {
		return err
	}
	return tx.hit(ctx, moved, addName, c.Ref, c.CustomerID, c.ID, c.Plan, c.Version)
}
