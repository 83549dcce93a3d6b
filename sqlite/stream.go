package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// stream reads what live streams follow.
type stream struct{ *db }

const selectStreamEvents = `
SELECT id, customer_id, subject_id, number, from_status, to_status, actor, reason, run_id, at,
    CASE subject WHEN 'session' THEN subject_id ELSE (
        SELECT c.session_id FROM checkouts c WHERE c.customer_id = events.customer_id AND c.id = events.subject_id) END
FROM events WHERE (at, id) > ($1, $2)
ORDER BY at, id LIMIT $3`

// EventsSince returns everybody's events behind a cursor, by time and id, and the
// time of the reading.
func (s stream) EventsSince(ctx context.Context, after curfew.Cursor, limit int) ([]record.StreamEvent, time.Time, error) {
	now := s.now()
	at, id := since(after)
	all, err := many(ctx, s.db, scanStreamEvent, selectStreamEvents, at, id, limit)
	return all, now, wrap(err, "read events since %s", after.At)
}

func scanStreamEvent(r row) (record.StreamEvent, error) {
	var n record.StreamEvent
	var actor string
	err := r.Scan(append(eventFields(&n.Event, &actor), text(&n.SessionID))...)
	n.Actor = record.ParseActor(actor)
	return n, err
}

const selectSnapshotsByID = selectSnapshot + ` WHERE sessions.id IN (SELECT value FROM json_each($1))`

// Snapshots returns the sessions with these ids, in any order. Missing ones are
// left out.
func (s stream) Snapshots(ctx context.Context, ids []string) ([]curfew.Snapshot, error) {
	keys, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	all, err := many(ctx, s.db, scanSnapshot(s.now()), selectSnapshotsByID, string(keys))
	return all, wrap(err, "read %d sessions", len(ids))
}
