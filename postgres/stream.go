package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// stream reads what live streams follow.
type stream struct{ *db }

const selectStreamEvents = `SELECT ` + eventColumns + `, CASE subject WHEN 'session' THEN subject_id ELSE (
			SELECT c.session_id FROM curfew.checkouts c WHERE c.customer_id = e.customer_id AND c.id = e.subject_id) END
	FROM curfew.events e WHERE (at, id) > ($1::timestamptz, $2::uuid)
	ORDER BY at, id LIMIT $3`

// EventsSince returns everybody's events behind a cursor, by time and id, and the
// time of the reading.
func (s stream) EventsSince(ctx context.Context, after curfew.Cursor, limit int) ([]record.StreamEvent, time.Time, error) {
	var all []record.StreamEvent
	var now time.Time
	at, id := since(after)
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(`SELECT now()`).QueryRow(func(row pgx.Row) error { return row.Scan((*moment)(&now)) })
		b.Queue(selectStreamEvents, at, id, limit).Query(func(rows pgx.Rows) (err error) {
			all, err = pgx.CollectRows(rows, scanStreamEvent)
			return err
		})
	})
	return all, now, wrap(err, "read events since %s", after.At)
}

func scanStreamEvent(r row) (record.StreamEvent, error) {
	var n record.StreamEvent
	var actor string
	err := r.Scan(append(eventFields(&n.Event, &actor), (*text)(&n.SessionID))...)
	n.Actor = record.ParseActor(actor)
	return n, err
}

const selectSnapshotsByID = selectSnapshot + ` WHERE s.id = ANY($1::uuid[])`

// Snapshots returns the sessions with these ids, in any order. Missing ones are
// left out.
func (s stream) Snapshots(ctx context.Context, ids []string) ([]curfew.Snapshot, error) {
	all, err := many(ctx, s.db, scanSnapshot, selectSnapshotsByID, ids)
	return all, wrap(err, "read %d sessions", len(ids))
}
