package sqlite

import (
	"context"
	"math"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// queue reads what mechanics can accept and the slots they hold.
type queue struct{ *db }

// selectPending walks the queue's index: CROSS JOIN keeps the order of the tables.
const selectPending = `
SELECT ` + sessionColumns + `, ` + requestColumns + `
FROM sessions
CROSS JOIN session_requests ON session_requests.customer_id = sessions.customer_id AND session_requests.session_id = sessions.id
  AND session_requests.status = 'pending'
WHERE sessions.status = 'waiting' AND sessions.mechanic_id IS NULL AND sessions.expires_at >= $3
  AND coalesce(sessions.starts_at, sessions.created_at) >= $1
  AND (coalesce(sessions.starts_at, sessions.created_at), sessions.id) > ($1, $2)
ORDER BY coalesce(sessions.starts_at, sessions.created_at), sessions.id
LIMIT $4`

// Pending returns what mechanics can accept, oldest first.
func (s queue) Pending(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error) {
	now := s.now()
	at, id := since(after)
	all, err := many(ctx, s.db, scanSnapshot(now), selectPending, at, id, micros(now), limit)
	return all, wrap(err, "read the queue")
}

const countAhead = `
SELECT count(*) FROM (
  SELECT 1 FROM sessions
  WHERE sessions.status = 'waiting' AND sessions.mechanic_id IS NULL AND sessions.expires_at >= $3
    AND (coalesce(sessions.starts_at, sessions.created_at), sessions.id) < ($1, $2)
  LIMIT $4)`

// Ahead counts those who wait for a mechanic before a position in the queue; the zero position is behind everybody's.
func (s queue) Ahead(ctx context.Context, before curfew.Cursor, most int) (int, error) {
	at := int64(math.MaxInt64)
	if !before.At.IsZero() {
		at = before.At.UnixMicro()
	}
	n, err := one(ctx, s.db, scanAhead, countAhead, at, before.ID, micros(s.now()), most)
	return n, wrap(err, "count who is ahead in the queue")
}

func scanAhead(r row) (n int, err error) {
	err = r.Scan(&n)
	return n, err
}

const selectSlot = `SELECT mechanic_id, customer_id, session_id, $2 - seen_at FROM mechanic_slots WHERE mechanic_id = $1`

// Slot returns the slot that keeps the mechanic busy.
func (s queue) Slot(ctx context.Context, mechanicID string) (record.Slot, error) {
	slot, err := one(ctx, s.db, scanSlot, selectSlot, mechanicID, micros(s.now()))
	return slot, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "mechanic %q is not busy", mechanicID)), "read the slot of %s", mechanicID)
}

func scanSlot(r row) (record.Slot, error) {
	var s record.Slot
	err := r.Scan(&s.MechanicID, &s.CustomerID, &s.SessionID, span(&s.Silent, time.Microsecond))
	return s, err
}

const seeMechanics = `UPDATE mechanic_slots SET seen_at = $1 WHERE mechanic_id IN (SELECT value FROM json_each($2))`

// SeeMechanics records that these mechanics have a live stream.
func (s queue) SeeMechanics(ctx context.Context, mechanicIDs []string) error {
	_, err := s.exec(ctx, seeMechanics, fromNow(0), list(mechanicIDs))
	return wrap(err, "record who is connected")
}

const selectAbsences = `SELECT count(*), count(*) FILTER (WHERE at > $2), max(at) FROM absences WHERE mechanic_id = $1`

// Absences counts how often the mechanic accepted a session and did not join.
func (s queue) Absences(ctx context.Context, mechanicID string, within time.Duration) (record.Absences, error) {
	all, err := one(ctx, s.db, scanAbsences, selectAbsences, mechanicID, micros(s.now().Add(-within)))
	return all, wrap(err, "count the absences of %s", mechanicID)
}

func scanAbsences(r row) (a record.Absences, err error) {
	err = r.Scan(&a.Total, &a.Lately, moment(&a.Last))
	return a, err
}

const freeSlot = `
DELETE FROM mechanic_slots
WHERE mechanic_id = $1 AND customer_id = $2 AND session_id = $3
  AND NOT EXISTS (
    SELECT 1 FROM sessions s
    WHERE s.customer_id = mechanic_slots.customer_id AND s.id = mechanic_slots.session_id
      AND s.status IN ('scheduled', 'waiting', 'live') AND s.mechanic_id = mechanic_slots.mechanic_id)`

// FreeSlot deletes a slot whose session does not hold it.
func (s queue) FreeSlot(ctx context.Context, slot record.Slot) error {
	n, err := s.exec(ctx, freeSlot, slot.MechanicID, slot.CustomerID, slot.SessionID)
	if err == nil && n == 0 {
		err = curfew.Errorf(curfew.Conflict, "the slot of mechanic %s is held by session %s or has changed", slot.MechanicID, slot.SessionID)
	}
	return wrap(err, "free the slot of %s", slot.MechanicID)
}

const abandonSlot = `
DELETE FROM mechanic_slots
WHERE mechanic_id = $1 AND customer_id = $2 AND session_id = $3
  AND EXISTS (
    SELECT 1 FROM sessions s
    WHERE s.customer_id = mechanic_slots.customer_id AND s.id = mechanic_slots.session_id
      AND s.status IN ('scheduled', 'waiting', 'live') AND s.expires_at < $4)`

// AbandonSlot deletes a slot whose session is overdue.
func (s queue) AbandonSlot(ctx context.Context, slot record.Slot) error {
	n, err := s.exec(ctx, abandonSlot, slot.MechanicID, slot.CustomerID, slot.SessionID, fromNow(0))
	if err == nil && n == 0 {
		err = curfew.Errorf(curfew.Conflict, "the slot of mechanic %s is held by session %s or has changed", slot.MechanicID, slot.SessionID)
	}
	return wrap(err, "abandon the slot of %s", slot.MechanicID)
}
