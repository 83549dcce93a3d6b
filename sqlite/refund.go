package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

// refunds reads what is to be refunded.
type refunds struct{ *db }

const selectRefundable = selectCheckout + `
WHERE outcome IN ('refund_due', 'refunding') AND (next_at IS NULL OR next_at <= $1)
  AND capture NOT IN ('due', 'capturing') AND NOT ` + apartPayment + `$1)
ORDER BY next_at, id LIMIT $2`

// Refundable returns what the refund worker may do now. What is being captured is refunded
// after that.
func (s refunds) Refundable(ctx context.Context, limit int) ([]curfew.Checkout, error) {
	all, err := many(ctx, s.db, scanCheckout, selectRefundable, micros(s.now()), limit)
	return all, wrap(err, "read the refundable checkouts")
}

const selectStaleCredits = selectCheckout + ` INDEXED BY checkouts_credit_age
WHERE outcome = 'credited' AND updated_at < $2 AND (updated_at, id) > ($3, $4)
  AND NOT ` + apartPayment + `$1)
ORDER BY updated_at, id LIMIT $5`

// StaleCredits returns the credits that are older than that, oldest first.
func (s refunds) StaleCredits(ctx context.Context, olderThan time.Duration, after curfew.Cursor, limit int) ([]curfew.Checkout, error) {
	now := s.now()
	at, id := since(after)
	all, err := many(ctx, s.db, scanCheckout, selectStaleCredits, micros(now), ago(now, olderThan), at, id, limit)
	return all, wrap(err, "read the stale credits")
}
