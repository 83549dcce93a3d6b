package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// differences keeps how a provider's books and ours differ.
type differences struct{ *db }

const (
	upsertDifference = `INSERT INTO curfew.payment_differences (checkout_id, kind, ref, detail) VALUES ($1, $2, $3, $4)
		ON CONFLICT (checkout_id, kind) DO UPDATE SET ref = excluded.ref, detail = excluded.detail, last_at = now()`
	deleteDifference = `DELETE FROM curfew.payment_differences WHERE checkout_id = $1 AND kind = $2`
	listDifferences  = `SELECT checkout_id, kind, ref, detail, first_at, last_at FROM curfew.payment_differences
	ORDER BY first_at, checkout_id, kind LIMIT $1`
)

// KeepDifferences stores differences as seen now. It writes them in order, so that two
// processes that write the same ones do not deadlock.
func (s differences) KeepDifferences(ctx context.Context, all []record.Difference) error {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b record.Difference) int { return strings.Compare(a.CheckoutID+a.Kind, b.CheckoutID+b.Kind) })
	err := s.tx(ctx, func(t *transaction) error {
		return t.send(ctx, func(b *pgx.Batch) {
			for _, d := range all {
				b.Queue(upsertDifference, d.CheckoutID, d.Kind, d.Ref, d.Detail)
			}
		})
	})
	return wrap(err, "keep %d differences", len(all))
}

// SettleDifference forgets a difference.
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
	err := r.Scan((*text)(&d.CheckoutID), &d.Kind, &d.Ref, &d.Detail, (*moment)(&d.FirstAt), (*moment)(&d.LastAt))
	return d, err
}

// What waits for something has an index of its own, and so have sessions that have not
// ended.
const selectUnconfirmed = selectCheckout + ` WHERE c.id IN (
		SELECT w.id FROM curfew.checkouts w WHERE w.outcome IN (` + waits + `)
			AND (w.outcome IN ('promised', 'refunding') OR w.outcome = 'deferred' AND w.capture = 'authorised')
		UNION ALL SELECT a.id FROM curfew.sessions s
			JOIN curfew.checkouts a ON a.customer_id = s.customer_id AND a.id = s.checkout_id AND a.capture = 'authorised'
			WHERE ` + isUnended + own + `)
		AND c.id > $1::uuid AND c.updated_at < now() - $2::interval
	ORDER BY c.id LIMIT $3`

// Unconfirmed returns checkouts whose provider has yet to say something.
func (s differences) Unconfirmed(ctx context.Context, age time.Duration, after string, limit int) ([]curfew.Checkout, error) {
	if !isID(after) {
		after = lowestID
	}
	all, err := many(ctx, s.db, scanCheckout, selectUnconfirmed, after, age, limit)
	return all, wrap(err, "list the unconfirmed payments")
}
