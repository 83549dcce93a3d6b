package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// directory lists and finds what operators look for. What a page costs does not depend on how many rows there are.
type directory struct{ *db }

// The sessions of a list. By age they are walked by id, those of a customer or a mechanic by an index that has the id
// second; by deadline there is an index of what has not ended, and one more of what is adopted. texteq is =, but the planner
// does not take it for a second, independent condition, which would make it expect few rows and sort them all.
const (
	ofSearch = ` AND ($3 = '' OR s.status || '' = $3) AND ($4 = '' OR s.plan = $4)
		AND (NOT $5 OR (` + notEnded + ` AND s.expires_at < now()))`
	byAge      = ` WHERE s.id < $1::uuid AND s.id >= $2::uuid`
	ofCustomer = ` AND s.customer_id = $6`
	ofMechanic = ` AND lower(s.mechanic_id COLLATE "C") = lower($6::text COLLATE "C") AND texteq(s.mechanic_id, $6)`
	newestIDs  = ` ORDER BY s.id DESC`

	selectSessionsByAge      = selectSnapshot + byAge + ofSearch + ` AND $6::text = ''` + newestIDs + ` LIMIT $7`
	selectSessionsOfCustomer = selectSnapshot + byAge + ofSearch + ofCustomer + newestIDs + ` LIMIT $7`
	selectSessionsOfMechanic = selectSnapshot + byAge + ofSearch + ofMechanic + newestIDs + ` LIMIT $7`

	fromIDs            = `SELECT s.id FROM curfew.sessions s` + byAge
	selectMarkByAge    = fromIDs + ` AND $3::text = ''` + newestIDs + ` OFFSET $4 LIMIT 1`
	selectMarkOfOne    = fromIDs + ` AND s.customer_id = $3` + newestIDs + ` OFFSET $4 LIMIT 1`
	selectMarkOfWorker = fromIDs + ` AND lower(s.mechanic_id COLLATE "C") = lower($3::text COLLATE "C") AND texteq(s.mechanic_id, $3)` +
		newestIDs + ` OFFSET $4 LIMIT 1`

	behindDeadline = ` AND ` + isUnended + afterCursor
	deadlines      = ` ORDER BY s.expires_at, s.id`
	// dueSearch has the position down to which it looks, and the bounds of the ids.
	dueSearch = ofSearch + ` AND ($6 = '' OR s.customer_id = $6) AND ($7 = '' OR s.mechanic_id = $7)
		AND (s.expires_at, s.id) <= ($8::timestamptz, $9::uuid) AND s.id >= $10::uuid AND s.id < $11::uuid`
	selectSessionsByDeadline = `WITH k AS (
		(SELECT s.customer_id, s.id FROM curfew.sessions s WHERE s.adopted_from = ''` + behindDeadline + dueSearch + deadlines + ` LIMIT $12)
		UNION ALL
		(SELECT s.customer_id, s.id FROM curfew.sessions s WHERE s.adopted_from <> ''` + behindDeadline + dueSearch + deadlines + ` LIMIT $12))
		SELECT ` + snapshotColumns + ` FROM k CROSS JOIN LATERAL (
			SELECT * FROM curfew.sessions s WHERE s.customer_id = k.customer_id AND s.id = k.id OFFSET 0) s` + joinRequest + deadlines + ` LIMIT $12`
	// A customer's are found by the key, in whatever order.
	selectCustomersByDeadline = selectSnapshot + ` WHERE s.customer_id = $6 AND ` + notEnded + afterCursor + dueSearch + deadlines + ` LIMIT $12`
	selectMarkByDeadline      = `SELECT s.expires_at, s.id FROM (
		(SELECT s.expires_at, s.id FROM curfew.sessions s WHERE s.adopted_from = ''` + behindDeadline + deadlines + ` LIMIT $3 + 1)
		UNION ALL
		(SELECT s.expires_at, s.id FROM curfew.sessions s WHERE s.adopted_from <> ''` + behindDeadline + deadlines + ` LIMIT $3 + 1)) s` +
		deadlines + ` OFFSET $3 LIMIT 1`
)

// ListSessions returns the sessions that match, in the order of the search.
func (s directory) ListSessions(ctx context.Context, q record.SessionSearch) ([]curfew.Snapshot, error) {
	from, below := idBounds(q.Bounds())
	if q.ByDeadline {
		at, id := since(q.After)
		downAt, downID := until(q.Until)
		sql := selectSessionsByDeadline
		if q.CustomerID != "" {
			sql = selectCustomersByDeadline
		}
		all, err := manyBy(ctx, s.db, byOrder, scanSnapshot, sql, at, id, q.Status, q.Plan, q.Overdue, q.CustomerID, q.MechanicID,
			downAt, downID, from, below, q.Limit)
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
	all, err := manyByIndex(ctx, s.db, scanSnapshot, sql, min(below, afterID(q.After.ID)), max(from, q.Until.ID), q.Status, q.Plan, q.Overdue, whose, q.Limit)
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
	found, err := manyByIndex(ctx, s.db, scanMark(q.ByDeadline), sql, args...)
	if err != nil || len(found) == 0 {
		return curfew.Cursor{}, wrap(err, "look how far a list of sessions goes")
	}
	return found[0], nil
}

// scanMark scans a position: an id, or a deadline and an id.
func scanMark(dated bool) pgx.RowToFunc[curfew.Cursor] {
	return func(r pgx.CollectableRow) (c curfew.Cursor, err error) {
		fields := []any{(*moment)(&c.At), (*text)(&c.ID)}
		if !dated {
			fields = fields[1:]
		}
		return c, r.Scan(fields...)
	}
}

// idBounds replaces the missing bounds of ids by the ends of their order.
func idBounds(from, below string) (lowest, highest string) {
	if from == "" {
		from = lowestID
	}
	if below == "" {
		below = highestID
	}
	return from, below
}

// afterID is where a falling list of ids goes on behind one; the empty text is before everything.
func afterID(id string) string {
	if !isID(id) {
		return highestID
	}
	return id
}
