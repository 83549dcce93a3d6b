package sqlite

import "context"

const (
	selectUnjudged = `
SELECT DISTINCT p.checkout_id FROM payment_refs p WHERE p.judged < p.version AND p.checkout_id NOT IN (` + apartUnjudged + `$2)
ORDER BY p.checkout_id LIMIT $1`
	updateJudged = `UPDATE payment_refs SET judged = $2 WHERE checkout_id = $1 AND judged < $2 AND version >= $2`
)

// Unjudged returns payments that nobody has settled since something was told of them.
func (s ledgers) Unjudged(ctx context.Context, limit int) ([]string, error) {
	all, err := many(ctx, s.db, scanID, selectUnjudged, limit, micros(s.now()))
	return all, wrap(err, "read the payments to settle")
}

// Judged records that a payment was settled as it was in a version.
func (s ledgers) Judged(ctx context.Context, paymentID string, version int64) error {
	_, err := s.exec(ctx, updateJudged, paymentID, version)
	return wrap(err, "record that payment %s was settled", paymentID)
}
