package postgres

import (
	"context"

	"github.com/curfewhq/curfew"
)

// refunds reads what is to be refunded and records what was.
type refunds struct{ *db }

const selectRefundable = selectCheckout + `
	WHERE c.outcome IN ('refund_due', 'refunding') AND (c.next_at IS NULL OR c.next_at <= now()) AND NOT ` + apartPayment + `
	ORDER BY c.next_at NULLS FIRST, c.id LIMIT $1`

// Refundable returns what the refund worker may do now.
func (s refunds) Refundable(ctx context.Context, limit int) ([]curfew.Checkout, error) {
	all, err := manyByIndex(ctx, s.db, scanCheckout, selectRefundable, limit)
	return all, wrap(err, "read the refundable checkouts")
}

const (
	upsertRepayment = `INSERT INTO curfew.payment_repayments AS p (payment_id, amount, currency) VALUES ($1, $2, $3)
	ON CONFLICT (payment_id) DO UPDATE SET amount = GREATEST(p.amount, excluded.amount),
		currency = excluded.currency
	RETURNING ` + repaymentColumns
	upsertDispute = `INSERT INTO curfew.payment_repayments AS p (payment_id, amount, disputed_at) VALUES ($1, 0, now())
	ON CONFLICT (payment_id) DO UPDATE SET disputed_at = coalesce(p.disputed_at, excluded.disputed_at)`
	selectRepayment  = `SELECT ` + repaymentColumns + ` FROM curfew.payment_repayments p WHERE p.payment_id = $1`
	repaymentColumns = `p.amount, p.currency, p.disputed_at IS NOT NULL`
)

func scanRepayment(r row) (curfew.Repayment, error) {
	var v curfew.Repayment
	err := r.Scan(&v.Amount, &v.Currency, &v.Disputed)
	return v, err
}

// Repaid records how much of a payment has been refunded in all.
func (s refunds) Repaid(ctx context.Context, paymentID string, r curfew.Repayment) (curfew.Repayment, error) {
	kept, err := one(ctx, s.db, scanRepayment, upsertRepayment, paymentID, r.Amount, r.Currency)
	return kept, wrap(err, "keep a repayment of %s", paymentID)
}

// Dispute records that the customer's bank reclaims a payment.
func (s refunds) Dispute(ctx context.Context, paymentID string) error {
	_, err := s.exec(ctx, upsertDispute, paymentID)
	return wrap(err, "keep a dispute of %s", paymentID)
}

// Repayment returns what Repaid and Dispute recorded.
func (s refunds) Repayment(ctx context.Context, paymentID string) (curfew.Repayment, error) {
	r, err := one(ctx, s.db, scanRepayment, selectRepayment, paymentID)
	return r, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "nothing of payment %q was given back", paymentID)), "read a repayment")
}
