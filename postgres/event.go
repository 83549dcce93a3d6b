package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// event is a line of the history that is about to be written.
type event struct {
	subject               string // "session" or "checkout"
	customerID, subjectID string
	number                int64
	from, to              string
	actor                 curfew.Actor
	reason, runID         string
}

var insertEvent = &insert{
	table: "events",
	columns: []string{
		"id", "subject", "customer_id", "subject_id", "number", "from_status", "to_status", "actor", "reason", "run_id",
	},
}

func (e event) values() []any {
	return []any{
		newID(), e.subject, e.customerID, e.subjectID, e.number, e.from, e.to, e.actor.String(), e.reason, null(e.runID),
	}
}

func queueEvents(b *pgx.Batch, events []event) {
	for _, e := range events {
		b.Queue(insertEvent.rows(1), e.values()...)
	}
}

// few is how many statements cost less than the two round trips more of a COPY.
const few = 32

// writeEvents writes the events of a batch, with which its transaction ends.
func writeEvents(ctx context.Context, t *transaction, events []event) error {
	if len(events) <= few {
		return t.last(ctx, func(b *pgx.Batch) { queueEvents(b, events) })
	}
	return t.copy(ctx, insertEvent.table, insertEvent.columns, len(events), func(i int) []any { return events[i].values() })
}
