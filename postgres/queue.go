package postgres

import (
	"cmp"
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// queue reads what mechanics can accept and the slots they hold.
type queue struct{ *db }

// selectPending reads the index sessions_queue: in every step of how long sessions may
// wait, those that are not overdue lie behind now() - that long. Other indexes are hardly
// faster while the queue is short, and far slower when it is long, so expires_at - now()
// is written to match none of them, and LIMIT 1 keeps the join a lookup by key.
const (
	selectPending = `SELECT q.*, now() FROM ` + waitSteps + `
		CROSS JOIN LATERAL (
			SELECT ` + sessionColumns + `, r.id AS request_id, r.session_id, r.customer_id, r.mechanic_id, r.customer_name, r.status, r.created_at AS offered_at
			FROM curfew.sessions s CROSS JOIN LATERAL (
				SELECT * FROM curfew.session_requests q
				WHERE q.customer_id = s.customer_id AND q.session_id = s.id AND q.status || '' = 'pending' LIMIT 1) r
			WHERE s.status = 'waiting' AND s.mechanic_id IS NULL AND s.expires_at - now() >= '0' AND ` + waitStep + ` = p.step::int - 1
				AND (` + queued + `, s.id) > (GREATEST($1::timestamptz, now() - p.at_most), CASE WHEN $1 < now() - p.at_most
					THEN '00000000-0000-0000-0000-000000000000' ELSE $2::uuid END)
			ORDER BY ` + queued + `, s.id LIMIT $3) q
		ORDER BY coalesce(q.starts_at, q.created_at), q.id LIMIT $3`
	waitSteps = `unnest('{00:01, 00:02, 00:03, 00:05, 00:10, 00:15, 00:20, 00:30, 00:45, 01:00, 01:30, 02:00, 04:00, 08:00, 24:00,
			16000000:00}'::interval[]) WITH ORDINALITY p (at_most, step)`
	// The expressions of the index. The steps begin a microsecond behind those above.
	queued   = `coalesce(s.starts_at, s.created_at)`
	waitStep = `width_bucket(s.expires_at - ` + queued + `, '{00:01:00.000001, 00:02:00.000001, 00:03:00.000001, 00:05:00.000001,
		00:10:00.000001, 00:15:00.000001, 00:20:00.000001, 00:30:00.000001, 00:45:00.000001, 01:00:00.000001, 01:30:00.000001,
		02:00:00.000001, 04:00:00.000001, 08:00:00.000001, 24:00:00.000001}'::interval[])`
)

// Pending returns what mechanics can accept, oldest first.
func (s queue) Pending(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error) {
	at, id := since(after)
	all, err := manyByIndex(ctx, s.db, scanSnapshot, selectPending, at, id, limit)
	return all, wrap(err, "read the queue")
}

// countAhead reads no more of the index than it counts. Its order, in which nothing
// is counted, leaves no other index to choose.
const countAhead = `SELECT count(*) FROM (
	SELECT FROM ` + waitSteps + `
		CROSS JOIN LATERAL (
			SELECT FROM curfew.sessions s
			WHERE s.status = 'waiting' AND s.mechanic_id IS NULL AND s.expires_at - now() >= '0' AND ` + waitStep + ` = p.step::int - 1
				AND ` + queued + ` >= now() - p.at_most AND (` + queued + `, s.id) < ($1::timestamptz, $2::uuid)
			ORDER BY ` + queued + `, s.id LIMIT $3) q
	LIMIT $3) ahead`

// Ahead counts those who wait for a mechanic before a position in the queue; the zero position is behind everybody's.
func (s queue) Ahead(ctx context.Context, before curfew.Cursor, most int) (int, error) {
	at, id := any(before.At), before.ID
	if before.At.IsZero() {
		at = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	}
	n, err := oneByIndex(ctx, s.db, scanAhead, countAhead, at, cmp.Or(id, uuid.Max.String()), most)
	return n, wrap(err, "count who is ahead in the queue")
}

func scanAhead(r row) (n int, err error) {
	err = r.Scan(&n)
	return n, err
}

const selectSlot = `SELECT mechanic_id, customer_id, session_id, now() - seen_at FROM curfew.mechanic_slots WHERE mechanic_id = $1`

// Slot returns the slot that keeps the mechanic busy.
func (s queue) Slot(ctx context.Context, mechanicID string) (record.Slot, error) {
	slot, err := one(ctx, s.db, scanSlot, selectSlot, mechanicID)
	return slot, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "mechanic %q is not busy", mechanicID)), "read the slot of %s", mechanicID)
}

func scanSlot(r row) (record.Slot, error) {
	var s record.Slot
	var silent *time.Duration
	err := r.Scan(&s.MechanicID, &s.CustomerID, (*text)(&s.SessionID), &silent)
	if silent != nil {
		s.Silent = *silent
	}
	return s, err
}

const seeMechanics = `UPDATE curfew.mechanic_slots SET seen_at = now() WHERE mechanic_id = ANY ($1::text[])`

// SeeMechanics records that these mechanics have a live stream.
func (s queue) SeeMechanics(ctx context.Context, mechanicIDs []string) error {
	_, err := s.exec(ctx, seeMechanics, mechanicIDs)
	return wrap(err, "record who is connected")
}

const selectAbsences = `SELECT count(*), count(*) FILTER (WHERE at > now() - $2::interval), max(at) FROM curfew.absences WHERE mechanic_id = $1`

// Absences counts how often the mechanic accepted a session and did not join.
func (s queue) Absences(ctx context.Context, mechanicID string, within time.Duration) (record.Absences, error) {
	all, err := one(ctx, s.db, scanAbsences, selectAbsences, mechanicID, within)
	return all, wrap(err, "count the absences of %s", mechanicID)
}

func scanAbsences(r row) (a record.Absences, err error) {
	err = r.Scan(&a.Total, &a.Lately, (*moment)(&a.Last))
	return a, err
}

const freeSlot = `DELETE FROM curfew.mechanic_slots m
	WHERE m.mechanic_id = $1 AND m.customer_id = $2 AND m.session_id = $3 AND NOT EXISTS (
		SELECT FROM curfew.sessions s
		WHERE s.customer_id = m.customer_id AND s.id = m.session_id AND s.mechanic_id = m.mechanic_id
			AND ` + notEnded + `)`

// FreeSlot deletes a slot whose session does not hold it.
func (s queue) FreeSlot(ctx context.Context, slot record.Slot) error {
	n, err := s.exec(ctx, freeSlot, slot.MechanicID, slot.CustomerID, slot.SessionID)
	if err == nil && n == 0 {
		err = curfew.Errorf(curfew.Conflict, "the slot of mechanic %s is held by session %s or has changed", slot.MechanicID, slot.SessionID)
	}
	return wrap(err, "free the slot of %s", slot.MechanicID)
}

const abandonSlot = `DELETE FROM curfew.mechanic_slots m
	WHERE m.mechanic_id = $1 AND m.customer_id = $2 AND m.session_id = $3 AND EXISTS (
		SELECT FROM curfew.sessions s
		WHERE s.customer_id = m.customer_id AND s.id = m.session_id AND s.expires_at < now() AND ` + notEnded + `)`

// AbandonSlot deletes a slot whose session is overdue.
func (s queue) AbandonSlot(ctx context.Context, slot record.Slot) error {
	n, err := s.exec(ctx, abandonSlot, slot.MechanicID, slot.CustomerID, slot.SessionID)
	if err == nil && n == 0 {
		err = curfew.Errorf(curfew.Conflict, "the slot of mechanic %s is held by session %s or has changed", slot.MechanicID, slot.SessionID)
	}
	return wrap(translate(err), "abandon the slot of %s", slot.MechanicID)
}
