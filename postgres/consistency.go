package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// consistency compares rows that must agree with each other.
type consistency struct{ *db }

// The tallies that differ from the number of their rows, at one moment.
const selectDifferences = `SELECT coalesce(c.noun, t.noun) AS noun, coalesce(c.status, t.status) AS status,
			coalesce(t.n, 0)::bigint AS tallied, coalesce(c.n, 0)::bigint AS counted
		FROM (
			SELECT 'session' AS noun, status, count(*) AS n FROM curfew.sessions WHERE status IN ('completed', 'cancelled') GROUP BY status
			UNION ALL
			SELECT 'request', status, count(*) FROM curfew.session_requests
				WHERE status IN ('cancelled', 'expired', 'completed') GROUP BY status
			UNION ALL
			SELECT 'checkout', outcome, count(*) FROM curfew.checkouts WHERE outcome <> 'fulfilled' GROUP BY outcome
			UNION ALL
			SELECT 'checkout', 'fulfilled',
				(SELECT count(*) FROM curfew.checkouts WHERE outcome = 'fulfilled') - ` + talliedSessions + `
		) c FULL JOIN (SELECT noun, status, sum(n) AS n FROM curfew.tallies GROUP BY noun, status) t ON t.noun = c.noun AND t.status = c.status
		WHERE coalesce(t.n, 0) <> coalesce(c.n, 0)`

// talliedSessions counts the sessions that the tally of fulfilled checkouts includes: a
// mirror only once it has ended.
const talliedSessions = `(SELECT count(*) FROM curfew.sessions WHERE adopted_from = '' OR status IN ('completed', 'cancelled'))`

// TallyDifferences compares the tallies with the rows, all of which it reads,
// however long that takes within the context.
func (s consistency) TallyDifferences(ctx context.Context) ([]curfew.TallyDifference, error) {
	var all []curfew.TallyDifference
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if err := untimed(ctx, tx); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, selectDifferences+` ORDER BY 1, 2`) // its error comes out of the rows
		var err error
		all, err = pgx.CollectRows(rows, func(r row) (d curfew.TallyDifference, err error) {
			err = r.Scan(&d.Noun, &d.Status, &d.Tallied, &d.Counted)
			return d, err
		})
		return err
	})
	return all, wrap(translate(err), "compare the tallies")
}

// These are conditions of the checks below: openSession where a statement has no keys,
// isOpen where it has.
const (
	openSession  = `s.status IN ('waiting', 'live')`
	isOpen       = `s.status || '' IN ('waiting', 'live')`
	brokenEvents = ` FROM page p WHERE p.version > 0 AND (SELECT (count(*), min(e.number), max(e.number)) <> (p.version, 1, p.version)
				OR count(*) FILTER (WHERE e.number = p.version AND e.to_status = p.status) <> 1
			FROM curfew.events e WHERE e.customer_id = p.customer_id AND e.subject_id = p.id)`
)

// hadSession asks whether the session of a checkout began.
func hadSession(checkout string) string {
	return `EXISTS (SELECT FROM curfew.sessions s
			WHERE s.customer_id = ` + checkout + `.customer_id AND s.checkout_id = ` + checkout + `.id AND s.status IN ('live', 'completed'))`
}

// links is how each table's rows are held against others': pages in the order
// of an index behind a key, and what is wrong with a page's rows. Each row of a
// page costs a look or two by key.
var links = map[string]struct{ page, last, wrong string }{
	"payment_refs": {
		`SELECT ref AS id, customer_id, checkout_id, version FROM curfew.payment_refs WHERE ref > $1 ORDER BY ref LIMIT $2`, `id`,
		`SELECT 'claim_without_checkout', p.id, p.customer_id FROM page p WHERE NOT ` + onlyReported + ` AND NOT EXISTS (
			SELECT FROM curfew.checkouts c WHERE c.customer_id = p.customer_id AND c.id = p.checkout_id)`,
	},
	"checkouts": {
		`SELECT customer_id, id, ref, version, outcome, outcome AS status, session_id, money_due, line_of, line, capture
			FROM curfew.checkouts WHERE id > coalesce(nullif($1, ''), '` + lowestID + `')::uuid ORDER BY id LIMIT $2`, `id::text`,
		`SELECT 'checkout_without_claim', p.id::text, p.customer_id FROM page p WHERE p.ref <> '' AND NOT EXISTS (
			SELECT FROM curfew.payment_refs r WHERE r.ref = p.ref AND (r.customer_id = p.customer_id AND r.checkout_id = p.id OR r.checkout_id = p.line_of))
		UNION ALL SELECT 'fulfilled_without_session', p.id::text, p.customer_id FROM page p
			WHERE p.status = 'fulfilled' AND NOT p.money_due AND NOT EXISTS (SELECT FROM curfew.sessions s
				WHERE s.customer_id = p.customer_id AND (s.checkout_id = p.id OR s.id = p.session_id) AND s.status <> 'cancelled')
		UNION ALL SELECT 'open_session_not_paid', p.id::text, p.customer_id FROM page p
			WHERE p.status <> 'fulfilled' AND EXISTS (SELECT FROM curfew.sessions s
				WHERE s.customer_id = p.customer_id AND s.checkout_id = p.id AND ` + notEnded + `)
		UNION ALL SELECT 'capture_disagrees', p.id::text, p.customer_id FROM page p
			WHERE ` + record.WrongCapture("p", "curfew.checkouts") + ` OR p.capture = 'authorised' AND ` + hadSession("p") + `
		UNION ALL SELECT 'checkout_events', p.id::text, p.customer_id` + brokenEvents,
	},
	// A waiting session that nobody was offered is the orphans' rule's. A mirror has no slot
	// where its mechanic has another.
	"sessions": {
		`SELECT customer_id, id, status, mechanic_id, checkout_id, version, adopted_from
			FROM curfew.sessions WHERE id > coalesce(nullif($1, ''), '` + lowestID + `')::uuid ORDER BY id LIMIT $2`, `id::text`,
		`SELECT 'session_without_checkout', p.id::text, p.customer_id FROM page p WHERE p.checkout_id IS NOT NULL AND NOT EXISTS (
			SELECT FROM curfew.checkouts c WHERE c.customer_id = p.customer_id AND c.id = p.checkout_id)
		UNION ALL SELECT 'session_without_request', s.id::text, s.customer_id FROM page s WHERE ` + openSession + ` AND s.mechanic_id IS NOT NULL
			AND NOT EXISTS (SELECT FROM curfew.session_requests r
				WHERE r.customer_id = s.customer_id AND r.session_id = s.id AND ` + requestIsOpen + `)
		UNION ALL SELECT 'session_without_slot', s.id::text, s.customer_id FROM page s WHERE ` + openSession + own + ` AND s.mechanic_id IS NOT NULL
			AND NOT EXISTS (SELECT FROM curfew.mechanic_slots m WHERE m.mechanic_id = s.mechanic_id AND m.session_id = s.id)
		UNION ALL SELECT 'session_events', p.id::text, p.customer_id` + brokenEvents,
	},
	"session_requests": {
		`SELECT customer_id, id, session_id, status
			FROM curfew.session_requests WHERE id > coalesce(nullif($1, ''), '` + lowestID + `')::uuid ORDER BY id LIMIT $2`, `id::text`,
		`SELECT 'request_without_session', p.id::text, p.customer_id FROM page p WHERE p.status IN ('pending', 'accepted') AND NOT EXISTS (
			SELECT FROM curfew.sessions s WHERE s.customer_id = p.customer_id AND s.id = p.session_id AND ` + isOpen + `)`,
	},
	"events": {
		`SELECT customer_id, subject_id, subject, number, at, id FROM curfew.events
			WHERE (at, id) > (coalesce(nullif(split_part($1, ' ', 1), ''), '-infinity')::timestamptz,
				coalesce(nullif(split_part($1, ' ', 2), ''), '` + lowestID + `')::uuid) ORDER BY at, id LIMIT $2`,
		`to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || ' ' || id`,
		`SELECT DISTINCT 'events_without_subject', p.subject_id::text, p.customer_id FROM page p WHERE NOT EXISTS (
				SELECT FROM curfew.sessions s WHERE p.subject = 'session' AND s.customer_id = p.customer_id AND s.id = p.subject_id)
			AND NOT EXISTS (SELECT FROM curfew.checkouts c WHERE p.subject = 'checkout' AND c.customer_id = p.customer_id AND c.id = p.subject_id)`,
	},
}

// Links checks up to limit rows of a table behind a key, and returns those that
// contradict others.
func (s consistency) Links(ctx context.Context, table, after string, limit int) (record.Linked, error) {
	of, ok := links[table]
	if !ok {
		return record.Linked{}, curfew.Errorf(curfew.Internal, "table %s has no links", table)
	}
	order := "id"
	if table == "events" {
		order = "at DESC, id"
	}
	sql := fmt.Sprintf(`WITH page AS MATERIALIZED (%s)
		SELECT w.* FROM (%s) w (kind, id, customer_id)
		UNION ALL (SELECT '', %s, (SELECT count(*)::text FROM page) FROM page ORDER BY %s DESC LIMIT 1)`, of.page, of.wrong, of.last, "page."+order)
	var l record.Linked
	var kind, id, customer string
	err := s.send(ctx, func(b *pgx.Batch) {
		l = record.Linked{}
		b.Queue(byKey)
		b.Queue(sql, after, limit).Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&kind, &id, &customer}, func() error {
				if kind != "" {
					l.Found = append(l.Found, curfew.Inconsistency{Kind: curfew.Contradiction(kind), ID: id, CustomerID: customer})
					return nil
				}
				l.Next = id
				_, err := fmt.Sscan(customer, &l.Rows)
				return err
			})
			return err
		})
	})
	if l.Rows < limit {
		l.Next = ""
	}
	return l, wrap(err, "look at the links of %s", table)
}

// mends complete rows that have only one right completion. The tallies are corrected by
// the difference at one moment, so they stay right while others write.
var mends = []string{
	`INSERT INTO curfew.tallies AS t (shard, noun, status, n) SELECT 0, d.noun, d.status, d.counted - d.tallied FROM (` + selectDifferences + `) d
		ORDER BY 2, 3 ON CONFLICT (shard, noun, status) DO UPDATE SET n = t.n + excluded.n`,
	`INSERT INTO curfew.payment_refs (ref, customer_id, checkout_id, plan, version) SELECT c.ref, p.customer_id, p.id, p.plan,
			coalesce((SELECT max(r.version) FROM curfew.payment_refs r WHERE r.checkout_id = p.id), 0)
		FROM curfew.checkouts c JOIN curfew.checkouts p ON p.id = coalesce(c.line_of, c.id)
		WHERE c.ref <> '' AND NOT EXISTS (SELECT FROM curfew.payment_refs r WHERE r.ref = c.ref) ORDER BY c.id ON CONFLICT DO NOTHING`,
	`UPDATE curfew.checkouts c SET money_due = true, updated_at = now() WHERE c.outcome = 'fulfilled' AND NOT c.money_due AND NOT EXISTS (
		SELECT FROM curfew.sessions s
		WHERE s.customer_id = c.customer_id AND (s.checkout_id = c.id OR s.id = c.session_id) AND s.status <> 'cancelled')`,
	`UPDATE curfew.checkouts c SET capture = 'due', next_at = now(), updated_at = now()
		WHERE c.capture = 'authorised' AND c.outcome = 'fulfilled' AND ` + hadSession("c"),
	`INSERT INTO curfew.session_requests (customer_id, id, session_id, mechanic_id, status) SELECT s.customer_id, s.id, s.id, s.mechanic_id, 'accepted'
		FROM curfew.sessions s WHERE ` + openSession + ` AND s.mechanic_id IS NOT NULL AND NOT EXISTS (SELECT FROM curfew.session_requests r
			WHERE r.customer_id = s.customer_id AND r.session_id = s.id AND r.status IN ('pending', 'accepted')) ON CONFLICT DO NOTHING`,
	`UPDATE curfew.session_requests r SET status = 'cancelled', ended_at = now() WHERE r.status IN ('pending', 'accepted') AND NOT EXISTS (
		SELECT FROM curfew.sessions s WHERE s.customer_id = r.customer_id AND s.id = r.session_id AND ` + openSession + `)`,
	`INSERT INTO curfew.mechanic_slots (mechanic_id, customer_id, session_id) SELECT s.mechanic_id, s.customer_id, s.id FROM curfew.sessions s
		WHERE ` + openSession + own + ` AND s.mechanic_id IS NOT NULL AND NOT EXISTS (SELECT FROM curfew.mechanic_slots m
			WHERE m.mechanic_id = s.mechanic_id) ON CONFLICT DO NOTHING`,
}

// Mend recounts the tallies, and completes contradictory rows where only one
// completion is right. It returns how many rows it wrote.
func (s consistency) Mend(ctx context.Context) (n int64, err error) {
	for _, sql := range mends { // each is right by itself
		err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
			if err := untimed(ctx, tx); err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, sql)
			n += tag.RowsAffected()
			return err
		})
		if err != nil {
			return n, wrap(translate(err), "mend the rows")
		}
	}
	return n, nil
}
