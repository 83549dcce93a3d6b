package sqlite

import (
	"context"

	"github.com/curfewhq/curfew"
)

// refunds reads what is to be refunded and records what was.
type refunds struct{ *db }

const selectRefundable = selectCheckout + `
WHERE outcome IN ('refund_due', 'refunding') AND (next_at IS NULL OR next_at <= $1)
  AND NOT ` + apartPayment + `$1)
ORDER BY next_at, id LIMIT $2`

// Refundable returns what the refund worker may do now.
func (s refunds) Refundable(ctx context.Context, limit int) ([]curfew.Checkout, error) {
	all, err := many(ctx, s.db, scanCheckout, selectRefundable, micros(s.now()), limit)
	return all, wrap(err, "read the refundable checkouts")
}

const (
	upsertRepayment = `
INSERT INTO payment_repayments (payment_id, amount, currency, at) VALUES ($1, $2, $3, $4)
ON CONFLICT (payment_id) DO UPDATE SET amount = max(amount, excluded.amount), currency = excluded.currency
RETURNING ` + repaymentColumns
	upsertDispute = `
INSERT INTO payment_repayments (payment_id, amount, disputed_at, at) VALUES ($1, 0, $2, $2)
ON CONFLICT (payment_id) DO UPDATE SET disputed_at = coalesce(disputed_at, excluded.disputed_at)`
	selectRepayment  = `SELECT ` + repaymentColumns + ` FROM payment_repayments WHERE payment_id = $1`
	repaymentColumns = `amount, currency, disputed_at IS NOT NULL`
)

func scanRepayment(r row) (curfew.Repayment, error) {
	var v curfew.Repayment
	err := r.Scan(number(&v.Amount), text(&v.Currency), &v.Disputed)
	return v, err
}

// Repaid records how much of a payment has been refunded in all.
func (s refunds) Repaid(ctx context.Context, paymentID string, r curfew.Repayment) (curfew.Repayment, error) {
	var kept curfew.Repayment
	err := s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		kept, err = one(ctx, tx, scanRepayment, upsertRepayment, paymentID, r.Amount, r.Currency, micros(tx.now))
		return err
	})
	return kept, wrap(err, "keep a repayment of %s", paymentID)
}

// Dispute records that the customer's bank reclaims a payment.
func (s refunds) Dispute(ctx context.Context, paymentID string) error {
	_, err := s.exec(ctx, upsertDispute, paymentID, fromNow(0))
	return wrap(err, "keep a dispute of %s", paymentID)
}

// Repayment returns what Repaid and Dispute recorded.
func (s refunds) Repayment(ctx context.Context, paymentID string) (curfew.Repayment, error) {
	r, err := one(ctx, s.db, scanRepayment, selectRepayment, paymentID)
	return r, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "nothing of payment %q was given back", paymentID)), "read a repayment")
}
