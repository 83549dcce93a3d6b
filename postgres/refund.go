package postgres

import (
	"context"
	"time"

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

const selectStaleCredits = selectCheckout + `
	WHERE c.outcome = 'credited' AND c.updated_at < now() - $1::interval AND (c.updated_at, c.id) > ($2, $3::uuid) AND NOT ` + apartPayment + `
	ORDER BY c.updated_at, c.id LIMIT $4`

// StaleCredits returns the credits that are older than that, oldest first.
func (s refunds) StaleCredits(ctx context.Context, olderThan time.Duration, after curfew.Cursor, limit int) ([]curfew.Checkout, error) {
	at, id := since(after)
	all, err := manyByIndex(ctx, s.db, scanCheckout, selectStaleCredits, olderThan, at, id, limit)
	return all, wrap(err, "read the stale credits")
}
