package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// What a match consists of, by kind. Texts are compared as lower() makes them in the collation C: it changes the letters
// of ASCII, in every database of whatever locale.
const (
	matchedSession  = `SELECT 'session', s.id::text, s.customer_id, '', '', '', s.plan, s.status FROM curfew.sessions s`
	matchedPayment  = `SELECT 'payment', c.id::text, c.customer_id, c.name, c.email, c.ref, c.plan, c.outcome FROM curfew.checkouts c`
	matchedRequest  = `SELECT 'request', r.id::text, r.customer_id, r.customer_name, '', '', '', r.status FROM curfew.session_requests r`
	matchedRun      = `SELECT 'run', u.id::text, '', '', '', '', u.trigger, u.outcome FROM curfew.runs u`
	matchedCustomer = `SELECT 'customer', k.customer_id, k.customer_id, k.name, k.email, '', '', '' FROM curfew.checkouts k`

	selectExact = `(` + matchedCustomer + ` WHERE k.customer_id = $1 AND $1 <> '' ORDER BY k.id DESC LIMIT 1)
		UNION ALL (SELECT 'customer', s.customer_id, s.customer_id, '', '', '', '', '' FROM curfew.sessions s WHERE s.customer_id = $1 AND $1 <> '' LIMIT 1)
		UNION ALL (` + matchedPayment + ` WHERE (c.customer_id, c.id) = (SELECT p.customer_id, p.checkout_id FROM curfew.payment_refs p WHERE p.ref = $1))`
	selectByIDs = `(` + matchedSession + ` WHERE s.id BETWEEN $1::uuid AND $2::uuid ORDER BY s.id DESC LIMIT $3)
		UNION ALL (` + matchedPayment + ` WHERE c.id BETWEEN $1::uuid AND $2::uuid ORDER BY c.id DESC LIMIT $3)
		UNION ALL (` + matchedRequest + ` WHERE r.id BETWEEN $1::uuid AND $2::uuid ORDER BY r.id DESC LIMIT $3)
		UNION ALL (` + matchedRun + ` WHERE u.id BETWEEN $1::uuid AND $2::uuid ORDER BY u.id DESC LIMIT $3)`
	selectPayers = `SELECT DISTINCT ON (k.customer_id) 'customer', k.customer_id, k.customer_id, k.name, k.email, '', '', '' FROM (
			(SELECT * FROM curfew.checkouts c WHERE lower(c.name COLLATE "C") >= $1::text COLLATE "C" AND lower(c.name COLLATE "C") < $2::text COLLATE "C" AND c.name <> ''
				ORDER BY lower(c.name COLLATE "C"), c.id LIMIT $3)
			UNION ALL
			(SELECT * FROM curfew.checkouts c WHERE lower(c.email COLLATE "C") >= $1::text COLLATE "C" AND lower(c.email COLLATE "C") < $2::text COLLATE "C" AND c.email <> ''
				ORDER BY lower(c.email COLLATE "C"), c.id LIMIT $3)) k
		WHERE k.customer_id <> '` + curfew.Nobody + `' ORDER BY k.customer_id, k.id DESC LIMIT $4`
	// selectMechanics jumps from one mechanic to the next.
	selectMechanics = `WITH RECURSIVE m (low) AS (
			SELECT (SELECT lower(s.mechanic_id COLLATE "C") FROM curfew.sessions s WHERE s.mechanic_id IS NOT NULL
				AND lower(s.mechanic_id COLLATE "C") >= $1::text COLLATE "C" AND lower(s.mechanic_id COLLATE "C") < $2::text COLLATE "C"
				ORDER BY lower(s.mechanic_id COLLATE "C") LIMIT 1)
			UNION ALL
			SELECT (SELECT lower(s.mechanic_id COLLATE "C") FROM curfew.sessions s WHERE s.mechanic_id IS NOT NULL
				AND lower(s.mechanic_id COLLATE "C") > m.low AND lower(s.mechanic_id COLLATE "C") < $2::text COLLATE "C"
				ORDER BY lower(s.mechanic_id COLLATE "C") LIMIT 1) FROM m WHERE m.low IS NOT NULL)
		SELECT 'mechanic', (SELECT s.mechanic_id FROM curfew.sessions s WHERE s.mechanic_id IS NOT NULL AND lower(s.mechanic_id COLLATE "C") = m.low
			ORDER BY s.id DESC LIMIT 1), '', '', '', '', '', '' FROM m WHERE m.low IS NOT NULL LIMIT $3`
	selectRecent = `(` + matchedPayment + ` WHERE (c.customer_id, c.id) IN (SELECT n.customer_id, n.id FROM (
				SELECT * FROM curfew.checkouts ORDER BY id DESC LIMIT $2) n
			WHERE EXISTS (SELECT FROM unnest($1::text[]) part
				WHERE strpos(lower(concat_ws(E'\n', n.id, n.customer_id, n.ref, n.name, n.email) COLLATE "C"), part) > 0) ORDER BY n.id DESC LIMIT $3)
			ORDER BY c.id DESC)
		UNION ALL (` + matchedSession + ` WHERE (s.customer_id, s.id) IN (SELECT n.customer_id, n.id FROM (
				SELECT * FROM curfew.sessions ORDER BY id DESC LIMIT $2) n
			WHERE EXISTS (SELECT FROM unnest($1::text[]) part
				WHERE strpos(lower(concat_ws(E'\n', n.id, n.customer_id, n.mechanic_id) COLLATE "C"), part) > 0) ORDER BY n.id DESC LIMIT $3)
			ORDER BY s.id DESC)`
)

// payersRead is how many payments are read at most to find those who made them.
const payersRead = 1000

func scanMatch(r row) (record.Hit, error) {
	var m record.Hit
	err := r.Scan((*text)(&m.Kind), (*text)(&m.ID), (*text)(&m.CustomerID), (*text)(&m.Name), (*text)(&m.Email), (*text)(&m.Ref),
		(*text)(&m.Plan), (*text)(&m.Status))
	return m, err
}

// FindExact finds the customer with this id, and the payment with this reference.
func (s directory) FindExact(ctx context.Context, text string) ([]record.Hit, error) {
	all, err := many(ctx, s.db, scanMatch, selectExact, text)
	return all, wrap(err, "find what is called so")
}

// FindIDs finds what has an id between these two, both included, the newest of each kind first.
func (s directory) FindIDs(ctx context.Context, low, high string, limit int) ([]record.Hit, error) {
	if !isID(low) || !isID(high) {
		return nil, nil
	}
	all, err := many(ctx, s.db, scanMatch, selectByIDs, low, high, limit)
	return all, wrap(err, "find ids")
}

// FindPayers finds customers by how the name or the address begins with which they paid.
func (s directory) FindPayers(ctx context.Context, of record.Span, limit int) ([]record.Hit, error) {
	all, err := many(ctx, s.db, scanMatch, selectPayers, of.From, of.Below, payersRead, limit)
	return all, wrap(err, "find payers")
}

// FindMechanics finds mechanics by how their id begins.
func (s directory) FindMechanics(ctx context.Context, of record.Span, limit int) ([]record.Hit, error) {
	all, err := many(ctx, s.db, scanMatch, selectMechanics, of.From, of.Below, limit)
	return all, wrap(err, "find mechanics")
}

// FindRecent finds payments and sessions among the newest that have one of the parts in an id, a reference, a name or an
// address. Unavailable if it took longer than it may.
func (s directory) FindRecent(ctx context.Context, parts []string, depth, limit int, within time.Duration) ([]record.Hit, error) {
	var all []record.Hit
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(`SELECT set_config('statement_timeout', $1, true)`, fmt.Sprint(within.Milliseconds()))
		b.Queue(selectRecent, parts, depth, limit).Query(func(rows pgx.Rows) (err error) {
			all, err = pgx.CollectRows(rows, scanMatch)
			return err
		})
	})
	return all, wrap(err, "search what is recent")
}
