package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// sessions reads and changes one session.
type sessions struct{ *db }

const (
	sessionColumns = `s.id, s.customer_id, s.mechanic_id, s.checkout_id, s.plan, s.kind, s.duration_seconds, s.status, s.version,
		s.created_at, s.starts_at, s.expires_at, s.accepted_at, s.customer_joined_at, s.mechanic_joined_at, s.started_at, s.ended_at,
		s.end_reason, s.revives, s.adopted_from, s.adopted_id`
	requestColumns = `r.id, r.session_id, r.customer_id, r.mechanic_id, r.customer_name, r.status, r.created_at`

	// joinRequest joins a session's open request, or the newest of an ended one.
	joinRequest = ` LEFT JOIN LATERAL (
		SELECT q.* FROM curfew.session_requests q
		WHERE q.customer_id = s.customer_id AND q.session_id = s.id
			AND (q.status IN ('pending', 'accepted') OR s.status IN ('completed', 'cancelled'))
		ORDER BY q.status IN ('pending', 'accepted') DESC, q.created_at DESC, q.id DESC LIMIT 1) r ON true`
	snapshotColumns = sessionColumns + `, ` + requestColumns + `, now()`
	selectSnapshot  = `SELECT ` + snapshotColumns + ` FROM curfew.sessions s` + joinRequest
)

func sessionFields(s *curfew.Session) []any {
	return []any{
		(*text)(&s.ID), (*text)(&s.CustomerID), (*text)(&s.MechanicID), (*text)(&s.CheckoutID), (*text)(&s.Plan),
		(*text)(&s.Kind), (*seconds)(&s.Duration), (*text)(&s.Status), (*number)(&s.Version), (*moment)(&s.CreatedAt),
		(*moment)(&s.StartsAt), (*moment)(&s.ExpiresAt), (*moment)(&s.AcceptedAt), (*moment)(&s.CustomerJoinedAt),
		(*moment)(&s.MechanicJoinedAt), (*moment)(&s.StartedAt), (*moment)(&s.EndedAt), (*text)(&s.EndReason),
		(*text)(&s.Revives), (*text)(&s.AdoptedFrom), (*text)(&s.AdoptedID),
	}
}

func requestFields(r *curfew.Request) []any {
	return []any{
		(*text)(&r.ID), (*text)(&r.SessionID), (*text)(&r.CustomerID), (*text)(&r.MechanicID), (*text)(&r.CustomerName),
		(*text)(&r.Status), (*moment)(&r.CreatedAt),
	}
}

func scanSnapshot(r row) (curfew.Snapshot, error) {
	var s curfew.Snapshot
	err := r.Scan(slices.Concat(sessionFields(&s.Session), requestFields(&s.Request), []any{(*moment)(&s.Now)})...)
	return s, err
}

const selectSnapshotByID = selectSnapshot + ` WHERE s.id = $1`

// Session returns the session with this id.
func (s sessions) Session(ctx context.Context, id string) (curfew.Snapshot, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no session %q", id)
	if !isID(id) {
		return curfew.Snapshot{}, missing
	}
	st, err := one(ctx, s.db, scanSnapshot, selectSnapshotByID, id)
	return st, wrap(orMissing(err, missing), "read session %s", id)
}

const selectSnapshotByRequest = selectSnapshot + `
	WHERE (s.customer_id, s.id) = (SELECT customer_id, session_id FROM curfew.session_requests WHERE id = $1)`

// SessionOf returns the session of this request.
func (s sessions) SessionOf(ctx context.Context, requestID string) (curfew.Snapshot, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no request %q", requestID)
	if !isID(requestID) {
		return curfew.Snapshot{}, missing
	}
	st, err := one(ctx, s.db, scanSnapshot, selectSnapshotByRequest, requestID)
	return st, wrap(orMissing(err, missing), "read the session of request %s", requestID)
}

const selectOpen = selectSnapshot + ` WHERE s.customer_id = $1 AND s.status IN ('waiting', 'live')`

// Open returns the session that holds the customer's slot, overdue or not.
func (s sessions) Open(ctx context.Context, customerID string) (curfew.Snapshot, error) {
	st, err := one(ctx, s.db, scanSnapshot, selectOpen, customerID)
	return st, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "customer %q has no open session", customerID)), "read the open session of %s", customerID)
}

const selectUnended = selectSnapshot + `
	WHERE s.customer_id = $1 AND s.status IN ('scheduled', 'waiting', 'live') ORDER BY s.created_at, s.id`

// Unended returns the customer's sessions that have not ended, oldest first.
func (s sessions) Unended(ctx context.Context, customerID string) ([]curfew.Snapshot, error) {
	all, err := many(ctx, s.db, scanSnapshot, selectUnended, customerID)
	return all, wrap(err, "read the sessions of %s", customerID)
}

// The deadline and the end time of a session that moves to status $5.
const updateSession = `UPDATE curfew.sessions s SET
		status = $5,
		version = s.version + 1,
		mechanic_id = CASE WHEN $6::text IS NOT NULL THEN $6 WHEN $7 THEN NULL ELSE s.mechanic_id END,
		accepted_at = CASE WHEN $6 IS NOT NULL THEN now() WHEN $7 THEN NULL ELSE s.accepted_at END,
		customer_joined_at = CASE WHEN $8 THEN now() ELSE s.customer_joined_at END,
		mechanic_joined_at = CASE WHEN $9 THEN now() WHEN $6 IS NULL AND NOT $7 THEN s.mechanic_joined_at END,
		started_at = CASE WHEN $5 = 'live' AND s.status <> 'live' THEN now() ELSE s.started_at END,
		expires_at = CASE WHEN $5 IN ('completed', 'cancelled') THEN NULL WHEN $10::interval IS NULL THEN s.expires_at
			ELSE LEAST(now() + $10, $11::timestamptz) END,
		ended_at = CASE WHEN $5 NOT IN ('completed', 'cancelled') THEN NULL WHEN $12 = 'overran' THEN ` + overran + ` ELSE now() END,
		end_reason = CASE WHEN $5 IN ('completed', 'cancelled') THEN $12 END,
		nudged_at = CASE WHEN $16 THEN now() ELSE s.nudged_at END
	WHERE s.customer_id = $1 AND s.id = $2 AND s.adopted_from = '' AND s.status || '' = $3 AND s.version = $4
		AND ($13 = 0 OR ($13 = 1) = (s.expires_at < now()))
		AND ($14::interval IS NULL OR s.created_at < now() - $14)
		AND (NOT $15 OR (s.mechanic_id IS NULL AND NOT ` + offered + `))
		AND ($17::interval IS NULL OR ` + silent + `)
		AND ($6::text IS NULL OR ` + unrisked + `)`

const (
	// overran is the end of a live session s that ran too long: what was bought
	// is all that counts.
	overran = `LEAST(now(), s.started_at + make_interval(secs => s.duration_seconds))`
	// offered asks whether session s has an open request.
	offered = `EXISTS (SELECT FROM curfew.session_requests r
		WHERE r.customer_id = s.customer_id AND r.session_id = s.id AND ` + requestIsOpen + `)`
	// silent asks whether the mechanic of session s has had no stream for $17.
	silent = `EXISTS (SELECT FROM curfew.mechanic_slots m
		WHERE m.mechanic_id = s.mechanic_id AND m.session_id = s.id AND m.seen_at < now() - $17)`
	// lockSession comes before unrisked: ending a session locks it and then its checkout, and the
	// opposite order could deadlock with that.
	lockSession = `SELECT FROM curfew.sessions s WHERE s.customer_id = $1 AND s.id = $2 FOR NO KEY UPDATE`
	// unrisked locks the checkout of session s, so that what is reported of its payment
	// at the same time comes before this, or after it.
	unrisked = `coalesce((SELECT NOT c.at_risk FROM curfew.checkouts c
		WHERE c.customer_id = s.customer_id AND c.id = s.checkout_id FOR SHARE), true)`
	// offerSession opens the request of an appointment that begins.
	offerSession = `INSERT INTO curfew.session_requests (customer_id, id, session_id, customer_name, status)
		SELECT s.customer_id, $3, s.id, coalesce(c.name, ''), 'pending'
		FROM curfew.sessions s LEFT JOIN curfew.checkouts c ON c.customer_id = s.customer_id AND c.id = s.checkout_id
		WHERE s.customer_id = $1 AND s.id = $2 AND s.adopted_from = ''`
	selectSnapshotByKey = selectSnapshot + ` WHERE s.customer_id = $1 AND s.id = $2`
)

// Change changes a session's status, with all that follows: request, slot, checkout and events.
func (s sessions) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	var st curfew.Snapshot
	err := s.tx(ctx, func(t *transaction) error {
		f := followOf(c)
		if err := t.send(ctx, func(b *pgx.Batch) {
			b.Queue(byKey)
			queueChange(b, c)
			f.queue(b)
		}); err != nil {
			return err
		}
		return t.last(ctx, func(b *pgx.Batch) {
			queueEvents(b, f.events())
			b.Queue(selectSnapshotByKey, c.From.CustomerID, c.From.ID).Query(into(&st, scanSnapshot))
		})
	})
	return st, wrap(err, "change session %s to %s", c.From.ID, c.To)
}

func queueChange(b *pgx.Batch, c record.Change) {
	after, limit := deadline(c.Deadline)
	if c.Assign != "" {
		b.Queue(lockSession, c.From.CustomerID, c.From.ID)
	}
	b.Queue(updateSession, c.From.CustomerID, c.From.ID, c.From.Status, c.From.Version, c.To, null(c.Assign), c.Release,
		c.CustomerJoins, c.MechanicJoins, after, limit, c.EndedBy, c.Guard.Overdue, null(c.Guard.OlderThan), c.Guard.Unoffered,
		c.Nudge, null(c.Guard.Silent),
	).Fn = moves(c)
	if c.Offer != "" {
		b.Queue(offerSession, c.From.CustomerID, c.From.ID, c.Offer)
	}
}

// moves is the callback of the change itself: only a session that takes its customer's
// slot can violate a unique index.
func moves(c record.Change) func(pgx.BatchResults) error {
	return func(results pgx.BatchResults) error {
		tag, err := results.Exec()
		switch {
		case code(err) == uniqueViolation:
			return curfew.Errorf(curfew.SessionOpen, "the slot of customer %s is taken", c.From.CustomerID)
		case err != nil:
			return err
		}
		return hit("session %s has moved", c.From.ID)(tag)
	}
}

// deadline is the parameters of LEAST(now() + after, limit); NULLs to leave it.
func deadline(d curfew.Deadline) (after *time.Duration, limit *time.Time) {
	if d.Zero() {
		return nil, nil
	}
	return &d.After, null(d.Limit)
}

// followOf returns what follows from a change. It uses the session of the change, because
// nothing is written if that has moved since.
func followOf(c record.Change) *follow {
	return &follow{
		moved: []moved{{
			customerID: c.From.CustomerID, sessionID: c.From.ID, checkoutID: c.From.CheckoutID, version: c.From.Version + 1,
			reason: c.Reason, owed: c.Owed, share: c.Share, absent: whoIsAbsent(c.Absent, c.From),
		}},
		from: c.From.Status, to: c.To, requestTo: c.RequestTo, assign: c.Assign, release: c.Release, capture: c.Capture,
		actor: c.Actor, runID: c.RunID,
	}
}

const eventColumns = `id, customer_id, subject_id, number, from_status, to_status, actor, reason, run_id, at`

const selectEvents = `SELECT ` + eventColumns + `
	FROM curfew.events WHERE customer_id = $1 AND subject_id = $2 ORDER BY number`

// Events returns the history of one session or checkout.
func (s sessions) Events(ctx context.Context, customerID, subject string) ([]curfew.Event, error) {
	if !isID(subject) {
		return nil, nil
	}
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
		(*text)(&e.ID), &e.CustomerID, (*text)(&e.Subject), &e.Number, &e.From, &e.To, actor, &e.Reason,
		(*text)(&e.RunID), (*moment)(&e.At),
	}
}
