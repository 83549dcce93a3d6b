package sqlite

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
	captureTry = `($9 = 'capturing' OR $9 = 'releasing' AND capture = 'releasing')`

	selectCapturable = selectCheckout + `
WHERE capture IN (` + unsettledCaptures + `) AND (next_at IS NULL OR next_at <= $1)
  AND NOT ` + apartPayment + `$1)
ORDER BY next_at, id LIMIT $2`
)

// Capturable returns what the capture worker may do now.
func (s captures) Capturable(ctx context.Context, limit int) ([]curfew.Checkout, error) {
	all, err := many(ctx, s.db, scanCheckout, selectCapturable, micros(s.now()), limit)
	return all, wrap(err, "read the capturable checkouts")
}
