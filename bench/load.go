package main

import (
	"context"
	"fmt"
)

// Rows are loaded with triggers and foreign keys off. What the triggers would have counted is counted
// afterwards.
const (
	triggersOff = `SET session_replication_role = replica`
	triggersOn  = `SET session_replication_role = origin`
	countLoaded = `DELETE FROM curfew.tallies;
		INSERT INTO curfew.tallies (shard, noun, status, n)
		SELECT 0, 'session', status, count(*) FROM curfew.sessions WHERE status IN ('completed', 'cancelled') GROUP BY status
		UNION ALL
		SELECT 0, 'request', status, count(*) FROM curfew.session_requests
			WHERE status IN ('cancelled', 'expired', 'completed') GROUP BY status
		UNION ALL
		SELECT 0, 'checkout', outcome, count(*) FROM curfew.checkouts WHERE outcome <> 'fulfilled' GROUP BY outcome
		UNION ALL
		SELECT 0, 'checkout', 'fulfilled', count(*) FILTER (WHERE outcome = 'fulfilled') - (SELECT count(*) FROM curfew.sessions)
			FROM curfew.checkouts`
	vacuum = `VACUUM ANALYZE`
)

// chunk is how many sessions are loaded at once.
const chunk = 100_000

// life creates the sessions with the numbers %[1]d to %[2]d: five per customer, over the last year, a second
// and a half apart.
const life = `WITH life AS MATERIALIZED (
	SELECT i, 'cus_' || substr(md5('%[3]d-' || i / 5), 1, 16) AS customer_id, at, i %% 3 = 0 AS cancelled,
		bench.uuid7(at, 's%[3]d-' || i) AS session_id, bench.uuid7(at, 'r%[3]d-' || i) AS request_id, bench.uuid7(at, 'c%[3]d-' || i) AS checkout_id
	FROM (SELECT i, now() - interval '1 year' + i * interval '1.5 seconds' AS at FROM generate_series(%[1]d, %[2]d) i) n)
`

// These fill the tables of an ended session. A third of the sessions are cancelled, with a credit left.
const (
	endedSessions = life + `INSERT INTO curfew.sessions (customer_id, id, mechanic_id, checkout_id, plan, kind, duration_seconds, status,
			version, created_at, accepted_at, started_at, ended_at, end_reason)
		SELECT customer_id, session_id, CASE WHEN NOT cancelled THEN 'mec_' || i %% 500 END, checkout_id, 'video15', 'video', 2700,
			CASE WHEN cancelled THEN 'cancelled' ELSE 'completed' END, 2, at, CASE WHEN NOT cancelled THEN at + interval '90 s' END,
			CASE WHEN NOT cancelled THEN at + interval '2 min' END, at + interval '15 min', CASE WHEN cancelled THEN 'expired' ELSE 'finished' END
		FROM life`
	endedRequests = life + `INSERT INTO curfew.session_requests (customer_id, id, session_id, mechanic_id, customer_name, status, created_at, ended_at)
		SELECT customer_id, request_id, session_id, CASE WHEN NOT cancelled THEN 'mec_' || i %% 500 END, 'Jo Meyer',
			CASE WHEN cancelled THEN 'expired' ELSE 'completed' END, at, at + interval '15 min'
		FROM life`
	endedCheckouts = life + `INSERT INTO curfew.checkouts (customer_id, id, ref, plan, amount, currency, email, name, outcome, version,
			session_id, created_at, updated_at)
		SELECT customer_id, checkout_id, 'ref_' || checkout_id, 'video15', 2999, 'usd', customer_id || '@example.com', 'Jo Meyer',
			CASE WHEN cancelled THEN 'credited' ELSE 'fulfilled' END, CASE WHEN cancelled THEN 2 ELSE 1 END, session_id, at, at
		FROM life`
	endedRefs = life + `INSERT INTO curfew.payment_refs (ref, customer_id, checkout_id, plan)
		SELECT 'ref_' || checkout_id, customer_id, checkout_id, 'video15' FROM life`
	endedEvents = life + `INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, from_status, to_status, actor, reason, at)
		SELECT life.customer_id, CASE WHEN e.subject = 'session' THEN session_id ELSE checkout_id END, e.number, e.subject,
			bench.uuid7(at, e.subject || e.number || 'e%[3]d-' || i), e.was, e.became, 'service:shop', 'paid', at
		FROM life CROSS JOIN (VALUES ('session', 1, '', 'waiting'), ('session', 2, 'waiting', 'completed'), ('checkout', 1, '', 'fulfilled'),
			('checkout', 2, 'fulfilled', 'credited')) e (subject, number, was, became)
		WHERE cancelled OR e.subject = 'session' OR e.number = 1`
)

// loadEnded loads that many ended sessions with requests and checkouts, and the other rows asked for.
func (db database) loadEnded(ctx context.Context, seed uint64, n int, more ...string) error {
	for from := 1; from <= n; from += chunk {
		statements := []string{triggersOff}
		for _, sql := range append([]string{endedSessions, endedRequests, endedCheckouts}, more...) {
			statements = append(statements, fmt.Sprintf(sql, from, min(from+chunk-1, n), seed))
		}
		if err := db.exec(ctx, append(statements, triggersOn)...); err != nil {
			return err
		}
	}
	return db.exec(ctx, countLoaded, vacuum)
}

// copyHistory copies the rows of Curfew's tables into the copies.
func (db database) copyHistory(ctx context.Context) error {
	for _, schema := range []string{"floor", "naive"} {
		for _, name := range []string{"sessions", "session_requests"} {
			if err := db.exec(ctx, fmt.Sprintf("INSERT INTO %s.%s SELECT * FROM curfew.%[2]s", schema, name)); err != nil {
				return err
			}
		}
	}
	return db.exec(ctx, vacuum)
}

// waiting creates sessions that wait, each offered, paid and with its events: the numbers %[1]d to %[2]d,
// the first created %[4]s ago and due in %[5]s, each later one a millisecond after the one before.
const (
	waiting = `WITH waiting AS MATERIALIZED (
		SELECT i, 'cus_' || substr(md5('%[3]d-' || i), 1, 16) AS customer_id, now() - interval '%[4]s' + (i - %[1]d) * interval '1 ms' AS at,
			now() + interval '%[5]s' + (i - %[1]d) * interval '1 ms' AS due,
			bench.uuid7(now() - interval '%[4]s' + (i - %[1]d) * interval '1 ms', 's%[3]d-' || i) AS session_id,
			bench.uuid7(now() - interval '%[4]s' + (i - %[1]d) * interval '1 ms', 'r%[3]d-' || i) AS request_id,
			bench.uuid7(now() - interval '%[4]s' + (i - %[1]d) * interval '1 ms', 'c%[3]d-' || i) AS checkout_id
		FROM generate_series(%[1]d, %[2]d) i),
	s AS (INSERT INTO curfew.sessions (customer_id, id, checkout_id, plan, kind, duration_seconds, status, version, created_at, expires_at)
		SELECT customer_id, session_id, checkout_id, 'video15', 'video', 2700, 'waiting', 1, at, due FROM waiting),
	r AS (INSERT INTO curfew.session_requests (customer_id, id, session_id, customer_name, status, created_at)
		SELECT customer_id, request_id, session_id, 'Jo Meyer', 'pending', at FROM waiting),
	c AS (INSERT INTO curfew.checkouts (customer_id, id, ref, plan, amount, currency, outcome, version, session_id, created_at)
		SELECT customer_id, checkout_id, 'ref_' || checkout_id, 'video15', 2999, 'usd', 'fulfilled', 1, session_id, at FROM waiting)
	INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, to_status, actor, at)
		SELECT customer_id, session_id, 1, 'session', bench.uuid7(at, 'es%[3]d-' || i), 'waiting', 'service:shop', at FROM waiting
		UNION ALL
		SELECT customer_id, checkout_id, 1, 'checkout', bench.uuid7(at, 'ec%[3]d-' || i), 'fulfilled', 'service:shop', at FROM waiting`
)

// span is when waiting sessions were created and are due, as intervals from now.
type span struct{ created, due string }

var (
	overdue = span{"2 hours", "-1 hour"}
	fresh   = span{"10 minutes", "5 hours"}
)

// loadWaiting loads that many waiting sessions, each offered and paid, in addition to the existing ones.
func (db database) loadWaiting(ctx context.Context, seed uint64, n int, when span) error {
	have, err := db.count(ctx, `SELECT count(*) FROM curfew.sessions`)
	if err != nil {
		return err
	}
	from := int(have) + 1
	sql := fmt.Sprintf(waiting, from, from+n-1, seed, when.created, when.due)
	return db.exec(ctx, triggersOff, sql, triggersOn)
}
