package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// differences stores how a provider's books and Curfew's differ.
type differences struct{ *db }

const (
	upsertDifference = `
INSERT INTO payment_differences (checkout_id, kind, ref, detail, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT (checkout_id, kind) DO UPDATE SET ref = excluded.ref, detail = excluded.detail, last_at = excluded.last_at`
	deleteDifference = `DELETE FROM payment_differences WHERE checkout_id = $1 AND kind = $2`
	listDifferences  = `
SELECT checkout_id, kind, ref, detail, first_at, last_at FROM payment_differences ORDER BY first_at, checkout_id, kind LIMIT $1`
)

// KeepDifferences stores differences as seen now.
func (s differences) KeepDifferences(ctx context.Context, all []record.Difference) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		for _, d := range all {
			if _, err := tx.exec(ctx, upsertDifference, d.CheckoutID, d.Kind, d.Ref, d.Detail, micros(tx.now)); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap(err, "keep %d differences", len(all))
}

// SettleDifference deletes a difference.
func (s differences) SettleDifference(ctx context.Context, checkoutID, kind string) error {
	_, err := s.exec(ctx, deleteDifference, checkoutID, kind)
	return wrap(err, "settle the difference of checkout %s", checkoutID)
}

// Differences returns those that are kept, oldest first.
func (s differences) Differences(ctx context.Context, limit int) ([]record.Difference, error) {
	all, err := many(ctx, s.db, scanDifference, listDifferences, limit)
	return all, wrap(err, "list the differences")
}

func scanDifference(r row) (record.Difference, error) {
	var d record.Difference
	err := r.Scan(&d.CheckoutID, &d.Kind, &d.Ref, &d.Detail, moment(&d.FirstAt), moment(&d.LastAt))
	return d, err
}

// What waits for something has an index of its own, and so have sessions that have not
// ended.
const selectUnconfirmed = selectCheckout + `
WHERE id IN (
    SELECT w.id FROM checkouts w WHERE w.outcome IN (` + waits + `)
      AND (w.outcome IN ('promised', 'refunding') OR w.outcome = 'deferred' AND w.capture = 'authorised')
    UNION ALL SELECT a.id FROM sessions s
    JOIN checkouts a ON a.customer_id = s.customer_id AND a.id = s.checkout_id AND a.capture = 'authorised'
    WHERE s.status IN ('scheduled', 'waiting', 'live'))
  AND id > $1 AND updated_at < $2
ORDER BY id LIMIT $3`

// Unconfirmed returns checkouts that their provider has not confirmed yet.
func (s differences) Unconfirmed(ctx context.Context, age time.Duration, after string, limit int) ([]curfew.Checkout, error) {
	all, err := many(ctx, s.db, scanCheckout, selectUnconfirmed, after, ago(s.now(), age), limit)
	return all, wrap(err, "list the unconfirmed payments")
}
