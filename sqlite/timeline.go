package sqlite

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew"
)

// timeline is what is known of one customer, newest first.
type timeline struct{ *db }

const sessionsOfSQL = standingSQL + `
WHERE sessions.customer_id = $1 ORDER BY sessions.created_at DESC, sessions.id DESC LIMIT $2`

// SessionsOf is the customer's newest sessions, ended or not.
func (s timeline) SessionsOf(ctx context.Context, customerID string, limit int) ([]curfew.Standing, error) {
	all, err := list(ctx, s.reader, scanStanding(s.now()), sessionsOfSQL, customerID, limit)
	if err != nil {
		return nil, fmt.Errorf("read the sessions of %s: %w", customerID, err)
	}
	return all, nil
}

const revivalSQL = standingSQL + ` WHERE sessions.customer_id = $1 AND sessions.revives = $2`

// Revival is the session that revives this one.
func (s timeline) Revival(ctx context.Context, customerID, sessionID string) (curfew.Standing, error) {
	st, err := one(ctx, s.reader, scanStanding(s.now()), revivalSQL, customerID, sessionID)
	if err != nil {
		return curfew.Standing{}, fmt.Errorf("read what revives %s: %w", sessionID, absent(err, "nothing revives session %q", sessionID))
	}
	return st, nil
}

const historySQL = `SELECT ` + eventColumns + ` FROM events
WHERE customer_id = $1 AND (at, id) < ($2, $3)
ORDER BY at DESC, id DESC LIMIT $4`

// History is the customer's events, newest first, before the cursor.
func (s timeline) History(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Event, error) {
	all, err := list(ctx, s.reader, scanEvent, historySQL, customerID, until(before), before.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("read the history of %s: %w", customerID, err)
	}
	return all, nil
}

const refusalsSQL = `SELECT id, customer_id, session_id, at FROM refusals
WHERE customer_id = $1 AND (at, id) < ($2, $3)
ORDER BY at DESC, id DESC LIMIT $4`

// Refusals is when the customer was refused, newest first, before the cursor.
func (s timeline) Refusals(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Refused, error) {
	all, err := list(ctx, s.reader, scanRefused, refusalsSQL, customerID, until(before), before.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("read the refusals of %s: %w", customerID, err)
	}
	return all, nil
}

func scanRefused(r row) (curfew.Refused, error) {
	var v curfew.Refused
	err := r.Scan(text(&v.ID), text(&v.CustomerID), text(&v.SessionID), moment(&v.At))
	return v, err
}

// A customer's deliveries of 30 days are few: they are found by their key and
// put in order here, so that no index has to be kept for it.
const (
	noticedAt  = `CASE deliveries.state WHEN 'pending' THEN deliveries.next_at ELSE deliveries.updated_at END`
	noticesSQL = `SELECT ` + deliveryColumns + ` FROM deliveries
WHERE deliveries.customer_id = $1 AND (` + noticedAt + `, deliveries.id) < ($2, $3)
ORDER BY ` + noticedAt + ` DESC, deliveries.id DESC LIMIT $4`
)

// Notices is the deliveries of the customer's events, newest first, before the
// cursor.
func (s timeline) Notices(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Delivery, error) {
	all, err := list(ctx, s.reader, scanDelivery, noticesSQL, customerID, until(before), before.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("read the notices of %s: %w", customerID, err)
	}
	return all, nil
}

const customersByEmailSQL = `
SELECT DISTINCT customer_id FROM checkouts INDEXED BY checkouts_email WHERE lower(email) = lower($1) AND email <> '' ORDER BY customer_id LIMIT $2`

// CustomersByEmail is who paid with that address.
func (s timeline) CustomersByEmail(ctx context.Context, email string, limit int) ([]string, error) {
	all, err := list(ctx, s.reader, value[string], customersByEmailSQL, email, limit)
	if err != nil {
		return nil, fmt.Errorf("look an address up: %w", err)
	}
	return all, nil
}
