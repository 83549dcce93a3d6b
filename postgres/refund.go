package postgres

import (
	"context"

	"github.com/curfewhq/curfew"
)

// refunds reads what is to be refunded.
type refunds struct{ *db }

const selectRefundable = selectCheckout + `
	WHERE c.outcome IN ('refund_due', 'refunding') AND (c.next_at IS NULL OR c.next_at <= now())
		AND c.capture NOT IN ('due', 'capturing') AND NOT ` + apartPayment + `
	ORDER BY c.next_at NULLS FIRST, c.id LIMIT $1`

// Refundable returns what the refund worker may do now. What is being captured is refunded
// after that.
func (s refunds) Refundable(ctx context.Context, limit int) ([]curfew.Checkout, error) {
	all, err := manyByIndex(ctx, s.db, scanCheckout, selectRefundable, limit)
	return all, wrap(err, "read the refundable checkouts")
}
