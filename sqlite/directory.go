package sqlite

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// directory lists and finds what operators look for. The cost of a page does not depend on how many rows there
// are.
type directory struct{ *db }

// The sessions of a list. By age they are walked by id, those of a customer or a mechanic by an index that has the id
// second; by deadline there is an index of what has not ended.
const (
	ofSearch = ` AND ($3 = '' OR sessions.status = $3) AND ($4 = '' OR sessions.plan = $4)
AND (NOT $5 OR (sessions.status IN ('scheduled', 'waiting', 'live') AND sessions.expires_at < $8))`
	byAge      = ` WHERE sessions.id < $1 AND sessions.id >= $2`
	ofCustomer = ` AND sessions.customer_id = $6`
	ofMechanic = ` AND lower(sessions.mechanic_id) = lower($6) AND sessions.mechanic_id = $6`
	newestIDs  = ` ORDER BY sessions.id DESC`

	fromSessions             = `SELECT ` + sessionColumns + `, ` + requestColumns + ` FROM sessions INDEXED BY `
	selectSessionsByAge      = fromSessions + `sessions_id` + joinRequest + byAge + ofSearch + ` AND $6 = ''` + newestIDs + ` LIMIT $7`
	selectSessionsOfCustomer = selectSnapshot + byAge + ofSearch + ofCustomer + newestIDs + ` LIMIT $7`
	selectSessionsOfMechanic = fromSessions + `sessions_mechanic` + joinRequest + byAge + ofSearch + ofMechanic +
		` AND sessions.mechanic_id IS NOT NULL` + newestIDs + ` LIMIT $7`

	fromIDs            = `SELECT sessions.id FROM sessions`
	selectMarkByAge    = fromIDs + ` INDEXED BY sessions_id` + byAge + ` AND $3 = ''` + newestIDs + ` LIMIT 1 OFFSET $4`
	selectMarkOfOne    = fromIDs + byAge + ` AND sessions.customer_id = $3` + newestIDs + ` LIMIT 1 OFFSET $4`
	selectMarkOfWorker = fromIDs + ` INDEXED BY sessions_mechanic` + byAge +
		` AND lower(sessions.mechanic_id) = lower($3) AND sessions.mechanic_id = $3 AND sessions.mechanic_id IS NOT NULL` + newestIDs + ` LIMIT 1 OFFSET $4`

	behindDeadline = ` AND (sessions.expires_at, sessions.id) > ($1, $2)`
	deadlines      = ` ORDER BY sessions.expires_at, sessions.id`
	ofDeadline     = ` WHERE sessions.status IN ('scheduled', 'waiting', 'live')`
	// dueSearch has the position down to which it looks, and the bounds of the ids.
	dueSearch = ofSearch + `
AND ($6 = '' OR sessions.customer_id = $6) AND ($7 = '' OR sessions.mechanic_id = $7)
AND (sessions.expires_at, sessions.id) <= ($9, $10) AND sessions.id >= $11 AND sessions.id < $12`
	selectSessionsByDeadline = fromSessions + `sessions_deadline` + joinRequest + ofDeadline + behindDeadline + dueSearch + deadlines + ` LIMIT $13`
	// A customer's are found by the key, in whatever order.
	selectCustomersByDeadline = fromSessions + `sessions_one_open_a_checkout` + joinRequest + ofDeadline + ` AND sessions.customer_id = $6` +
		behindDeadline + dueSearch + deadlines + ` LIMIT $13`
	selectMarkByDeadline = `SELECT sessions.expires_at, sessions.id FROM sessions INDEXED BY sessions_deadline` + ofDeadline + behindDeadline + deadlines + ` LIMIT 1 OFFSET $3`
)

// ListSessions returns the sessions that match, in the order of the search.
func (s directory) ListSessions(ctx context.Context, q record.SessionSearch) ([]curfew.Snapshot, error) {
	from, below := idBounds(q.Bounds())
	now := s.now()
	if q.ByDeadline {
		at, id := since(q.After)
		downAt, downID := until(q.Until)
		sql := selectSessionsByDeadline
		if q.CustomerID != "" {
			sql = selectCustomersByDeadline
		}
		all, err := many(ctx, s.db, scanSnapshot(now), sql, at, id, string(q.Status), q.Plan, q.Overdue, q.CustomerID, q.MechanicID,
			micros(now), downAt, downID, from, below, q.Limit)
		return all, wrap(err, "list sessions by deadline")
	}
	sql, whose := selectSessionsByAge, ""
	switch {
	case q.CustomerID != "" && q.MechanicID != "":
		return nil, curfew.Errorf(curfew.Invalid, "a list of sessions by age is of a customer or of a mechanic, not of both")
	case q.CustomerID != "":
		sql, whose = selectSessionsOfCustomer, q.CustomerID
	case q.MechanicID != "":
		sql, whose = selectSessionsOfMechanic, q.MechanicID
	}
	all, err := many(ctx, s.db, scanSnapshot(now), sql, min(below, afterID(q.After.ID)), max(from, q.Until.ID), string(q.Status), q.Plan, q.Overdue, whose,
		q.Limit, micros(now))
	return all, wrap(err, "list sessions")
}

// SessionMark returns the position of the row that is so many behind the search's, whether it matches or not. The zero
// position means that there are fewer, or that the search finds its rows by a key and reads no others.
func (s directory) SessionMark(ctx context.Context, q record.SessionSearch, depth int) (curfew.Cursor, error) {
	from, below := idBounds(q.Bounds())
	sql, args := selectMarkByAge, []any{min(below, afterID(q.After.ID)), from, "", depth}
	switch {
	case q.ByDeadline && q.CustomerID != "":
		return curfew.Cursor{}, nil
	case q.ByDeadline:
		at, id := since(q.After)
		sql, args = selectMarkByDeadline, []any{at, id, depth}
	case q.CustomerID != "":
		sql, args[2] = selectMarkOfOne, q.CustomerID
	case q.MechanicID != "":
		sql, args[2] = selectMarkOfWorker, q.MechanicID
	}
	found, err := many(ctx, s.db, scanMark(q.ByDeadline), sql, args...)
	if err != nil || len(found) == 0 {
		return curfew.Cursor{}, wrap(err, "look how far a list of sessions goes")
	}
	return found[0], nil
}

// scanMark scans a position: an id, or a deadline and an id.
func scanMark(dated bool) func(row) (curfew.Cursor, error) {
	return func(r row) (c curfew.Cursor, err error) {
		fields := []any{moment(&c.At), text(&c.ID)}
		if !dated {
			fields = fields[1:]
		}
		return c, r.Scan(fields...)
	}
}

// idBounds replaces the missing bounds of ids by the ends of their order.
func idBounds(from, below string) (lowest, highest string) {
	if below == "" {
		below = highestID
	}
	return from, below
}

// afterID is the position after which a descending list of ids continues; the empty text is
// before everything.
func afterID(id string) string {
	if id == "" {
		return highestID
	}
	return id
}
