package postgres

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// timeline reads what is known of one customer, newest first.
type timeline struct{ *db }

const selectSnapshotsOf = selectSnapshot + ` WHERE s.customer_id = $1 ORDER BY s.created_at DESC, s.id DESC LIMIT $2`

// SessionsOf returns the customer's newest sessions, ended or not.
func (s timeline) SessionsOf(ctx context.Context, customerID string, limit int) ([]curfew.Snapshot, error) {
	all, err := many(ctx, s.db, scanSnapshot, selectSnapshotsOf, customerID, limit)
	return all, wrap(err, "read the sessions of %s", customerID)
}

const selectRevival = selectSnapshot + ` WHERE s.customer_id = $1 AND s.revives = $2`

// Revival returns the session that revives this one.
func (s timeline) Revival(ctx context.Context, customerID, sessionID string) (curfew.Snapshot, error) {
	missing := curfew.Errorf(curfew.NotFound, "nothing revives session %q", sessionID)
	if !isID(sessionID) {
		return curfew.Snapshot{}, missing
	}
	st, err := one(ctx, s.db, scanSnapshot, selectRevival, customerID, sessionID)
	return st, wrap(orMissing(err, missing), "read what revives %s", sessionID)
}

const selectHistory = `SELECT ` + eventColumns + ` FROM curfew.events
	WHERE customer_id = $1 AND (at, id) < ($2::timestamptz, $3::uuid) ORDER BY at DESC, id DESC LIMIT $4`

// History returns the customer's events, newest first.
func (s timeline) History(ctx context.Context, customerID string, cursor curfew.Cursor, limit int) ([]curfew.Event, error) {
	at, id := until(cursor)
	all, err := many(ctx, s.db, scanEvent, selectHistory, customerID, at, id, limit)
	return all, wrap(err, "read the history of %s", customerID)
}

const selectRefusals = `SELECT id, customer_id, session_id, at FROM curfew.refusals
	WHERE customer_id = $1 AND (at, id) < ($2::timestamptz, $3::uuid) ORDER BY at DESC, id DESC LIMIT $4`

// Refusals returns when the customer was refused, newest first.
func (s timeline) Refusals(ctx context.Context, customerID string, cursor curfew.Cursor, limit int) ([]record.Refusal, error) {
	at, id := until(cursor)
	all, err := many(ctx, s.db, scanRefusal, selectRefusals, customerID, at, id, limit)
	return all, wrap(err, "read the refusals of %s", customerID)
}

func scanRefusal(r row) (record.Refusal, error) {
	var v record.Refusal
	err := r.Scan((*text)(&v.ID), &v.CustomerID, (*text)(&v.SessionID), (*moment)(&v.At))
	return v, err
}

// A customer's deliveries of 30 days are few: they are found by their key and
// put in order here, so that no index has to be kept for it.
const (
	noticedAt     = `CASE d.state WHEN 'pending' THEN d.next_at ELSE d.updated_at END`
	selectNotices = selectDelivery + ` WHERE d.customer_id = $1 AND (` + noticedAt + `, d.id) < ($2::timestamptz, $3::uuid)
		ORDER BY ` + noticedAt + ` DESC, d.id DESC LIMIT $4`
)

// Notices returns the deliveries of the customer's events, newest first.
func (s timeline) Notices(ctx context.Context, customerID string, cursor curfew.Cursor, limit int) ([]record.Delivery, error) {
	at, id := until(cursor)
	all, err := many(ctx, s.db, scanDelivery, selectNotices, customerID, at, id, limit)
	return all, wrap(err, "read the notices of %s", customerID)
}

const selectCustomersByEmail = `SELECT DISTINCT c.customer_id FROM curfew.checkouts c
	WHERE lower(c.email COLLATE "C") = lower($1::text COLLATE "C") AND c.email <> '' ORDER BY c.customer_id LIMIT $2`

// CustomersByEmail returns the customers who paid with this address.
func (s timeline) CustomersByEmail(ctx context.Context, email string, limit int) ([]string, error) {
	all, err := many(ctx, s.db, value[string], selectCustomersByEmail, email, limit)
	return all, wrap(err, "look an address up")
}
