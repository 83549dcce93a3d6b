package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// What a match consists of, by kind. lower() changes the letters of ASCII.
const (
	matchedSession  = `SELECT 'session', s.id, s.customer_id, '', '', '', s.plan, s.status FROM sessions s`
	matchedPayment  = `SELECT 'payment', c.id, c.customer_id, c.name, c.email, c.ref, c.plan, c.outcome FROM checkouts c`
	matchedRequest  = `SELECT 'request', r.id, r.customer_id, r.customer_name, '', '', '', r.status FROM session_requests r`
	matchedRun      = `SELECT 'run', u.id, '', '', '', '', u."trigger", u.outcome FROM runs u`
	matchedCustomer = `SELECT 'customer', k.customer_id, k.customer_id, k.name, k.email, '', '', '' FROM checkouts k`

	selectExact = `
SELECT * FROM (` + matchedCustomer + ` WHERE k.customer_id = $1 AND $1 <> '' ORDER BY k.id DESC LIMIT 1)
UNION ALL SELECT * FROM (SELECT 'customer', s.customer_id, s.customer_id, '', '', '', '', '' FROM sessions s WHERE s.customer_id = $1 AND $1 <> '' LIMIT 1)
UNION ALL SELECT * FROM (` + matchedPayment + ` WHERE (c.customer_id, c.id) = (SELECT p.customer_id, p.checkout_id FROM payment_refs p WHERE p.ref = $1))`
	selectByIDs = `
SELECT * FROM (` + matchedSession + ` WHERE s.id BETWEEN $1 AND $2 ORDER BY s.id DESC LIMIT $3)
UNION ALL SELECT * FROM (` + matchedPayment + ` WHERE c.id BETWEEN $1 AND $2 ORDER BY c.id DESC LIMIT $3)
UNION ALL SELECT * FROM (` + matchedRequest + ` WHERE r.id BETWEEN $1 AND $2 ORDER BY r.id DESC LIMIT $3)
UNION ALL SELECT * FROM (` + matchedRun + ` WHERE u.id BETWEEN $1 AND $2 ORDER BY u.id DESC LIMIT $3)`
	selectPayers = `
SELECT 'customer', k.customer_id, k.customer_id, k.name, k.email, '', '', '', max(k.id) FROM (
    SELECT * FROM (SELECT c.customer_id, c.id, c.name, c.email FROM checkouts c INDEXED BY checkouts_name
        WHERE lower(c.name) >= $1 AND lower(c.name) < $2 AND c.name <> '' ORDER BY lower(c.name), c.id LIMIT $3)
    UNION ALL
    SELECT * FROM (SELECT c.customer_id, c.id, c.name, c.email FROM checkouts c INDEXED BY checkouts_email
        WHERE lower(c.email) >= $1 AND lower(c.email) < $2 AND c.email <> '' ORDER BY lower(c.email), c.id LIMIT $3)) k
WHERE k.customer_id <> '` + curfew.Nobody + `' GROUP BY k.customer_id ORDER BY k.customer_id LIMIT $4`
	// selectMechanics jumps from one mechanic to the next.
	selectMechanics = `
WITH RECURSIVE m (low) AS (
    SELECT (SELECT lower(s.mechanic_id) FROM sessions s INDEXED BY sessions_mechanic WHERE s.mechanic_id IS NOT NULL
        AND lower(s.mechanic_id) >= $1 AND lower(s.mechanic_id) < $2 ORDER BY lower(s.mechanic_id) LIMIT 1)
    UNION ALL
    SELECT (SELECT lower(s.mechanic_id) FROM sessions s INDEXED BY sessions_mechanic WHERE s.mechanic_id IS NOT NULL
        AND lower(s.mechanic_id) > m.low AND lower(s.mechanic_id) < $2 ORDER BY lower(s.mechanic_id) LIMIT 1) FROM m WHERE m.low IS NOT NULL)
SELECT 'mechanic', (SELECT s.mechanic_id FROM sessions s INDEXED BY sessions_mechanic WHERE s.mechanic_id IS NOT NULL AND lower(s.mechanic_id) = m.low
    ORDER BY s.id DESC LIMIT 1), '', '', '', '', '', '' FROM m WHERE m.low IS NOT NULL LIMIT $3`
	selectRecent = `
SELECT * FROM (` + matchedPayment + ` WHERE c.rowid IN (SELECT n.rowid FROM (
        SELECT rowid, * FROM checkouts ORDER BY id DESC LIMIT $2) n
    WHERE EXISTS (SELECT 1 FROM json_each($1) part
        WHERE instr(lower(n.id || char(10) || n.customer_id || char(10) || n.ref || char(10) || n.name || char(10) || n.email), part.value) > 0)
    ORDER BY n.id DESC LIMIT $3) ORDER BY c.id DESC)
UNION ALL SELECT * FROM (` + matchedSession + ` WHERE s.rowid IN (SELECT n.rowid FROM (
        SELECT rowid, * FROM sessions ORDER BY id DESC LIMIT $2) n
    WHERE EXISTS (SELECT 1 FROM json_each($1) part
        WHERE instr(lower(n.id || char(10) || n.customer_id || char(10) || coalesce(n.mechanic_id, '')), part.value) > 0)
    ORDER BY n.id DESC LIMIT $3) ORDER BY s.id DESC)`
)

// payersRead is how many payments are read at most to find those who made them.
const payersRead = 1000

func scanMatch(r row) (record.Hit, error) {
	var m record.Hit
	err := r.Scan(matchFields(&m)...)
	return m, err
}

func scanPayer(r row) (record.Hit, error) {
	var m record.Hit
	var newest string
	err := r.Scan(append(matchFields(&m), text(&newest))...)
	return m, err
}

func matchFields(m *record.Hit) []any {
	return []any{text(&m.Kind), text(&m.ID), text(&m.CustomerID), text(&m.Name), text(&m.Email), text(&m.Ref), text(&m.Plan), text(&m.Status)}
}

// FindExact finds the customer with this id, and the payment with this reference.
func (s directory) FindExact(ctx context.Context, text string) ([]record.Hit, error) {
	all, err := many(ctx, s.db, scanMatch, selectExact, text)
	return all, wrap(err, "find what is called so")
}

// FindIDs finds what has an id between these two, both included, the newest of each kind first.
func (s directory) FindIDs(ctx context.Context, low, high string, limit int) ([]record.Hit, error) {
	all, err := many(ctx, s.db, scanMatch, selectByIDs, low, high, limit)
	return all, wrap(err, "find ids")
}

// FindPayers finds customers by how the name or the address begins with which they paid.
func (s directory) FindPayers(ctx context.Context, of record.Span, limit int) ([]record.Hit, error) {
	all, err := many(ctx, s.db, scanPayer, selectPayers, of.From, of.Below, payersRead, limit)
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
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	all, err := many(ctx, s.db, scanMatch, selectRecent, list(parts), depth, limit)
	return all, wrap(err, "search what is recent")
}
