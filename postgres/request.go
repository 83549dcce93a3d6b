package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/curfewhq/curfew"
)

const selectPending = `SELECT ` + sessionColumns + `, ` + requestColumns + `, now()
	FROM curfew.session_requests r JOIN curfew.sessions s ON s.customer_id = r.customer_id AND s.id = r.session_id
	WHERE r.status = 'pending' AND s.status = 'waiting' AND s.mechanic_id IS NULL AND s.expires_at >= now()
		AND (r.created_at, r.id) > ($1::timestamptz, $2::uuid)
	ORDER BY r.created_at, r.id LIMIT $3`

// Pending is what mechanics may take, oldest first.
func (s *Store) Pending(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Standing, error) {
	at, id := behind(after)
	all, err := many(ctx, s, scanStanding, selectPending, at, id, limit)
	return all, wrap(err, "pending requests")
}

// behind is the parameters of a place in a rising list; no place is before all.
func behind(c curfew.Cursor) (pgtype.Timestamptz, string) {
	if c == (curfew.Cursor{}) {
		return pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}, "00000000-0000-0000-0000-000000000000"
	}
	return place(c, "00000000-0000-0000-0000-000000000000")
}

// before is the parameters of a place in a falling list; no place is after all.
func before(c curfew.Cursor) (pgtype.Timestamptz, string) {
	if c == (curfew.Cursor{}) {
		return pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}, "ffffffff-ffff-ffff-ffff-ffffffffffff"
	}
	return place(c, "ffffffff-ffff-ffff-ffff-ffffffffffff")
}

// place is the parameters of a cursor; one without an id is beside the id given.
func place(c curfew.Cursor, beside string) (pgtype.Timestamptz, string) {
	if c.ID == "" {
		c.ID = beside
	}
	return pgtype.Timestamptz{Time: c.At.Truncate(time.Microsecond), Valid: true}, c.ID
}

const selectSlot = `SELECT mechanic_id, customer_id, session_id FROM curfew.mechanic_slots WHERE mechanic_id = $1`

// Slot is what makes the mechanic busy.
func (s *Store) Slot(ctx context.Context, mechanicID string) (curfew.Slot, error) {
	slot, err := one(ctx, s, scanSlot, selectSlot, mechanicID)
	return slot, orMissing(err, curfew.Errorf(curfew.NotFound, "mechanic %q is not busy", mechanicID))
}

func scanSlot(row pgx.CollectableRow) (curfew.Slot, error) {
	var s curfew.Slot
	err := row.Scan(&s.MechanicID, &s.CustomerID, (*text)(&s.SessionID))
	return s, err
}

const freeSlot = `DELETE FROM curfew.mechanic_slots m
	WHERE m.mechanic_id = $1 AND m.customer_id = $2 AND m.session_id = $3 AND NOT EXISTS (
		SELECT FROM curfew.sessions s
		WHERE s.customer_id = m.customer_id AND s.id = m.session_id AND s.mechanic_id = m.mechanic_id
			AND s.status IN ('scheduled', 'waiting', 'live'))`

// FreeSlot removes a slot that holds nothing.
func (s *Store) FreeSlot(ctx context.Context, slot curfew.Slot) error {
	n, err := s.exec(ctx, freeSlot, slot.MechanicID, slot.CustomerID, slot.SessionID)
	if err == nil && n == 0 {
		err = curfew.Errorf(curfew.Conflict, "the slot is held, or another's")
	}
	return wrap(err, "free the slot of mechanic %s", slot.MechanicID)
}
