package sqlite

import (
	"context"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	insertEvent = `
INSERT INTO events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason, run_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	insertTwoEvents = insertEvent + `, ($12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`
)

// event is one event with its kind of subject.
type event struct {
	subject string
	curfew.Event
}

func (e event) values(tx *transaction) []any {
	return []any{
		e.CustomerID, e.Subject, e.Number, e.subject, newID(), e.From, e.To, record.ActorText(e.Actor), e.Reason, null(e.RunID), micros(tx.now),
	}
}

// record writes one event of a session or a checkout.
func (tx *transaction) record(ctx context.Context, subject string, e curfew.Event) error {
	return tx.recordAll(ctx, []event{{subject, e}})
}

// recordAll writes events, two in a statement: a decision about a session has one of its
// checkout, too.
func (tx *transaction) recordAll(ctx context.Context, all []event) error {
	for some := range slices.Chunk(all, 2) {
		query, values := insertEvent, some[0].values(tx)
		if len(some) == 2 {
			query, values = insertTwoEvents, append(values, some[1].values(tx)...)
		}
		if _, err := tx.exec(ctx, query, values...); err != nil {
			return err
		}
	}
	return nil
}
