package postgres

import (
	"context"

	"github.com/curfewhq/curfew"
)

// captures reads what is to be captured, and to be released.
type captures struct{ *db }

const (
	// unsettledCaptures are those with which the capture worker has something to do.
	unsettledCaptures = `'due', 'capturing', 'releasing'`
	// settledCaptures are those with which nothing is left to do.
	settledCaptures = `'captured', 'failed', 'released'`
	// captureTry: the provider is asked for an annotation's capture, or was asked in vain.
	captureTry = `($8 = 'capturing' OR $8 = 'releasing' AND c.capture = 'releasing')`

	selectCapturable = selectCheckout + `
	WHERE c.capture IN (` + unsettledCaptures + `) AND (c.next_at IS NULL OR c.next_at <= now()) AND NOT ` + apartPayment + `
	ORDER BY c.next_at NULLS FIRST, c.id LIMIT $1`
)

// Capturable returns what the capture worker may do now.
func (s captures) Capturable(ctx context.Context, limit int) ([]curfew.Checkout, error) {
	all, err := manyByIndex(ctx, s.db, scanCheckout, selectCapturable, limit)
	return all, wrap(err, "read the capturable checkouts")
}
