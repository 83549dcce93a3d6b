package postgres

import "context"

const (
	selectUnjudged = `SELECT DISTINCT p.checkout_id FROM curfew.payment_refs p WHERE p.judged < p.version AND p.checkout_id NOT IN (` + apartUnjudged + `)
	ORDER BY p.checkout_id LIMIT $1`
	updateJudged = `UPDATE curfew.payment_refs p SET judged = $2 FROM (` + lockNamesOf + `) k
	WHERE p.ref = k.ref AND p.checkout_id = $1 AND p.judged < $2 AND p.version >= $2`
)

// Unjudged returns payments that nobody has settled since something was told of them.
func (s ledgers) Unjudged(ctx context.Context, limit int) ([]string, error) {
	all, err := manyByIndex(ctx, s.db, scanID, selectUnjudged, limit)
	return all, wrap(err, "read the payments to settle")
}

// Judged records that a payment was settled as it was in a version.
func (s ledgers) Judged(ctx context.Context, paymentID string, version int64) error {
	_, err := s.exec(ctx, updateJudged, paymentID, version)
	return wrap(err, "record that payment %s was settled", paymentID)
}
