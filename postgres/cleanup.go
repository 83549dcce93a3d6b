package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// cleanup finds what is due and ends it in batches.
type cleanup struct{ *db }

const (
	afterCursor = ` AND (s.expires_at, s.id) > ($1::timestamptz, $2::uuid)`
	isUnended   = `s.status IN ('scheduled', 'waiting', 'live')`
	// own and ofSource name the predicates of two indexes, each in a statement of its own.
	own      = ` AND s.adopted_from = ''`
	ofSource = ` AND s.adopted_from <> '' AND s.adopted_from = `
	unended  = ` WHERE ` + isUnended + afterCursor
	// overdue is the sweeper's question, answered by one index.
	overdue    = ` AND s.expires_at < now()`
	byDeadline = ` ORDER BY s.expires_at, s.id LIMIT $3`
	// An age replaces the deadline of unassigned waiting sessions; an orphan's own
	// age stands beside it.
	dueOrOld = ` AND CASE
			WHEN s.status = 'waiting' AND s.mechanic_id IS NULL AND $4::interval IS NOT NULL THEN s.created_at < now() - $4
			ELSE s.expires_at < now() OR ($5::interval IS NOT NULL AND s.created_at < now() - $5
				AND s.status = 'waiting' AND s.mechanic_id IS NULL AND r.id IS NULL) END`
	// A customer's sessions have an index of their own, whose order does not matter.
	selectDueOf = `SELECT ` + snapshotColumns + ` FROM (SELECT * FROM curfew.sessions s
			WHERE s.customer_id = $6 AND ` + isUnended + ` ORDER BY s.checkout_id) s` + joinRequest + `
		WHERE true` + afterCursor + dueOrOld

	selectOverdue        = selectSnapshot + unended + own + overdue + byDeadline
	selectDue            = selectSnapshot + unended + own + dueOrOld + byDeadline
	selectCustomersDue   = selectDueOf + own + byDeadline
	selectAdoptedOverdue = selectSnapshot + unended + ofSource + `$4` + overdue + byDeadline
	selectAdoptedDue     = selectSnapshot + unended + ofSource + `$6` + dueOrOld + byDeadline
	selectAdoptedDueOf   = selectDueOf + ofSource + `$7` + byDeadline
)

// Find reads what is due, without locking it.
func (s cleanup) Find(ctx context.Context, f record.Search) ([]curfew.Snapshot, error) {
	at, id := since(f.After)
	sql, adopted, args := selectOverdue, selectAdoptedOverdue, []any{at, id, f.Limit}
	switch {
	case f.CustomerID != "":
		sql, adopted, args = selectCustomersDue, selectAdoptedDueOf, append(args, null(f.MaxAge), null(f.OrphanTTL), f.CustomerID)
	case f.MaxAge > 0 || f.OrphanTTL > 0:
		sql, adopted, args = selectDue, selectAdoptedDue, append(args, null(f.MaxAge), null(f.OrphanTTL))
	}
	if f.Source != "" {
		sql, args = adopted, append(args, f.Source)
	}
	all, err := manyByIndex(ctx, s.db, scanSnapshot, sql, args...)
	return all, wrap(err, "find what is due")
}

// endSessions ends by key the sessions that are still as they were read. It has the whole
// condition twice: locked sessions are skipped, and a row that changed between the read
// and the lock is checked again by the outer WHERE, because after a wait READ COMMITTED
// rechecks nothing else.
const (
	endSessions = `UPDATE curfew.sessions s SET
			status = $10,
			version = s.version + 1,
			ended_at = CASE WHEN k.reason = 'overran' THEN ` + overran + ` ELSE now() END,
			end_reason = k.reason,
			expires_at = NULL
		FROM (SELECT s.customer_id, s.id, s.expires_at, k.version, k.reason
			FROM curfew.sessions s JOIN unnest($1::text[], $2::uuid[], $3::bigint[], $4::text[]) k (customer_id, id, version, reason)
				ON s.customer_id = k.customer_id AND s.id = k.id
			WHERE ` + endable + `
			ORDER BY s.customer_id, s.id ` + skipLocked + `) k
		WHERE s.customer_id = k.customer_id AND s.id = k.id AND ` + endable + `
		RETURNING ` + sessionColumns + `, k.expires_at`
	skipLocked = `FOR UPDATE OF s SKIP LOCKED`
	// endable is the rule's and the guard's condition on session s and ending k.
	endable = `s.version = k.version AND s.adopted_from = '' AND s.status || '' = $5
			AND ($6 = 0 OR ($6 = 1) = (s.mechanic_id IS NOT NULL))
			AND ($7 = 0 OR ($7 = 1) = ` + offered + `)
			AND ($11 = 0 OR ($11 = 1) = (s.expires_at > s.starts_at))
			AND ($12 <> 1 OR s.mechanic_joined_at IS NULL)
			AND (s.expires_at < now() OR ((k.reason = 'cleared' OR $8) AND s.created_at < now() - $9::interval))`
)

// ended is a session that was ended, as RETURNING reports it.
type ended struct {
	session  curfew.Session
	deadline time.Time
}

func scanEnded(r row) (ended, error) {
	var e ended
	err := r.Scan(append(sessionFields(&e.session), (*moment)(&e.deadline))...)
	return e, err
}

// End ends the sessions of the batch that are still as they were read.
func (s cleanup) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	if len(b.Ends) == 0 {
		return nil, nil
	}
	var all []record.Ended
	err := s.tx(ctx, func(t *transaction) error {
		sessions, err := endIn(ctx, t, b)
		if err != nil || len(sessions) == 0 {
			all = nil
			return err
		}
		f := followOfBatch(b, sessions)
		if err := t.send(ctx, f.queue); err != nil {
			return err
		}
		all = f.ended(sessions)
		if b.RunID != "" {
			if err := t.send(ctx, func(q *pgx.Batch) { q.Queue(countRun, b.RunID, b.StatsAfter(all)) }); err != nil {
				return err
			}
		}
		return writeEvents(ctx, t, f.events()) // the last round trip, which commits
	})
	if err != nil {
		return nil, wrap(err, "end %d sessions by %s", len(b.Ends), b.Rule.Name)
	}
	return all, nil
}

func endIn(ctx context.Context, t *transaction, b record.Batch) (map[string]ended, error) {
	var list []ended
	if err := t.send(ctx, func(q *pgx.Batch) {
		q.Queue(byKey)
		q.Queue(endSessions, endArgs(b)...).Query(func(rows pgx.Rows) (err error) {
			list, err = pgx.CollectRows(rows, scanEnded)
			return err
		})
	}); err != nil {
		return nil, err
	}
	sessions := make(map[string]ended, len(list))
	for _, e := range list {
		sessions[e.session.ID] = e
	}
	return sessions, nil
}

func endArgs(b record.Batch) []any {
	n := len(b.Ends)
	customers, ids, versions, reasons := make([]string, n), make([]string, n), make([]int64, n), make([]string, n)
	for i, e := range b.Ends {
		customers[i], ids[i], versions[i], reasons[i] = e.CustomerID, e.SessionID, e.Version, string(e.Reason)
	}
	return []any{
		customers, ids, versions, reasons, b.Rule.From, b.Rule.Assigned, b.Rule.HasRequest,
		b.Rule.Name == curfew.Orphans, null(b.Guard.OlderThan), b.Rule.To,
		b.Rule.Postponed, b.Rule.Absent,
	}
}

func followOfBatch(b record.Batch, sessions map[string]ended) *follow {
	f := &follow{from: b.Rule.From, to: b.Rule.To, requestTo: b.Rule.RequestTo, actor: b.Actor, runID: b.RunID}
	for _, e := range b.Ends {
		s, ok := sessions[e.SessionID]
		if !ok {
			continue
		}
		f.moved = append(f.moved, moved{
			customerID: e.CustomerID, sessionID: e.SessionID, checkoutID: s.session.CheckoutID, version: s.session.Version,
			reason: curfew.WithNote(string(e.Reason), b.Note), owed: e.Owed, absent: whoIsAbsent(b.Rule.Absent == record.Yes, s.session),
		})
	}
	return f
}

// ended returns the result in the order of the batch.
func (f *follow) ended(sessions map[string]ended) []record.Ended {
	all := make([]record.Ended, 0, len(sessions))
	for _, m := range f.moved {
		s := sessions[m.sessionID]
		all = append(all, record.Ended{Session: s.session, Deadline: s.deadline, RequestEnded: f.requestEnded[m.sessionID]})
	}
	return all
}

const selectNextDeadline = `SELECT LEAST(
		(SELECT s.expires_at FROM curfew.sessions s WHERE ` + isUnended + own + ` AND s.expires_at > $1 ORDER BY s.expires_at LIMIT 1),
		(SELECT min(next.expires_at) FROM unnest($2::text[]) source (name), LATERAL (
			SELECT s.expires_at FROM curfew.sessions s
			WHERE ` + isUnended + ofSource + `source.name AND s.expires_at > $1 ORDER BY s.expires_at LIMIT 1) next),
		(SELECT retry_until FROM curfew.checkouts WHERE outcome = 'deferred' AND retry_until > $1 ORDER BY retry_until LIMIT 1)
	), now()`

// NextDeadline returns when something is due next. Of adopted sessions it considers those
// of the given tables.
func (s cleanup) NextDeadline(ctx context.Context, after time.Time, sources []string) (at, now time.Time, err error) {
	from, _ := since(curfew.Cursor{At: after})
	err = s.send(ctx, func(b *pgx.Batch) {
		b.Queue(byIndex)
		b.Queue(selectNextDeadline, from, sources).QueryRow(func(row pgx.Row) error { return row.Scan((*moment)(&at), (*moment)(&now)) })
	})
	return at, now, wrap(err, "read the next deadline")
}

const (
	selectUnaccepted = selectSnapshot + `
	WHERE s.status = 'waiting' AND s.mechanic_id IS NULL AND s.adopted_from = '' AND s.nudged_at IS NULL
		AND s.expires_at >= now() AND ` + queued + ` < now() - $1::interval
	ORDER BY ` + queued + `, s.id LIMIT $2`
	selectSilent = selectSnapshot + ` JOIN curfew.mechanic_slots m ON m.session_id = s.id AND m.customer_id = s.customer_id AND m.mechanic_id = s.mechanic_id
	WHERE m.seen_at < now() - $1::interval AND s.status = 'waiting' AND s.mechanic_joined_at IS NULL AND s.adopted_from = ''
	ORDER BY m.seen_at, s.id LIMIT $2`
)

// Unaccepted returns what has waited for so long, and nobody was told of.
func (s cleanup) Unaccepted(ctx context.Context, after time.Duration, limit int) ([]curfew.Snapshot, error) {
	all, err := many(ctx, s.db, scanSnapshot, selectUnaccepted, after, limit)
	return all, wrap(err, "find what nobody has accepted")
}

// Silent returns the sessions whose mechanic has not come, and has had no stream for so long.
func (s cleanup) Silent(ctx context.Context, since time.Duration, limit int) ([]curfew.Snapshot, error) {
	all, err := many(ctx, s.db, scanSnapshot, selectSilent, since, limit)
	return all, wrap(err, "find whose mechanic is gone")
}

// A signal without an end, such as the sweeper's, stays.
const (
	deleteOldRefusals = `DELETE FROM curfew.refusals WHERE at < now() - $1::interval`
	deleteOldPreviews = `DELETE FROM curfew.previews WHERE created_at < now() - interval '1 day'`
	deletePastSignals = `DELETE FROM curfew.signals WHERE until < now()`
	deleteOldMessages = `DELETE FROM curfew.provider_messages WHERE received_at < now() - $1::interval`
	deleteOldRefused  = `DELETE FROM curfew.refused_messages WHERE last_at < now() - $1::interval`
)

// Tidy deletes what is too old to matter.
func (s cleanup) Tidy(ctx context.Context, window time.Duration) error {
	_, err := s.exec(ctx, deleteOldRefusals, window)
	if err == nil {
		_, err = s.exec(ctx, deleteOldPreviews)
	}
	if err == nil {
		_, err = s.exec(ctx, deletePastSignals)
	}
	if err == nil {
		_, err = s.exec(ctx, deleteOldMessages, record.MessagesKept)
	}
	if err == nil {
		_, err = s.exec(ctx, deleteOldRefused, record.MessagesKept)
	}
	return wrap(err, "tidy")
}
