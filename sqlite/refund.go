package sqlite

import (
	"context"

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
