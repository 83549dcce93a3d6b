package sqlite

import (
	"context"
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// consistency compares rows that must agree with each other.
type consistency struct{ *db }

// The tallies that differ from the number of their rows. A status that was never tallied
// has no row. If the triggers that keep them are missing, Verify says so.
const selectDifferences = `
SELECT t.noun AS noun, t.status AS status, sum(t.n) AS tallied, CASE t.noun
        WHEN 'session' THEN (SELECT count(*) FROM sessions s WHERE s.status = t.status)
        WHEN 'request' THEN (SELECT count(*) FROM session_requests r WHERE r.status = t.status)
        ELSE (SELECT count(*) FROM checkouts c WHERE c.outcome = t.status) END
    - CASE WHEN t.noun = 'checkout' AND t.status = 'fulfilled' THEN (SELECT count(*) FROM sessions) ELSE 0 END AS counted
FROM (
    SELECT noun, status, n FROM tallies
    UNION ALL ` + tallied + `
) t
GROUP BY t.noun, t.status HAVING tallied <> counted ORDER BY 1, 2`

// tallied is every tally there should be, at 0.
const tallied = `SELECT 'session' AS noun, column1 AS status, 0 AS n FROM (VALUES ('completed'), ('cancelled'))
    UNION ALL SELECT 'request', column1, 0 FROM (VALUES ('cancelled'), ('expired'), ('completed'))
    UNION ALL SELECT 'checkout', column1, 0 FROM (VALUES
        ('promised'), ('fulfilled'), ('deferred'), ('held'), ('credited'), ('refund_due'), ('refunding'), ('refunded'), ('forfeited'),
        ('void'), ('ignored'))`

// TallyDifferences compares the tallies with the rows, all of which it reads,
// however long that takes within the context.
func (s consistency) TallyDifferences(ctx context.Context) ([]curfew.TallyDifference, error) {
	all, err := many(ctx, s.db, func(r row) (d curfew.TallyDifference, err error) {
		err = r.Scan(&d.Noun, &d.Status, &d.Tallied, &d.Counted)
		return d, err
	}, selectDifferences)
	return all, wrap(err, "compare the tallies")
}

// openSession and brokenEvents are conditions of the checks below.
const (
	openSession  = `s.status IN ('waiting', 'live')`
	brokenEvents = ` FROM page p WHERE p.version > 0 AND (
    SELECT (count(*), coalesce(min(e.number), 0), coalesce(max(e.number), 0)) <> (p.version, 1, p.version)
        OR count(CASE WHEN e.number = p.version AND e.to_status = p.status THEN 1 END) <> 1
    FROM events e WHERE e.customer_id = p.customer_id AND e.subject_id = p.id)`
)

// hadSession asks whether the session of a checkout began.
func hadSession(checkout string) string {
	return `EXISTS (SELECT 1 FROM sessions s
    WHERE s.customer_id = ` + checkout + `.customer_id AND s.checkout_id = ` + checkout + `.id AND s.status IN ('live', 'completed'))`
}

// links holds for each table how its rows are checked against others: pages in the order
// of an index, after a key, and what is wrong with a page's rows. Each row of a page
// costs one or two reads by key.
var links = map[string]struct{ page, last, wrong string }{
	"payment_refs": {
		`SELECT ref AS id, customer_id, checkout_id, version FROM payment_refs WHERE ref > $1 ORDER BY ref LIMIT $2`, `max(id)`,
		`SELECT 'claim_without_checkout', p.id, p.customer_id FROM page p WHERE NOT ` + onlyReported + ` AND NOT EXISTS (
    SELECT 1 FROM checkouts c WHERE c.customer_id = p.customer_id AND c.id = p.checkout_id)`,
	},
	"checkouts": {
		`SELECT customer_id, id, ref, version, outcome, outcome AS status, session_id, money_due, line_of, line, capture
FROM checkouts WHERE id > $1 ORDER BY id LIMIT $2`, `max(id)`,
		`SELECT 'checkout_without_claim', p.id, p.customer_id FROM page p WHERE p.ref <> '' AND NOT EXISTS (
    SELECT 1 FROM payment_refs r WHERE r.ref = p.ref AND (r.customer_id = p.customer_id AND r.checkout_id = p.id OR r.checkout_id = p.line_of))
UNION ALL SELECT 'fulfilled_without_session', p.id, p.customer_id FROM page p
    WHERE p.status = 'fulfilled' AND NOT p.money_due AND NOT EXISTS (SELECT 1 FROM sessions s
        WHERE s.customer_id = p.customer_id AND (s.checkout_id = p.id OR s.id = p.session_id) AND s.status <> 'cancelled')
UNION ALL SELECT 'open_session_not_paid', p.id, p.customer_id FROM page p
    WHERE p.status <> 'fulfilled' AND EXISTS (SELECT 1 FROM sessions s
        WHERE s.customer_id = p.customer_id AND s.checkout_id = p.id AND s.status IN ('scheduled', 'waiting', 'live'))
UNION ALL SELECT 'capture_disagrees', p.id, p.customer_id FROM page p
    WHERE ` + record.WrongCapture("p", "checkouts") + ` OR p.capture = 'authorised' AND ` + hadSession("p") + `
UNION ALL SELECT 'checkout_events', p.id, p.customer_id` + brokenEvents,
	},
	// A waiting session that nobody was offered is the orphans' rule's.
	"sessions": {
		`SELECT customer_id, id, status, mechanic_id, checkout_id, version FROM sessions WHERE id > $1 ORDER BY id LIMIT $2`, `max(id)`,
		`SELECT 'session_without_checkout', p.id, p.customer_id FROM page p WHERE p.checkout_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM checkouts c WHERE c.customer_id = p.customer_id AND c.id = p.checkout_id)
UNION ALL SELECT 'session_without_request', s.id, s.customer_id FROM page s WHERE ` + openSession + ` AND s.mechanic_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM session_requests r
        WHERE r.customer_id = s.customer_id AND r.session_id = s.id AND r.status IN ('pending', 'accepted'))
UNION ALL SELECT 'session_without_slot', s.id, s.customer_id FROM page s WHERE ` + openSession + ` AND s.mechanic_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM mechanic_slots m WHERE m.mechanic_id = s.mechanic_id AND m.session_id = s.id)
UNION ALL SELECT 'session_events', p.id, p.customer_id` + brokenEvents,
	},
	"session_requests": {
		`SELECT customer_id, id, session_id, status FROM session_requests WHERE id > $1 ORDER BY id LIMIT $2`, `max(id)`,
		`SELECT 'request_without_session', p.id, p.customer_id FROM page p WHERE p.status IN ('pending', 'accepted') AND NOT EXISTS (
    SELECT 1 FROM sessions s WHERE s.customer_id = p.customer_id AND s.id = p.session_id AND ` + openSession + `)`,
	},
	"events": {
		`SELECT customer_id, subject_id, subject, at, id FROM events
WHERE (at, id) > (CAST(substr($1, 1, instr($1 || ' ', ' ') - 1) AS INTEGER), substr($1, instr($1 || ' ', ' ') + 1)) ORDER BY at, id LIMIT $2`,
		`max(printf('%020d', at) || ' ' || id)`,
		`SELECT DISTINCT 'events_without_subject', p.subject_id, p.customer_id FROM page p WHERE NOT EXISTS (
        SELECT 1 FROM sessions s WHERE p.subject = 'session' AND s.customer_id = p.customer_id AND s.id = p.subject_id)
    AND NOT EXISTS (SELECT 1 FROM checkouts c WHERE p.subject = 'checkout' AND c.customer_id = p.customer_id AND c.id = p.subject_id)`,
	},
}

// Links checks up to limit rows of a table behind a key, and returns those that
// contradict others.
func (s consistency) Links(ctx context.Context, table, after string, limit int) (record.Linked, error) {
	of, ok := links[table]
	if !ok {
		return record.Linked{}, curfew.Errorf(curfew.Internal, "table %s has no links", table)
	}
	query := "WITH page AS MATERIALIZED (" + of.page + ")\nSELECT * FROM (" + of.wrong + ")\nUNION ALL SELECT '', " + of.last + ", CAST(count(*) AS TEXT) FROM page"
	all, err := many(ctx, s.db, func(r row) (i curfew.Inconsistency, err error) {
		err = r.Scan(text(&i.Kind), text(&i.ID), text(&i.CustomerID))
		return i, err
	}, query, after, limit)
	if err != nil {
		return record.Linked{}, wrap(err, "look at the links of %s", table)
	}
	page := all[len(all)-1]
	l := record.Linked{Found: all[:len(all)-1], Next: page.ID}
	if l.Rows, err = strconv.Atoi(page.CustomerID); l.Rows < limit {
		l.Next = ""
	}
	return l, err
}

// mends complete rows that have only one right completion. $1 is now.
var mends = []string{
	`INSERT OR IGNORE INTO tallies (shard, noun, status, n) SELECT 0, noun, status, n FROM (` + tallied + `)`,
	recountTallies + ` WHERE EXISTS (SELECT 1 FROM (` + selectDifferences + `) d WHERE d.noun = tallies.noun AND d.status = tallies.status)`,
	`INSERT OR IGNORE INTO payment_refs (ref, customer_id, checkout_id, plan, version) SELECT c.ref, p.customer_id, p.id, p.plan,
    coalesce((SELECT max(r.version) FROM payment_refs r WHERE r.checkout_id = p.id), 0)
FROM checkouts c JOIN checkouts p ON p.id = coalesce(c.line_of, c.id)
WHERE c.ref <> '' AND NOT EXISTS (SELECT 1 FROM payment_refs r WHERE r.ref = c.ref) ORDER BY c.id`,
	`UPDATE checkouts AS c SET money_due = TRUE, updated_at = $1 WHERE c.outcome = 'fulfilled' AND NOT c.money_due AND NOT EXISTS (
    SELECT 1 FROM sessions s
    WHERE s.customer_id = c.customer_id AND (s.checkout_id = c.id OR s.id = c.session_id) AND s.status <> 'cancelled')`,
	`UPDATE checkouts AS c SET capture = 'due', next_at = $1, updated_at = $1
WHERE c.capture = 'authorised' AND c.outcome = 'fulfilled' AND ` + hadSession("c"),
	`INSERT OR IGNORE INTO session_requests (customer_id, id, session_id, mechanic_id, status, created_at)
SELECT s.customer_id, s.id, s.id, s.mechanic_id, 'accepted', $1 FROM sessions s
WHERE ` + openSession + ` AND s.mechanic_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM session_requests r
    WHERE r.customer_id = s.customer_id AND r.session_id = s.id AND r.status IN ('pending', 'accepted'))`,
	`UPDATE session_requests AS r SET status = 'cancelled', ended_at = $1 WHERE r.status IN ('pending', 'accepted') AND NOT EXISTS (
    SELECT 1 FROM sessions s WHERE s.customer_id = r.customer_id AND s.id = r.session_id AND ` + openSession + `)`,
	`INSERT OR IGNORE INTO mechanic_slots (mechanic_id, customer_id, session_id, created_at) SELECT s.mechanic_id, s.customer_id, s.id, $1 FROM sessions s
WHERE ` + openSession + ` AND s.mechanic_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM mechanic_slots m WHERE m.mechanic_id = s.mechanic_id)`,
}

// Mend recounts the tallies, and completes contradictory rows where only one
// completion is right. It returns how many rows it wrote.
func (s consistency) Mend(ctx context.Context) (n int64, err error) {
	for i, query := range mends { // each is right by itself
		var args []any
		if i > 2 { // the first three ask for no time
			args = append(args, micros(s.now().Truncate(time.Microsecond)))
		}
		rows, err := s.exec(ctx, query, args...)
		if err != nil {
			return n, wrap(err, "mend the rows")
		}
		n += rows
	}
	return n, nil
}
