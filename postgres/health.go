package postgres

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// health reads the figures of the health report.
type health struct{ *db }

// A report is one statement, so that its figures are of one moment: rows of a
// name and a number. Ended rows are never counted, but tallied (decision 2);
// what has not ended is counted from the partial indexes: Curfew's own from one,
// mirrors of a marketplace's rows from another.
const (
	countSessions = `SELECT status, count(*) FROM curfew.sessions s WHERE ` + isUnended + own + ` GROUP BY status
		UNION ALL SELECT status, sum(n)::bigint FROM curfew.tallies WHERE noun = 'session' GROUP BY status
		UNION ALL SELECT 'overdue assigned', count(*) FROM curfew.sessions s
			WHERE status = 'waiting' AND mechanic_id IS NOT NULL AND expires_at < now()` + own + `
		UNION ALL SELECT 'overdue live', count(*) FROM curfew.sessions s WHERE status = 'live' AND expires_at < now()` + own + `
		UNION ALL SELECT 'overdue scheduled', count(*) FROM curfew.sessions s
			WHERE status = 'scheduled' AND expires_at < now() - ` + staleAfter + own + `
		UNION ALL SELECT 'stale', count(*) FROM curfew.sessions s WHERE ` + stale + own + `
		UNION ALL SELECT 'very stale', count(*) FROM curfew.sessions s WHERE ` + stale + own + ` AND s.created_at < now() - $2::interval
		UNION ALL SELECT n.name, n.count FROM (SELECT
				count(*) FILTER (WHERE s.status = 'scheduled') AS scheduled, count(*) FILTER (WHERE s.status = 'waiting') AS waiting,
				count(*) FILTER (WHERE s.status = 'live') AS live,
				count(*) FILTER (WHERE ` + enforced + ` AND s.status = 'waiting' AND s.mechanic_id IS NOT NULL AND s.expires_at < now()) AS overdue_assigned,
				count(*) FILTER (WHERE ` + enforced + ` AND s.status = 'live' AND s.expires_at < now()) AS overdue_live,
				count(*) FILTER (WHERE ` + enforced + ` AND s.status = 'scheduled' AND s.expires_at < now() - ` + staleAfter + `) AS overdue_scheduled,
				count(*) FILTER (WHERE ` + enforced + ` AND ` + stale + `) AS stale,
				count(*) FILTER (WHERE ` + enforced + ` AND ` + stale + ` AND s.created_at < now() - $2::interval) AS very_stale
			FROM curfew.sessions s WHERE ` + isUnended + mirrors + `) a, LATERAL (VALUES
				('scheduled', a.scheduled), ('waiting', a.waiting), ('live', a.live), ('overdue assigned', a.overdue_assigned),
				('overdue live', a.overdue_live), ('overdue scheduled', a.overdue_scheduled), ('stale', a.stale), ('very stale', a.very_stale)
			) n (name, count)
		UNION ALL SELECT n.name, n.count FROM (SELECT count(*) AS orphaned,
				count(*) FILTER (WHERE s.expires_at < now() - ` + staleAfter + `) AS stale,
				count(*) FILTER (WHERE s.expires_at < now() - ` + staleAfter + ` AND s.created_at < now() - $2::interval) AS very_stale
			FROM ` + orphans + `) o, LATERAL (VALUES ('orphaned', o.orphaned), ('stale orphans', o.stale), ('very stale orphans', o.very_stale)) n (name, count)`
	// mirrors follow rows of the marketplace's own. What is overdue counts where Curfew ends it; a
	// table that is only watched has findings of its own.
	mirrors  = ` AND s.adopted_from <> ''`
	enforced = `s.adopted_from IN (SELECT a.name FROM curfew.adoptions a WHERE a.mode = 'enforce')`
	stale    = `s.status = 'waiting' AND s.mechanic_id IS NULL AND s.expires_at < now() - ` + staleAfter
	// orphans are picked from the index alone, then looked at: OFFSET 0 keeps them
	// from being joined with everything, and LIMIT 1 has each looked up by its id. A mirror is
	// none: it has its request.
	orphans = `(SELECT id FROM curfew.sessions s WHERE status = 'waiting' AND mechanic_id IS NULL` + own + `
			AND (expires_at < now() OR created_at < now() - $1::interval) OFFSET 0) old
		CROSS JOIN LATERAL (SELECT * FROM curfew.sessions s WHERE s.id = old.id AND s.status || '' = 'waiting' LIMIT 1) s WHERE NOT ` + offered
)

// staleAfter is curfew.StaleAfter, which a test compares.
const staleAfter = `interval '10 seconds'`

// counts reads the figures of a report, by name.
func (d *db) counts(ctx context.Context, sql string, args ...any) (map[string]int, error) {
	var n map[string]int
	err := d.read(ctx, intoFigures(&n), sql, args...)
	return n, err
}

// intoFigures is the callback of a report.
func intoFigures(n *map[string]int) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		*n = make(map[string]int)
		var name string
		var count *int64
		_, err := pgx.ForEachRow(rows, []any{&name, &count}, func() error {
			if count != nil {
				(*n)[name] += int(*count)
			}
			return nil
		})
		return err
	}
}

// byName picks the figures that the names choose; names without rows are 0.
func byName[K ~string](n map[string]int, keys []K) map[K]int {
	all := make(map[K]int, len(keys))
	for _, k := range keys {
		all[k] = n[string(k)]
	}
	return all
}

// SessionFigures counts sessions.
func (s health) SessionFigures(ctx context.Context, p curfew.Policy) (curfew.SessionFigures, error) {
	n, err := s.counts(ctx, countSessions, p.OrphanTTL, p.VeryStaleAfter)
	if err != nil {
		return curfew.SessionFigures{}, wrap(err, "count sessions")
	}
	return curfew.SessionFigures{
		ByStatus: byName(n, curfew.SessionStatuses()),
		Stale:    n["stale"] - n["stale orphans"], VeryStale: n["very stale"] - n["very stale orphans"], Orphaned: n["orphaned"],
		OverdueAssigned: n["overdue assigned"], OverdueLive: n["overdue live"],
		OverdueScheduled: n["overdue scheduled"],
	}, nil
}

// Open requests that are not pending are accepted. No index covers those alone.
const countRequests = `SELECT 'pending', count(*) FROM curfew.session_requests WHERE status = 'pending'
	UNION ALL SELECT 'open', count(*) FROM curfew.session_requests WHERE status IN ('pending', 'accepted')
	UNION ALL SELECT status, sum(n)::bigint FROM curfew.tallies WHERE noun = 'request' GROUP BY status
	UNION ALL SELECT 'stale', count(*) FROM curfew.sessions s` + stalePending + own + `
	UNION ALL SELECT 'stale', count(*) FROM curfew.sessions s` + stalePending + mirrors + ` AND ` + enforced + `
	UNION ALL (SELECT 'oldest', (extract(epoch FROM now() - created_at) * 1000000)::bigint FROM curfew.session_requests
		WHERE status = 'pending' ORDER BY created_at, id LIMIT 1)`

const stalePending = `
		JOIN curfew.session_requests r ON r.customer_id = s.customer_id AND r.session_id = s.id AND r.status || '' = 'pending'
		WHERE s.status = 'waiting' AND s.expires_at < now() - ` + staleAfter

// RequestFigures counts requests.
func (s health) RequestFigures(ctx context.Context) (curfew.RequestFigures, error) {
	n, err := s.counts(ctx, countRequests)
	if err != nil {
		return curfew.RequestFigures{}, wrap(err, "count requests")
	}
	n["accepted"] = n["open"] - n["pending"]
	return curfew.RequestFigures{
		ByStatus: byName(n, curfew.RequestStatuses()), Stale: n["stale"],
		OldestPending: time.Duration(n["oldest"]) * time.Microsecond,
	}, nil
}

// The tally of 'fulfilled' is how many more such checkouts there are than sessions, not
// counting mirrors that have not ended: an admission adds one of each.
const countCheckouts = `SELECT status, sum(n)::bigint FROM curfew.tallies WHERE noun = 'checkout' GROUP BY status
	UNION ALL SELECT 'fulfilled', sum(n)::bigint FROM curfew.tallies WHERE noun = 'session'
	UNION ALL SELECT 'fulfilled', count(*) FROM curfew.sessions s WHERE ` + isUnended + own + `
	UNION ALL SELECT 'money due', count(*) FROM curfew.checkouts WHERE money_due
	UNION ALL SELECT 'oldest', (extract(epoch FROM now() - min(oldest.created_at)) * 1000000)::bigint FROM (
		SELECT waits.created_at FROM (VALUES ('promised'), ('deferred'), ('held'), ('refund_due'), ('refunding')) o (outcome), LATERAL (
			SELECT c.created_at FROM curfew.checkouts c
			WHERE c.outcome = o.outcome AND c.outcome IN (` + waits + `)
			ORDER BY c.created_at, c.id LIMIT 1) waits
		UNION ALL SELECT min(c.created_at) FROM curfew.checkouts c WHERE c.money_due) oldest
	UNION ALL SELECT k.name || t.outcome || ' ' || t.currency, CASE k.name WHEN 'amount ' THEN t.amount ELSE t.n END
		FROM (VALUES ('amount '), ('count ')) k (name), (
			SELECT c.outcome, c.currency, count(*) AS n, sum(CASE
				WHEN c.outcome IN ('refund_due', 'refunding') AND c.refund_amount > 0 THEN c.refund_amount ELSE c.amount END)::bigint AS amount
			FROM curfew.checkouts c WHERE c.outcome IN (` + waits + `) GROUP BY c.outcome, c.currency
			UNION ALL SELECT 'credited', c.currency, count(*), sum(c.amount)::bigint
			FROM curfew.checkouts c WHERE c.outcome = 'credited' GROUP BY c.currency) t
	UNION ALL SELECT 'failing', count(*) FROM curfew.checkouts WHERE outcome IN ('refund_due', 'refunding') AND (attempts >= $1 OR concern = 'refund_failed')
	UNION ALL SELECT 'overdue', count(*) FROM curfew.checkouts
		WHERE outcome IN ('refund_due', 'refunding') AND coalesce(first_try_at, updated_at) < now() - $2::interval
	UNION ALL SELECT 'disputed', count(DISTINCT coalesce(line_of, id)) FROM curfew.checkouts WHERE disputed_at > now() - $3::interval
	UNION ALL SELECT 'concern ' || concern, count(*) FROM curfew.checkouts WHERE concern <> '' AND updated_at > now() - $4::interval GROUP BY concern
	UNION ALL SELECT n.name, n.count FROM (SELECT count(*) AS n, (extract(epoch FROM now() - min(updated_at)) * 1000000)::bigint AS age
		FROM curfew.checkouts WHERE capture IN (` + unsettledCaptures + `)) c,
		LATERAL (VALUES ('capturing', c.n), ('oldest capture', c.age)) n (name, count)`

// CheckoutFigures counts payments by their present outcome.
func (s health) CheckoutFigures(ctx context.Context) (curfew.CheckoutFigures, error) {
	n, err := s.counts(ctx, countCheckouts, record.RefundTries, record.RefundsLate, record.DisputeWindow, record.ConcernWindow)
	if err != nil {
		return curfew.CheckoutFigures{}, wrap(err, "count checkouts")
	}
	return curfew.CheckoutFigures{
		ByOutcome: byName(n, curfew.Outcomes()), MoneyDue: n["money due"],
		OldestUnsettled: time.Duration(n["oldest"]) * time.Microsecond,
		Totals:          totals(n), Failing: n["failing"], Overdue: n["overdue"], Disputed: n["disputed"],
		Capturing: n["capturing"], OldestCapture: time.Duration(n["oldest capture"]) * time.Microsecond,
		ByConcern: byConcern(n),
	}, nil
}

func byConcern(n map[string]int) map[string]int64 {
	all := make(map[string]int64, len(record.Concerns()))
	for _, concern := range record.Concerns() {
		all[concern] = int64(n["concern "+concern])
	}
	return all
}

// totals picks those by outcome and currency.
func totals(n map[string]int) []curfew.CheckoutTotal {
	var all []curfew.CheckoutTotal
	for name, count := range n {
		of, ok := strings.CutPrefix(name, "count ")
		if !ok {
			continue
		}
		outcome, currency, _ := strings.Cut(of, " ")
		all = append(all, curfew.CheckoutTotal{
			Outcome: curfew.Outcome(outcome), Currency: currency, Amount: int64(n["amount "+of]), Count: count,
		})
	}
	slices.SortFunc(all, curfew.CheckoutTotal.Compare)
	return all
}

const countSlots = `SELECT 'busy', count(*) FROM curfew.mechanic_slots
	UNION ALL SELECT 'leaked', count(*) FROM curfew.mechanic_slots m WHERE NOT EXISTS (
		SELECT FROM curfew.sessions s WHERE s.customer_id = m.customer_id AND s.id = m.session_id
			AND coalesce(s.mechanic_id, '') = m.mechanic_id AND ` + notEnded + `)`

const freeLeakedSlots = `DELETE FROM curfew.mechanic_slots m WHERE NOT EXISTS (
	SELECT FROM curfew.sessions s WHERE s.customer_id = m.customer_id AND s.id = m.session_id
		AND coalesce(s.mechanic_id, '') = m.mechanic_id AND ` + notEnded + `)`

// FreeLeaked deletes slots whose session does not hold them.
func (s health) FreeLeaked(ctx context.Context) (int, error) {
	var n int64
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(byKey)
		b.Queue(freeLeakedSlots).Exec(func(tag pgconn.CommandTag) error {
			n = tag.RowsAffected()
			return nil
		})
	})
	return int(n), wrap(translate(err), "free leaked slots")
}

// MechanicFigures counts the slots of mechanics.
func (s health) MechanicFigures(ctx context.Context) (curfew.MechanicFigures, error) {
	var n map[string]int
	err := s.send(ctx, func(b *pgx.Batch) {
		b.Queue(byKey)
		b.Queue(countSlots).Query(intoFigures(&n))
	})
	return curfew.MechanicFigures{Busy: n["busy"], Leaked: n["leaked"]}, wrap(err, "count slots")
}

// Who was refused often is looked at more closely: what held the slot then may
// have ended.
const selectRepeated = `WITH often AS MATERIALIZED (
		SELECT customer_id FROM curfew.refusals WHERE at > now() - $2::interval GROUP BY customer_id HAVING count(*) >= $1)
	SELECT r.customer_id, count(*), max(r.at) FROM often JOIN curfew.refusals r ON r.customer_id = often.customer_id
	WHERE r.at > now() - $2 AND EXISTS (
		SELECT FROM curfew.sessions s WHERE s.id = r.session_id AND ` + notEnded + `)
	GROUP BY r.customer_id HAVING count(*) >= $1 ORDER BY count(*) DESC, r.customer_id`

// Repeated returns who was refused at least so often within the window.
func (s health) Repeated(ctx context.Context, atLeast int, window time.Duration) ([]curfew.Repeated, error) {
	all, err := manyByKey(ctx, s.db, scanRepeated, selectRepeated, atLeast, window)
	return all, wrap(err, "count refusals")
}

func scanRepeated(r row) (curfew.Repeated, error) {
	var v curfew.Repeated
	err := r.Scan(&v.CustomerID, &v.Count, (*moment)(&v.LastAt))
	return v, err
}

// The sessions are chosen before their requests are joined.
const (
	listStale = `SELECT ` + snapshotColumns + ` FROM (SELECT * FROM (
			(` + firstStale + own + ` ORDER BY s.created_at, s.id LIMIT $1)
			UNION ALL (` + firstStale + mirrors + ` AND ` + enforced + ` ORDER BY s.created_at, s.id LIMIT $1)) s
		ORDER BY s.created_at, s.id LIMIT $1) s` + joinRequest + ` ORDER BY s.created_at, s.id`
	firstStale  = `SELECT * FROM curfew.sessions s WHERE ` + stale + ` AND ` + offered
	listOrphans = `SELECT ` + snapshotColumns + ` FROM (SELECT s.* FROM ` + orphans + `
		ORDER BY s.created_at, s.id LIMIT $2) s` + joinRequest + ` ORDER BY s.created_at, s.id`
	listOverdue = `SELECT ` + snapshotColumns + ` FROM (SELECT * FROM (
			(` + firstOverdue + own + byDeadline + `) UNION ALL (` + firstOverdue + mirrors + ` AND ` + enforced + byDeadline + `)) s` + byDeadline + `) s` + joinRequest + `
		ORDER BY s.expires_at, s.id`
	firstOverdue = `SELECT * FROM curfew.sessions s
		WHERE ` + isUnended + ` AND s.status = $1 AND s.expires_at < now() - $2::interval
			AND (s.status <> 'waiting' OR s.mechanic_id IS NOT NULL)`
)

// HealthDetails lists the oldest of each kind of problem.
func (s health) HealthDetails(ctx context.Context, p curfew.Policy, limit int) (curfew.HealthDetails, error) {
	stale, err := many(ctx, s.db, scanSnapshot, listStale, limit)
	if err != nil {
		return curfew.HealthDetails{}, wrap(err, "list stale sessions")
	}
	orphans, err := many(ctx, s.db, scanSnapshot, listOrphans, p.OrphanTTL, limit)
	d := curfew.HealthDetails{Stale: stale, Orphans: orphans}
	for _, overdue := range []struct {
		status curfew.SessionStatus
		by     time.Duration
		into   *[]curfew.Snapshot
	}{
		{curfew.Waiting, 0, &d.OverdueAssigned}, {curfew.Live, 0, &d.OverdueLive}, {curfew.Scheduled, record.StaleAfter, &d.OverdueScheduled},
	} {
		if err == nil {
			*overdue.into, err = many(ctx, s.db, scanSnapshot, listOverdue, overdue.status, overdue.by, limit)
		}
	}
	return d, wrap(err, "list what is overdue")
}
