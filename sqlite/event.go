package sqlite

import (
	"context"

	"github.com/curfewhq/curfew"
)

const insertEvent = `
INSERT INTO events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason, run_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// record writes one event of a session or a checkout.
func (tx *transaction) record(ctx context.Context, subject string, e curfew.Event) error {
	_, err := tx.exec(ctx, insertEvent, e.CustomerID, e.Subject, e.Number, subject, newID(), e.From, e.To,
		e.Actor.String(), e.Reason, null(e.RunID), micros(tx.now))
	return err
}
