package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// checkouts reads and changes checkouts by their customer.
type checkouts struct{ *db }

const checkoutColumns = `checkouts.id, checkouts.customer_id, checkouts.ref, checkouts.plan, checkouts.amount, checkouts.currency,
    checkouts.email, checkouts.name, checkouts.metadata, checkouts.outcome, checkouts.version, checkouts.session_id,
    checkouts.retry_until, checkouts.money_due, checkouts.created_at, checkouts.updated_at, checkouts.payment_id, checkouts.refund_id,
    checkouts.refund_amount, checkouts.attempts, checkouts.first_try_at, checkouts.next_at, checkouts.disputed_at, checkouts.note,
    checkouts.line_of, checkouts.line, checkouts.starts_at, checkouts.extends, checkouts.concern, checkouts.capture, checkouts.at_risk`

const receiptColumns = checkoutColumns + `, ` + sessionColumns + `, ` + requestColumns

// selectCheckout is checkouts alone.
const selectCheckout = `SELECT ` + checkoutColumns + ` FROM checkouts`

func checkoutFields(c *curfew.Checkout) []any {
	return []any{
		text(&c.ID), text(&c.CustomerID), text(&c.Ref), text(&c.Plan), number(&c.Amount), text(&c.Currency),
		text(&c.Email), text(&c.Name), labels(&c.Metadata), text(&c.Outcome), number(&c.Version), text(&c.SessionID),
		moment(&c.RetryUntil), flag(&c.MoneyDue), moment(&c.CreatedAt), moment(&c.UpdatedAt),
		text(&c.PaymentID), text(&c.RefundID), number(&c.RefundAmount), number(&c.Attempts),
		moment(&c.FirstTryAt), moment(&c.NextAt), moment(&c.DisputedAt), text(&c.Note),
		text(&c.LineOf), number(&c.Line), moment(&c.StartsAt), text(&c.Extends), text(&c.Concern),
		text(&c.Capture), flag(&c.AtRisk),
	}
}

func scanCheckout(r row) (curfew.Checkout, error) {
	var c curfew.Checkout
	err := r.Scan(checkoutFields(&c)...)
	return c, err
}

// selectReceipt is checkouts, each with its first session.
const selectReceipt = `SELECT ` + receiptColumns + ` FROM checkouts
LEFT JOIN sessions ON sessions.customer_id = checkouts.customer_id AND sessions.id = checkouts.session_id` + joinRequest

const selectReceiptByCheckout = selectReceipt + ` WHERE checkouts.customer_id = $1 AND checkouts.id = $2`

func scanReceipt(now time.Time) func(row) (record.Receipt, error) {
	return func(r row) (record.Receipt, error) {
		v := record.Receipt{Now: now}
		var request curfew.Request
		fields := append(checkoutFields(&v.Checkout), sessionFields(&v.Session)...)
		err := r.Scan(append(fields, requestFields(&request)...)...)
		v.RequestID = request.ID
		return v, err
	}
}

const selectCheckoutsOf = selectCheckout + ` WHERE customer_id = $1 ORDER BY created_at, id`

// Checkouts returns all of a customer's checkouts, oldest first.
func (s checkouts) Checkouts(ctx context.Context, customerID string) ([]curfew.Checkout, error) {
	all, err := many(ctx, s.db, scanCheckout, selectCheckoutsOf, customerID)
	return all, wrap(err, "read the checkouts of %s", customerID)
}

const selectCredit = selectCheckout + `
WHERE customer_id = $1 AND plan = $2 AND outcome = 'credited'
ORDER BY created_at, id LIMIT 1`

// Credit returns the customer's oldest credited checkout of the plan.
func (s checkouts) Credit(ctx context.Context, customerID, plan string) (curfew.Checkout, error) {
	c, err := one(ctx, s.db, scanCheckout, selectCredit, customerID, plan)
	return c, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "customer %q has no credit of plan %q", customerID, plan)), "read a credit of %s", customerID)
}

const selectDeferred = selectReceipt + `
WHERE checkouts.customer_id = $1 AND checkouts.outcome = 'deferred'
ORDER BY checkouts.created_at, checkouts.id LIMIT 1`

// Deferred returns the customer's oldest deferred checkout.
func (s checkouts) Deferred(ctx context.Context, customerID string) (record.Receipt, error) {
	r, err := one(ctx, s.db, scanReceipt(s.now()), selectDeferred, customerID)
	return r, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "customer %q has no deferred payment", customerID)), "read a deferred checkout of %s", customerID)
}

const selectServable = `
SELECT customer_id FROM checkouts INDEXED BY checkouts_retry
WHERE outcome = 'deferred' AND NOT EXISTS (
    SELECT 1 FROM sessions s WHERE s.customer_id = checkouts.customer_id AND s.status IN ('waiting', 'live'))
  AND NOT ` + apartPayer + `$2)
GROUP BY customer_id
ORDER BY min(created_at), customer_id
LIMIT $1`

// Servable returns customers whose deferred payment can be served now, the longest
// waiting first.
func (s checkouts) Servable(ctx context.Context, limit int) ([]string, error) {
	all, err := many(ctx, s.db, value[string], selectServable, limit, micros(s.now()))
	return all, wrap(err, "read the servable customers")
}

// lastSession joins the session whose ending left money due.
const lastSession = ` FROM checkouts
LEFT JOIN sessions ON sessions.rowid = (
    SELECT s.rowid FROM sessions s
    WHERE s.customer_id = checkouts.customer_id AND (s.checkout_id = checkouts.id OR s.id = checkouts.session_id)
      AND s.status IN ('completed', 'cancelled') AND checkouts.money_due
    ORDER BY s.ended_at DESC, s.id DESC LIMIT 1)` + joinRequest

// selectUnsettled finds both kinds by their own indexes.
const selectUnsettled = `SELECT ` + receiptColumns + lastSession + `
WHERE checkouts.rowid IN (
    SELECT rowid FROM checkouts WHERE outcome = 'deferred' AND retry_until < $1
    UNION ALL SELECT rowid FROM checkouts WHERE money_due)
  AND NOT ` + apartPayment + `$1)
ORDER BY checkouts.created_at, checkouts.id LIMIT $2`

const selectUnsettledOf = `SELECT ` + receiptColumns + lastSession + `
WHERE checkouts.customer_id = $1 AND (checkouts.money_due OR checkouts.outcome = 'deferred' AND checkouts.retry_until < $2)
ORDER BY checkouts.created_at, checkouts.id LIMIT $3`

// Unsettled returns deferred payments past their time and payments whose money is due.
func (s checkouts) Unsettled(ctx context.Context, customerID string, limit int) (all []record.Receipt, err error) {
	now := s.now()
	if customerID == "" {
		all, err = many(ctx, s.db, scanReceipt(now), selectUnsettled, micros(now), limit)
	} else {
		all, err = many(ctx, s.db, scanReceipt(now), selectUnsettledOf, customerID, micros(now), limit)
	}
	return all, wrap(err, "read the unsettled checkouts")
}

const updateCheckout = `
UPDATE checkouts
SET outcome = $5, version = version + 1, money_due = FALSE, updated_at = $6,
    retry_until = CASE WHEN $5 = 'deferred' THEN retry_until END,
    refund_amount = CASE WHEN $5 NOT IN ('refund_due', 'refunding', 'refunded') THEN 0 WHEN $10 > 0 THEN $10
        WHEN outcome IN ('refund_due', 'refunding', 'refunded') THEN refund_amount ELSE amount END,
    attempts = CASE WHEN $12 IN (` + settledCaptures + `) THEN 0 WHEN $5 = 'refunding' OR $12 = 'capturing' THEN attempts + 1
        ELSE attempts END,
    first_try_at = CASE WHEN $12 IN (` + settledCaptures + `) THEN NULL
        WHEN $5 = 'refunding' OR $12 = 'capturing' THEN coalesce(first_try_at, $6) ELSE first_try_at END,
    next_at = $7, refund_id = coalesce($8, refund_id), note = coalesce($9, note), concern = $11, capture = coalesce($12, capture),
    amount = coalesce(nullif($13, 0), amount)
WHERE customer_id = $1 AND id = $2 AND outcome = $3 AND version = $4
RETURNING ` + checkoutColumns

// ChangeCheckout moves a checkout that no session's change carries with it.
func (s checkouts) ChangeCheckout(ctx context.Context, c record.CheckoutChange) (curfew.Checkout, error) {
	var now curfew.Checkout
	err := s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		now, err = one(ctx, tx, scanCheckout, updateCheckout,
			c.From.CustomerID, c.From.ID, string(c.From.Outcome), c.From.Version, string(c.To), micros(tx.now),
			later(tx.now, c.Wait), null(c.RefundID), null(c.Note), c.Refund, c.Concern, null(c.Capture), c.Amount)
		if err != nil {
			return orMissing(err, curfew.Errorf(curfew.Conflict, "checkout %s has moved", c.From.ID))
		}
		if c.To == curfew.Fulfilled && c.From.Outcome != curfew.Fulfilled {
			if _, err := tx.exec(ctx, tallyFulfilled); err != nil {
				return err
			}
		}
		return tx.record(ctx, "checkout", curfew.Event{
			CustomerID: now.CustomerID, Subject: now.ID, Number: now.Version,
			From: string(c.From.Outcome), To: string(c.To), Actor: c.Actor, Reason: c.Reason,
		})
	})
	return now, wrap(err, "change checkout %s to %s", c.From.ID, c.To)
}
