package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// cleanup finds what is due and ends it in batches.
type cleanup struct{ *db }

// selectOverdue is the sweeper's plain question, answered by the index on the
// deadline.
const selectOverdue = selectSnapshot + `
WHERE sessions.status IN ('scheduled', 'waiting', 'live') AND sessions.expires_at < :now
  AND (sessions.expires_at, sessions.id) > (:at, :id) AND sessions.adopted_from = :source
ORDER BY sessions.expires_at, sessions.id
LIMIT :limit`

// dueOrOld is what is due under any search: an age in place of the deadline for
// unassigned waiting sessions, or else orphans beside what is overdue.
const dueOrOld = `sessions.status IN ('scheduled', 'waiting', 'live') AND (sessions.expires_at, sessions.id) > (:at, :id)
  AND sessions.adopted_from = :source AND CASE WHEN :max_age > 0 AND sessions.status = 'waiting' AND sessions.mechanic_id IS NULL
    THEN sessions.created_at < :now - :max_age
    ELSE sessions.expires_at < :now
      OR :orphan_ttl > 0 AND sessions.status = 'waiting' AND sessions.mechanic_id IS NULL
        AND sessions.created_at < :now - :orphan_ttl AND NOT EXISTS (
          SELECT 1 FROM session_requests r
          WHERE r.customer_id = sessions.customer_id AND r.session_id = sessions.id AND r.status IN ('pending', 'accepted'))
    END
ORDER BY sessions.expires_at, sessions.id
LIMIT :limit`

const selectDueOf = selectSnapshot + ` WHERE sessions.customer_id = :customer AND ` + dueOrOld

const selectDue = selectSnapshot + ` WHERE ` + dueOrOld

// Find reads what is due, without locking it.
func (s cleanup) Find(ctx context.Context, f record.Search) ([]curfew.Snapshot, error) {
	now := s.now()
	query, args := findArgs(f, now)
	all, err := many(ctx, s.db, scanSnapshot(now), query, args...)
	return all, wrap(err, "find what is due")
}

func findArgs(f record.Search, now time.Time) (query string, args []any) {
	at, id := since(f.After)
	args = []any{sql.Named("now", micros(now)), sql.Named("at", at), sql.Named("id", id), sql.Named("limit", f.Limit), sql.Named("source", f.Source)}
	ages := append(args, sql.Named("max_age", f.MaxAge.Microseconds()), sql.Named("orphan_ttl", f.OrphanTTL.Microseconds()))
	switch {
	case f.CustomerID != "":
		return selectDueOf, append(ages, sql.Named("customer", f.CustomerID))
	case f.MaxAge > 0 || f.OrphanTTL > 0:
		return selectDue, ages
	}
	return selectOverdue, args
}

const selectDeadline = `SELECT expires_at FROM sessions WHERE customer_id = $1 AND id = $2`

// endSession ends one session by any rule, if it still is as it was read and the
// rule's whole condition holds. A session may end before its deadline only if
// it is old enough and was cleared, or if it is an orphan.
const endSession = `
UPDATE sessions
SET status = :to, version = version + 1, expires_at = NULL, end_reason = :reason,
    ended_at = CASE WHEN :reason = 'overran' THEN min(:now, coalesce(started_at + duration_seconds * 1000000, :now)) ELSE :now END
WHERE customer_id = :customer AND id = :id AND adopted_from = '' AND version = :version AND status = :from
  AND CASE :assigned WHEN 1 THEN mechanic_id IS NOT NULL WHEN 2 THEN mechanic_id IS NULL ELSE TRUE END
  AND CASE :has_request WHEN 0 THEN TRUE ELSE (:has_request = 1) = EXISTS (
      SELECT 1 FROM session_requests r
      WHERE r.customer_id = sessions.customer_id AND r.session_id = sessions.id AND r.status IN ('pending', 'accepted')) END
  AND CASE :postponed WHEN 1 THEN expires_at > starts_at WHEN 2 THEN expires_at <= starts_at ELSE TRUE END
  AND (:absent <> 1 OR mechanic_joined_at IS NULL)
  AND (expires_at < :now OR :older_than > 0 AND created_at < :now - :older_than AND (:reason = 'cleared' OR :orphans))
RETURNING ` + sessionColumns

// End ends the sessions of the batch that are still as they were read. The write lock
// replaces row locks: nobody else writes in between.
func (s cleanup) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	var all []record.Ended
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		all = nil
		for _, e := range b.Ends {
			ended, err := tx.end(ctx, b, e)
			if errors.Is(err, curfew.NotFound) {
				continue // it has moved since
			}
			if err != nil {
				return wrap(err, "session %s", e.SessionID)
			}
			all = append(all, ended)
		}
		if len(all) == 0 {
			return nil
		}
		return tx.countRun(ctx, b.RunID, b.StatsAfter(all))
	})
	return all, wrap(err, "end %d sessions by %s", len(b.Ends), b.Rule.Name)
}

// end ends one session; sql.ErrNoRows if it has changed.
func (tx *transaction) end(ctx context.Context, b record.Batch, e record.PlannedEnd) (v record.Ended, err error) {
	v.Deadline, err = one(ctx, tx, scanMoment, selectDeadline, e.CustomerID, e.SessionID)
	if err != nil {
		return v, err
	}
	v.Session, err = one(ctx, tx, scanSession, endSession, endArgs(b, e, tx.now)...)
	if err != nil {
		return v, err
	}
	v.RequestEnded, err = tx.follow(ctx, step{
		session: v.Session, from: b.Rule.From, requestTo: b.Rule.RequestTo,
		owed: e.Owed, absent: whoIsAbsent(b.Rule.Absent == record.Yes, v.Session), actor: b.Actor, reason: curfew.WithNote(string(e.Reason), b.Note), runID: b.RunID,
	})
	return v, err
}

func endArgs(b record.Batch, e record.PlannedEnd, now time.Time) []any {
	return []any{
		sql.Named("to", string(b.Rule.To)), sql.Named("reason", string(e.Reason)), sql.Named("now", micros(now)),
		sql.Named("customer", e.CustomerID), sql.Named("id", e.SessionID), sql.Named("version", e.Version),
		sql.Named("from", string(b.Rule.From)), sql.Named("assigned", int64(b.Rule.Assigned)),
		sql.Named("has_request", int64(b.Rule.HasRequest)), sql.Named("older_than", b.Guard.OlderThan.Microseconds()),
		sql.Named("postponed", int64(b.Rule.Postponed)), sql.Named("orphans", b.Rule.Name == curfew.Orphans),
		sql.Named("absent", int64(b.Rule.Absent)),
	}
}

func scanMoment(r row) (t time.Time, err error) {
	err = r.Scan(moment(&t))
	return t, err
}

const selectNextDeadline = `
SELECT min(at) FROM (
    SELECT min(expires_at) AS at FROM sessions WHERE status IN ('scheduled', 'waiting', 'live') AND expires_at > $1
    UNION ALL SELECT min(retry_until) FROM checkouts WHERE outcome = 'deferred' AND retry_until > $1)`

// NextDeadline returns when something is due next. SQLite has no adopted sessions.
func (s cleanup) NextDeadline(ctx context.Context, after time.Time, _ []string) (at, now time.Time, err error) {
	now = s.now()
	from, _ := since(curfew.Cursor{At: after})
	at, err = one(ctx, s.db, scanMoment, selectNextDeadline, from)
	return at, now, wrap(err, "read the next deadline")
}

const (
	selectUnaccepted = selectSnapshot + `
WHERE sessions.status = 'waiting' AND sessions.mechanic_id IS NULL AND sessions.adopted_from = '' AND sessions.nudged_at IS NULL
  AND sessions.expires_at >= $1 AND coalesce(sessions.starts_at, sessions.created_at) < $2
ORDER BY coalesce(sessions.starts_at, sessions.created_at), sessions.id LIMIT $3`
	selectSilent = selectSnapshot + `
JOIN mechanic_slots m ON m.session_id = sessions.id AND m.customer_id = sessions.customer_id AND m.mechanic_id = sessions.mechanic_id
WHERE m.seen_at < $1 AND sessions.status = 'waiting' AND sessions.mechanic_joined_at IS NULL AND sessions.adopted_from = ''
ORDER BY m.seen_at, sessions.id LIMIT $2`
)

// Unaccepted returns sessions that have waited for this long without an event about it.
func (s cleanup) Unaccepted(ctx context.Context, after time.Duration, limit int) ([]curfew.Snapshot, error) {
	now := s.now()
	all, err := many(ctx, s.db, scanSnapshot(now), selectUnaccepted, micros(now), micros(now.Add(-after)), limit)
	return all, wrap(err, "find what nobody has accepted")
}

// Silent returns the sessions whose mechanic has not joined, and has had no stream for this long.
func (s cleanup) Silent(ctx context.Context, since time.Duration, limit int) ([]curfew.Snapshot, error) {
	now := s.now()
	all, err := many(ctx, s.db, scanSnapshot(now), selectSilent, micros(now.Add(-since)), limit)
	return all, wrap(err, "find whose mechanic is gone")
}

// A heartbeat without an end, such as the sweeper's, stays.
const (
	deleteOldRefusals = `DELETE FROM refusals WHERE at < $1`
	deleteOldPreviews = `DELETE FROM previews WHERE created_at < $1`
	deletePastSignals = `DELETE FROM signals WHERE until < $1`
	deleteOldMessages = `DELETE FROM provider_messages WHERE received_at < $1`
	deleteOldRefused  = `DELETE FROM refused_messages WHERE last_at < $1`
)

// Tidy deletes rows that are too old to matter.
func (s cleanup) Tidy(ctx context.Context, window time.Duration) error {
	_, err := s.exec(ctx, deleteOldRefusals, fromNow(-window))
	if err == nil {
		_, err = s.exec(ctx, deleteOldPreviews, fromNow(-previewLife))
	}
	if err == nil {
		_, err = s.exec(ctx, deletePastSignals, fromNow(0))
	}
	if err == nil {
		_, err = s.exec(ctx, deleteOldMessages, fromNow(-record.MessagesKept))
	}
	if err == nil {
		_, err = s.exec(ctx, deleteOldRefused, fromNow(-record.MessagesKept))
	}
	return wrap(err, "tidy")
}
