package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// checkouts reads and changes checkouts by their customer.
type checkouts struct{ *db }

const (
	checkoutColumns = `c.id, c.customer_id, c.ref, c.plan, c.amount, c.currency, c.email, c.name, c.metadata, c.outcome, c.version,
		c.session_id, c.retry_until, c.money_due, c.created_at, c.updated_at, c.payment_id, c.refund_id, c.refund_amount, c.attempts,
		c.first_try_at, c.next_at, c.disputed_at, c.note, c.line_of, c.line, c.starts_at, c.extends, c.concern,
		c.capture, c.at_risk`
	selectCheckout = `SELECT ` + checkoutColumns + ` FROM curfew.checkouts c`
	receiptColumns = checkoutColumns + `, ` + sessionColumns + `, r.id, now()`
	// joinFirst joins a checkout's first session with its request.
	joinFirst               = ` LEFT JOIN curfew.sessions s ON s.customer_id = c.customer_id AND s.id = c.session_id` + joinRequest
	selectReceiptByCheckout = `SELECT ` + receiptColumns + ` FROM curfew.checkouts c` + joinFirst + ` WHERE c.customer_id = $1 AND c.id = $2`
)

func checkoutFields(c *curfew.Checkout) []any {
	return []any{
		(*text)(&c.ID), (*text)(&c.CustomerID), (*text)(&c.Ref), (*text)(&c.Plan), (*number)(&c.Amount), (*text)(&c.Currency),
		(*text)(&c.Email), (*text)(&c.Name), (*labels)(&c.Metadata), (*text)(&c.Outcome), (*number)(&c.Version), (*text)(&c.SessionID),
		(*moment)(&c.RetryUntil), (*flag)(&c.MoneyDue), (*moment)(&c.CreatedAt), (*moment)(&c.UpdatedAt),
		(*text)(&c.PaymentID), (*text)(&c.RefundID), (*number)(&c.RefundAmount), (*number)(&c.Attempts),
		(*moment)(&c.FirstTryAt), (*moment)(&c.NextAt), (*moment)(&c.DisputedAt), (*text)(&c.Note),
		(*text)(&c.LineOf), (*number)(&c.Line), (*moment)(&c.StartsAt), (*text)(&c.Extends), (*text)(&c.Concern),
		(*text)(&c.Capture), (*flag)(&c.AtRisk),
	}
}

func scanCheckout(r row) (curfew.Checkout, error) {
	var c curfew.Checkout
	err := r.Scan(checkoutFields(&c)...)
	return c, err
}

func scanReceipt(r row) (record.Receipt, error) {
	var v record.Receipt
	err := r.Scan(slices.Concat(checkoutFields(&v.Checkout), sessionFields(&v.Session),
		[]any{(*text)(&v.RequestID), (*moment)(&v.Now)})...)
	return v, err
}

const selectCheckoutsOf = selectCheckout + ` WHERE c.customer_id = $1 ORDER BY c.created_at, c.id`

// Checkouts returns all of a customer's checkouts, oldest first.
func (s checkouts) Checkouts(ctx context.Context, customerID string) ([]curfew.Checkout, error) {
	all, err := many(ctx, s.db, scanCheckout, selectCheckoutsOf, customerID)
	return all, wrap(err, "read the checkouts of %s", customerID)
}

const selectCredit = selectCheckout + `
	WHERE c.customer_id = $1 AND c.plan = $2 AND c.outcome = 'credited' ORDER BY c.created_at, c.id LIMIT 1`

// Credit returns the customer's oldest credited checkout of the plan.
func (s checkouts) Credit(ctx context.Context, customerID, plan string) (curfew.Checkout, error) {
	c, err := oneByIndex(ctx, s.db, scanCheckout, selectCredit, customerID, plan)
	return c, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "customer %q has no credit of plan %q", customerID, plan)), "read a credit of %s", customerID)
}

const selectDeferred = `SELECT ` + receiptColumns + ` FROM curfew.checkouts c` + joinFirst + `
	WHERE c.customer_id = $1 AND c.outcome || '' = 'deferred' ORDER BY c.created_at, c.id LIMIT 1`

// Deferred returns the customer's oldest deferred checkout.
func (s checkouts) Deferred(ctx context.Context, customerID string) (record.Receipt, error) {
	r, err := one(ctx, s.db, scanReceipt, selectDeferred, customerID)
	return r, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "customer %q has no deferred payment", customerID)), "read a deferred checkout of %s", customerID)
}

const selectServable = `SELECT c.customer_id FROM curfew.checkouts c
	WHERE c.outcome = 'deferred' AND NOT EXISTS (
		SELECT FROM curfew.sessions s WHERE s.customer_id = c.customer_id AND s.status IN ('waiting', 'live'))
		AND NOT ` + apartPayer + `
	GROUP BY c.customer_id ORDER BY min(c.created_at), c.customer_id LIMIT $1`

// Servable returns customers whose deferred payment can be served now, the longest waiting first.
func (s checkouts) Servable(ctx context.Context, limit int) ([]string, error) {
	all, err := many(ctx, s.db, value[string], selectServable, limit)
	return all, wrap(err, "read the servable customers")
}

// Each condition has an index of its own rows.
const (
	selectUnsettled = selectUnsettledReceipt + `
	WHERE ((c.outcome = 'deferred' AND c.retry_until < now()) OR c.money_due) AND NOT ` + apartPayment + `
	ORDER BY c.created_at, c.id LIMIT $1`
	selectUnsettledOf = selectUnsettledReceipt + `
	WHERE c.customer_id = $2 AND (c.outcome || '' = 'deferred' AND c.retry_until < now() OR c.money_due::int = 1)
	ORDER BY c.created_at, c.id LIMIT $1`
	selectUnsettledReceipt = `SELECT ` + receiptColumns + ` FROM curfew.checkouts c
	LEFT JOIN LATERAL (
		SELECT e.* FROM curfew.sessions e
		WHERE c.money_due AND e.customer_id = c.customer_id AND (e.checkout_id = c.id OR e.id = c.session_id) AND e.status IN ('completed', 'cancelled')
		ORDER BY e.ended_at DESC, e.id DESC LIMIT 1) s ON true` + joinRequest
)

// Unsettled returns deferred payments past their time and payments whose money is due.
func (s checkouts) Unsettled(ctx context.Context, customerID string, limit int) ([]record.Receipt, error) {
	sql, args := selectUnsettled, []any{limit}
	if customerID != "" {
		sql, args = selectUnsettledOf, append(args, customerID)
	}
	all, err := many(ctx, s.db, scanReceipt, sql, args...)
	return all, wrap(err, "read the unsettled checkouts")
}

const updateCheckout = `UPDATE curfew.checkouts c SET
			outcome = $5, version = c.version + 1, money_due = false, updated_at = now(),
			retry_until = CASE WHEN $5 = 'deferred' THEN c.retry_until END,
			refund_amount = CASE WHEN $5 NOT IN ('refund_due', 'refunding', 'refunded') THEN 0 WHEN $9::bigint > 0 THEN $9
				WHEN c.outcome IN ('refund_due', 'refunding', 'refunded') THEN c.refund_amount ELSE c.amount END,
			attempts = CASE WHEN $11 IN (` + settledCaptures + `) THEN 0 WHEN $5 = 'refunding' OR $11 = 'capturing' THEN c.attempts + 1
				ELSE c.attempts END,
			first_try_at = CASE WHEN $11 IN (` + settledCaptures + `) THEN NULL
				WHEN $5 = 'refunding' OR $11 = 'capturing' THEN coalesce(c.first_try_at, now()) ELSE c.first_try_at END,
			next_at = now() + $6::interval, refund_id = coalesce($7, c.refund_id), note = coalesce($8, c.note), concern = $10,
			capture = coalesce($11::text, c.capture), amount = coalesce(nullif($12::bigint, 0), c.amount)
		WHERE c.customer_id = $1 AND c.id = $2 AND c.outcome || '' = $3 AND c.version = $4
	RETURNING ` + checkoutColumns

// ChangeCheckout moves a checkout that no session's change carries with it.
func (s checkouts) ChangeCheckout(ctx context.Context, c record.CheckoutChange) (curfew.Checkout, error) {
	var now curfew.Checkout
	err := s.tx(ctx, func(t *transaction) error {
		return t.send(ctx, func(b *pgx.Batch) { queueCheckoutChange(b, c, &now) })
	})
	return now, wrap(err, "change checkout %s to %s", c.From.ID, c.To)
}

func queueCheckoutChange(b *pgx.Batch, c record.CheckoutChange, now *curfew.Checkout) {
	b.Queue(updateCheckout, c.From.CustomerID, c.From.ID, c.From.Outcome, c.From.Version, c.To,
		null(c.Wait), null(c.RefundID), null(c.Note), c.Refund, c.Concern, null(c.Capture), c.Amount).
		QueryRow(intoOrConflict(checkoutFields(now), "checkout %s has moved", c.From.ID))
	queueEvents(b, []event{{
		subject: "checkout", customerID: c.From.CustomerID, subjectID: c.From.ID, number: c.From.Version + 1,
		from: string(c.From.Outcome), to: string(c.To), actor: c.Actor, reason: c.Reason,
	}})
}
