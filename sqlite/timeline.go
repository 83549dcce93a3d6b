package sqlite

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// timeline reads what is known of one customer, newest first.
type timeline struct{ *db }

const selectSnapshotsOf = selectSnapshot + `
WHERE sessions.customer_id = $1 ORDER BY sessions.created_at DESC, sessions.id DESC LIMIT $2`

// SessionsOf returns the customer's newest sessions, ended or not.
func (s timeline) SessionsOf(ctx context.Context, customerID string, limit int) ([]curfew.Snapshot, error) {
	all, err := many(ctx, s.db, scanSnapshot(s.now()), selectSnapshotsOf, customerID, limit)
	return all, wrap(err, "read the sessions of %s", customerID)
}

const selectRevival = selectSnapshot + ` WHERE sessions.customer_id = $1 AND sessions.revives = $2`

// Revival returns the session that revives this one.
func (s timeline) Revival(ctx context.Context, customerID, sessionID string) (curfew.Snapshot, error) {
	st, err := one(ctx, s.db, scanSnapshot(s.now()), selectRevival, customerID, sessionID)
	return st, wrap(orMissing(err, curfew.Errorf(curfew.NotFound, "nothing revives session %q", sessionID)), "read what revives %s", sessionID)
}

const selectHistory = `SELECT ` + eventColumns + ` FROM events
WHERE customer_id = $1 AND (at, id) < ($2, $3)
ORDER BY at DESC, id DESC LIMIT $4`

// History returns the customer's events, newest first.
func (s timeline) History(ctx context.Context, customerID string, cursor curfew.Cursor, limit int) ([]curfew.Event, error) {
	at, id := until(cursor)
	all, err := many(ctx, s.db, scanEvent, selectHistory, customerID, at, id, limit)
	return all, wrap(err, "read the history of %s", customerID)
}

const selectRefusals = `SELECT id, customer_id, session_id, at FROM refusals
WHERE customer_id = $1 AND (at, id) < ($2, $3)
ORDER BY at DESC, id DESC LIMIT $4`

// Refusals returns when the customer was refused, newest first.
func (s timeline) Refusals(ctx context.Context, customerID string, cursor curfew.Cursor, limit int) ([]record.Refusal, error) {
	at, id := until(cursor)
	all, err := many(ctx, s.db, scanRefusal, selectRefusals, customerID, at, id, limit)
	return all, wrap(err, "read the refusals of %s", customerID)
}

func scanRefusal(r row) (record.Refusal, error) {
	var v record.Refusal
	err := r.Scan(text(&v.ID), text(&v.CustomerID), text(&v.SessionID), moment(&v.At))
	return v, err
}

// A customer's deliveries of 30 days are few: they are found by their key and
// put in order here, so that no index has to be kept for it.
const (
	noticedAt     = `CASE deliveries.state WHEN 'pending' THEN deliveries.next_at ELSE deliveries.updated_at END`
	selectNotices = selectDelivery + `
WHERE deliveries.customer_id = $1 AND (` + noticedAt + `, deliveries.id) < ($2, $3)
ORDER BY ` + noticedAt + ` DESC, deliveries.id DESC LIMIT $4`
)

// Notices returns the deliveries of the customer's events, newest first.
func (s timeline) Notices(ctx context.Context, customerID string, cursor curfew.Cursor, limit int) ([]record.Delivery, error) {
	at, id := until(cursor)
	all, err := many(ctx, s.db, scanDelivery, selectNotices, customerID, at, id, limit)
	return all, wrap(err, "read the notices of %s", customerID)
}

const selectCustomersByEmail = `
SELECT DISTINCT customer_id FROM checkouts INDEXED BY checkouts_email WHERE lower(email) = lower($1) AND email <> '' ORDER BY customer_id LIMIT $2`

// CustomersByEmail returns the customers who paid with this address.
func (s timeline) CustomersByEmail(ctx context.Context, email string, limit int) ([]string, error) {
	all, err := many(ctx, s.db, value[string], selectCustomersByEmail, email, limit)
	return all, wrap(err, "look an address up")
}
