package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// sessions reads and changes one session.
type sessions struct{ *db }

const sessionColumns = `sessions.id, sessions.customer_id, sessions.mechanic_id, sessions.checkout_id, sessions.plan, sessions.kind,
    sessions.duration_seconds, sessions.status, sessions.version, sessions.created_at, sessions.starts_at, sessions.expires_at,
    sessions.accepted_at, sessions.customer_joined_at, sessions.mechanic_joined_at, sessions.started_at, sessions.ended_at, sessions.end_reason,
    sessions.revives, sessions.adopted_from, sessions.adopted_id`

const requestColumns = `session_requests.id, session_requests.session_id, session_requests.customer_id, session_requests.mechanic_id,
    session_requests.customer_name, session_requests.status, session_requests.created_at`

// joinRequest joins a session's open request, or the newest of an ended one.
const joinRequest = `
LEFT JOIN session_requests ON session_requests.rowid = (
    SELECT r.rowid FROM session_requests r
    WHERE r.customer_id = sessions.customer_id AND r.session_id = sessions.id
      AND (r.status IN ('pending', 'accepted') OR sessions.status IN ('completed', 'cancelled'))
    ORDER BY r.status IN ('pending', 'accepted') DESC, r.created_at DESC, r.id DESC
    LIMIT 1)`

// selectSnapshot is sessions, each with its request.
const selectSnapshot = `SELECT ` + sessionColumns + `, ` + requestColumns + ` FROM sessions` + joinRequest

func sessionFields(s *curfew.Session) []any {
	return []any{
		text(&s.ID), text(&s.CustomerID), text(&s.MechanicID), text(&s.CheckoutID), text(&s.Plan), text(&s.Kind),
		span(&s.Duration, time.Second), text(&s.Status), number(&s.Version), moment(&s.CreatedAt), moment(&s.StartsAt), moment(&s.ExpiresAt),
		moment(&s.AcceptedAt), moment(&s.CustomerJoinedAt), moment(&s.MechanicJoinedAt), moment(&s.StartedAt), moment(&s.EndedAt), text(&s.EndReason),
		text(&s.Revives), text(&s.AdoptedFrom), text(&s.AdoptedID),
	}
}

func requestFields(r *curfew.Request) []any {
	return []any{
		text(&r.ID), text(&r.SessionID), text(&r.CustomerID), text(&r.MechanicID),
		text(&r.CustomerName), text(&r.Status), moment(&r.CreatedAt),
	}
}

func scanSession(r row) (curfew.Session, error) {
	var s curfew.Session
	err := r.Scan(sessionFields(&s)...)
	return s, err
}

func scanSnapshot(now time.Time) func(row) (curfew.Snapshot, error) {
	return func(r row) (curfew.Snapshot, error) {
		st := curfew.Snapshot{Now: now}
		err := r.Scan(append(sessionFields(&st.Session), requestFields(&st.Request)...)...)
		return st, err
	}
}

const selectSnapshotByID = selectSnapshot + ` WHERE sessions.id = $1`

// Session returns the session with this id.
func (s sessions) Session(ctx context.Context, id string) (curfew.Snapshot, error) {
	st, err := one(ctx, s.db, scanSnapshot(s.now()), selectSnapshotByID, id)
	return st, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no session %q", id)), "read session %s", id)
}

const selectSnapshotByRequest = selectSnapshot + `
WHERE (sessions.customer_id, sessions.id) = (SELECT customer_id, session_id FROM session_requests WHERE id = $1)`

// SessionOf returns the session of this request.
func (s sessions) SessionOf(ctx context.Context, requestID string) (curfew.Snapshot, error) {
	st, err := one(ctx, s.db, scanSnapshot(s.now()), selectSnapshotByRequest, requestID)
	return st, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "there is no request %q", requestID)), "read the session of request %s", requestID)
}

const selectOpen = selectSnapshot + ` WHERE sessions.customer_id = $1 AND sessions.status IN ('waiting', 'live')`

// Open returns the session that holds the customer's slot, overdue or not.
func (s sessions) Open(ctx context.Context, customerID string) (curfew.Snapshot, error) {
	st, err := one(ctx, s.db, scanSnapshot(s.now()), selectOpen, customerID)
	return st, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "customer %q has no open session", customerID)), "read the open session of %s", customerID)
}

const selectUnended = selectSnapshot + `
WHERE sessions.customer_id = $1 AND sessions.status IN ('scheduled', 'waiting', 'live')
ORDER BY sessions.created_at, sessions.id`

// Unended returns the customer's sessions that have not ended, oldest first.
func (s sessions) Unended(ctx context.Context, customerID string) ([]curfew.Snapshot, error) {
	all, err := many(ctx, s.db, scanSnapshot(s.now()), selectUnended, customerID)
	return all, wrap(err, "read the sessions of %s", customerID)
}

// updateSession moves one session if its status, its version and the guard hold.
const updateSession = `
UPDATE sessions
SET status = :to,
    version = version + 1,
    mechanic_id = CASE WHEN :assign IS NOT NULL THEN :assign WHEN :release THEN NULL ELSE mechanic_id END,
    accepted_at = CASE WHEN :assign IS NOT NULL THEN :now WHEN :release THEN NULL ELSE accepted_at END,
    customer_joined_at = CASE WHEN :customer_joins THEN :now ELSE customer_joined_at END,
    mechanic_joined_at = CASE WHEN :mechanic_joins THEN :now WHEN :release OR :assign IS NOT NULL THEN NULL ELSE mechanic_joined_at END,
    started_at = CASE WHEN :to = 'live' THEN coalesce(started_at, :now) ELSE started_at END,
    expires_at = CASE WHEN :ended THEN NULL ELSE coalesce(:deadline, expires_at) END,
    ended_at = CASE WHEN NOT :ended THEN NULL
        WHEN :ended_by = 'overran' THEN min(:now, coalesce(started_at + duration_seconds * 1000000, :now)) ELSE :now END,
    end_reason = CASE WHEN :ended THEN :ended_by END,
    nudged_at = CASE WHEN :nudge THEN :now ELSE nudged_at END
WHERE customer_id = :customer AND id = :id AND adopted_from = '' AND status = :from AND version = :version
  AND CASE :overdue WHEN 1 THEN expires_at < :now WHEN 2 THEN expires_at >= :now ELSE TRUE END
  AND (:older_than = 0 OR created_at < :now - :older_than)
  AND (NOT :unoffered OR mechanic_id IS NULL AND NOT EXISTS (
      SELECT 1 FROM session_requests r
      WHERE r.customer_id = sessions.customer_id AND r.session_id = sessions.id AND r.status IN ('pending', 'accepted')))
  AND (:silent = 0 OR EXISTS (
      SELECT 1 FROM mechanic_slots m
      WHERE m.mechanic_id = sessions.mechanic_id AND m.session_id = sessions.id AND m.seen_at < :now - :silent))
  AND (:assign IS NULL OR NOT EXISTS (
      SELECT 1 FROM checkouts c WHERE c.customer_id = sessions.customer_id AND c.id = sessions.checkout_id AND c.at_risk))
RETURNING ` + sessionColumns

const selectSnapshotByKey = selectSnapshot + ` WHERE sessions.customer_id = $1 AND sessions.id = $2`

const offerSession = `
INSERT INTO session_requests (customer_id, id, session_id, customer_name, status, created_at)
SELECT s.customer_id, $3, s.id, coalesce(c.name, ''), 'pending', $4
FROM sessions s LEFT JOIN checkouts c ON c.customer_id = s.customer_id AND c.id = s.checkout_id
WHERE s.customer_id = $1 AND s.id = $2 AND s.adopted_from = ''`

// offer opens the request of an appointment that begins.
func (tx *transaction) offer(ctx context.Context, c record.Change) error {
	if c.Offer == "" {
		return nil
	}
	_, err := tx.exec(ctx, offerSession, c.From.CustomerID, c.From.ID, c.Offer, micros(tx.now))
	return err
}

// Change changes a session's status, with all that follows: request, slot, checkout and events.
func (s sessions) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	var st curfew.Snapshot
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		session, err := one(ctx, tx, scanSession, updateSession, changeArgs(c, tx.now)...)
		if errors.Is(err, curfew.Conflict) {
			return curfew.Errorf(curfew.SessionOpen, "the slot of customer %s is taken", c.From.CustomerID)
		}
		if err != nil {
			return orMissing(err, curfew.Errorf(curfew.Conflict, "session %s has moved", c.From.ID))
		}
		if err := tx.offer(ctx, c); err != nil {
			return err
		}
		_, err = tx.follow(ctx, step{
			session: session, from: c.From.Status, requestTo: c.RequestTo, assign: c.Assign, release: c.Release, capture: c.Capture,
			owed: c.Owed, share: c.Share, absent: whoIsAbsent(c.Absent, c.From), actor: c.Actor, reason: c.Reason, runID: c.RunID,
		})
		if err != nil {
			return err
		}
		st, err = one(ctx, tx, scanSnapshot(tx.now), selectSnapshotByKey, session.CustomerID, session.ID)
		return err
	})
	return st, wrap(err, "change session %s to %s", c.From.ID, c.To)
}

func changeArgs(c record.Change, now time.Time) []any {
	var deadline any
	if !c.Deadline.Zero() {
		deadline = micros(c.Deadline.At(now))
	}
	return []any{
		sql.Named("to", string(c.To)), sql.Named("ended", c.To.Ended()), sql.Named("ended_by", null(c.EndedBy)),
		sql.Named("assign", null(c.Assign)), sql.Named("release", c.Release),
		sql.Named("customer_joins", c.CustomerJoins), sql.Named("mechanic_joins", c.MechanicJoins),
		sql.Named("deadline", deadline), sql.Named("now", micros(now)),
		sql.Named("customer", c.From.CustomerID), sql.Named("id", c.From.ID),
		sql.Named("from", string(c.From.Status)), sql.Named("version", c.From.Version),
		sql.Named("overdue", int64(c.Guard.Overdue)), sql.Named("older_than", c.Guard.OlderThan.Microseconds()),
		sql.Named("unoffered", c.Guard.Unoffered),
		sql.Named("nudge", c.Nudge), sql.Named("silent", c.Guard.Silent.Microseconds()),
	}
}

const eventColumns = `id, customer_id, subject_id, number, from_status, to_status, actor, reason, run_id, at`

const selectEvents = `
SELECT ` + eventColumns + `
FROM events WHERE customer_id = $1 AND subject_id = $2 ORDER BY number`

// Events returns the history of one session or checkout.
func (s sessions) Events(ctx context.Context, customerID, subject string) ([]curfew.Event, error) {
	all, err := many(ctx, s.db, scanEvent, selectEvents, customerID, subject)
	return all, wrap(err, "read the events of %s", subject)
}

func scanEvent(r row) (curfew.Event, error) {
	var e curfew.Event
	var actor string
	err := r.Scan(eventFields(&e, &actor)...)
	e.Actor = record.ParseActor(actor)
	return e, err
}

func eventFields(e *curfew.Event, actor *string) []any {
	return []any{
		text(&e.ID), text(&e.CustomerID), text(&e.Subject), number(&e.Number), text(&e.From), text(&e.To),
		text(actor), text(&e.Reason), text(&e.RunID), moment(&e.At),
	}
}
