package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// event is one event with its kind of subject.
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
		newID(), e.subject, e.customerID, e.subjectID, e.number, e.from, e.to, record.ActorText(e.actor), e.reason, null(e.runID),
	}
}

func queueEvents(b *pgx.Batch, events []event) {
	for _, e := range events {
		b.Queue(insertEvent.rows(1), e.values()...)
	}
}

// insertEvents writes many events in one statement. COPY would write them as fast, but the server
// refuses it to a role to which row-level security applies.
const insertEvents = `INSERT INTO curfew.events (id, subject, customer_id, subject_id, number, from_status, to_status, actor, reason, run_id)
	SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::uuid[])`

// writeEvents writes the events of a batch, with which its transaction ends.
func writeEvents(ctx context.Context, t *transaction, events []event) error {
	columns := make([][]any, len(insertEvent.columns))
	for _, e := range events {
		for i, v := range e.values() {
			columns[i] = append(columns[i], v)
		}
	}
	args := make([]any, len(columns))
	for i, column := range columns {
		args[i] = column
	}
	return t.last(ctx, func(b *pgx.Batch) { b.Queue(insertEvents, args...) })
}
