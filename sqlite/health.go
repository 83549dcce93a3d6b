package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// health reads the figures of the health report.
type health struct{ *db }

// A report is one statement, so that its figures are of one moment: rows of a
// name and a number. What is open is counted in its partial index, what has
// ended stands in the tallies of migration 2.
const countSessions = `
SELECT status, count(*) FROM sessions WHERE status IN ('scheduled', 'waiting', 'live') GROUP BY status
UNION ALL SELECT status, n FROM tallies WHERE shard = 0 AND noun = 'session'
UNION ALL SELECT 'stale', count(*) FROM sessions WHERE ` + stale + `
UNION ALL SELECT 'very stale', count(*) FROM sessions WHERE ` + stale + ` AND created_at < :very_stale
UNION ALL SELECT name.column1, CASE name.column1 WHEN 'orphaned' THEN o.orphaned WHEN 'stale orphans' THEN o.stale ELSE o.very_stale END
    FROM (SELECT count(*) AS orphaned, count(CASE WHEN expires_at < :stale THEN 1 END) AS stale,
        count(CASE WHEN expires_at < :stale AND created_at < :very_stale THEN 1 END) AS very_stale
        FROM sessions WHERE ` + orphans + `) o, (VALUES ('orphaned'), ('stale orphans'), ('very stale orphans')) name
UNION ALL SELECT 'overdue assigned', count(*) FROM sessions
    WHERE status IN ('scheduled', 'waiting', 'live') AND status = 'waiting' AND mechanic_id IS NOT NULL AND expires_at < :now
UNION ALL SELECT 'overdue live', count(*) FROM sessions
    WHERE status IN ('scheduled', 'waiting', 'live') AND status = 'live' AND expires_at < :now
UNION ALL SELECT 'overdue scheduled', count(*) FROM sessions
    WHERE status IN ('scheduled', 'waiting', 'live') AND status = 'scheduled' AND expires_at < :stale`

// stale counts an orphan, too, which the figures then take out.
const stale = `sessions.status IN ('scheduled', 'waiting', 'live') AND sessions.status = 'waiting' AND sessions.mechanic_id IS NULL
    AND sessions.expires_at < :stale`

const orphans = `sessions.status IN ('scheduled', 'waiting', 'live') AND sessions.status = 'waiting' AND sessions.mechanic_id IS NULL
    AND (sessions.expires_at < :now OR sessions.created_at < :orphan)
    AND NOT EXISTS (
        SELECT 1 FROM session_requests r
        WHERE r.customer_id = sessions.customer_id AND r.session_id = sessions.id AND r.status IN ('pending', 'accepted'))`

// counts reads the figures of a report, by name.
func (d *db) counts(ctx context.Context, query string, args ...any) (map[string]int, error) {
	type figure struct {
		name string
		n    int64
	}
	rows, err := many(ctx, d, func(r row) (f figure, err error) {
		err = r.Scan(&f.name, number(&f.n))
		return f, err
	}, query, args...)
	n := make(map[string]int, len(rows))
	for _, f := range rows {
		n[f.name] += int(f.n)
	}
	return n, err
}

// age is how long ago a moment was; 0 if there is none.
func age(now time.Time, at int) time.Duration {
	if at == 0 {
		return 0
	}
	return max(0, now.Sub(time.UnixMicro(int64(at))))
}

// byName picks the figures that the names choose; names without rows are 0.
func byName[T ~string](n map[string]int, names []T) map[T]int {
	by := make(map[T]int, len(names))
	for _, name := range names {
		by[name] = n[string(name)]
	}
	return by
}

// SessionFigures counts sessions.
func (s health) SessionFigures(ctx context.Context, p curfew.Policy) (curfew.SessionFigures, error) {
	now := s.now()
	n, err := s.counts(ctx, countSessions, append(healthArgs(now, p), sql.Named("very_stale", ago(now, p.VeryStaleAfter)))...)
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

func healthArgs(now time.Time, p curfew.Policy) []any {
	return []any{
		sql.Named("now", micros(now)), sql.Named("stale", ago(now, record.StaleAfter)), sql.Named("orphan", ago(now, p.OrphanTTL)),
	}
}

const countRequests = `
SELECT 'open', count(*) FROM session_requests WHERE status IN ('pending', 'accepted')
UNION ALL SELECT 'pending', count(*) FROM session_requests WHERE status = 'pending'
UNION ALL SELECT 'oldest', min(created_at) FROM session_requests WHERE status = 'pending'
UNION ALL SELECT status, n FROM tallies WHERE shard = 0 AND noun = 'request'
UNION ALL SELECT 'stale', count(*) FROM sessions
CROSS JOIN session_requests r ON r.customer_id = sessions.customer_id AND r.session_id = sessions.id AND r.status IN ('pending', 'accepted')
WHERE sessions.status IN ('scheduled', 'waiting', 'live') AND sessions.status = 'waiting' AND sessions.expires_at < $1
    AND r.status = 'pending'`

// RequestFigures counts requests.
func (s health) RequestFigures(ctx context.Context) (curfew.RequestFigures, error) {
	now := s.now()
	n, err := s.counts(ctx, countRequests, ago(now, record.StaleAfter))
	if err != nil {
		return curfew.RequestFigures{}, wrap(err, "count requests")
	}
	n[string(curfew.Accepted)] = n["open"] - n[string(curfew.Pending)]
	f := curfew.RequestFigures{ByStatus: byName(n, curfew.RequestStatuses()), Stale: n["stale"]}
	f.OldestPending = age(now, n["oldest"])
	return f, nil
}

// The tally of 'fulfilled' is how many more such checkouts there are than
// sessions.
const countCheckouts = `
SELECT status, n FROM tallies WHERE shard = 0 AND noun = 'checkout'
UNION ALL SELECT 'fulfilled', count(*) FROM sessions WHERE status IN ('scheduled', 'waiting', 'live')
UNION ALL SELECT 'fulfilled', n FROM tallies WHERE shard = 0 AND noun = 'session'
UNION ALL SELECT 'money due', count(*) FROM checkouts WHERE money_due
UNION ALL SELECT 'oldest', min(at) FROM (
    SELECT (SELECT min(c.created_at) FROM checkouts c
            WHERE c.outcome IN (` + waits + `) AND c.outcome = waits.column1) AS at
    FROM (VALUES ('promised'), ('deferred'), ('held'), ('refund_due'), ('refunding')) AS waits
    UNION ALL SELECT min(created_at) FROM checkouts WHERE money_due)
UNION ALL SELECT kind.column1 || total.outcome || ' ' || total.currency,
    CASE kind.column1 WHEN 'amount ' THEN total.amount ELSE total.n END
    FROM (VALUES ('amount '), ('count ')) AS kind, (
    SELECT outcome, currency, count(*) AS n, sum(CASE
        WHEN outcome IN ('refund_due', 'refunding') AND refund_amount > 0 THEN refund_amount ELSE amount END) AS amount
    FROM checkouts WHERE outcome IN (` + waits + `) GROUP BY outcome, currency
    UNION ALL SELECT 'credited', currency, count(*), sum(amount)
    FROM checkouts INDEXED BY checkouts_credit_totals WHERE outcome = 'credited' GROUP BY currency) AS total
UNION ALL SELECT 'failing', count(*) FROM checkouts WHERE outcome IN ('refund_due', 'refunding') AND (attempts >= $1 OR concern = 'refund_failed')
UNION ALL SELECT 'overdue', count(*) FROM checkouts
    WHERE outcome IN ('refund_due', 'refunding') AND coalesce(first_try_at, updated_at) < $2
UNION ALL SELECT 'disputed', count(DISTINCT coalesce(line_of, id)) FROM checkouts WHERE disputed_at > $3
UNION ALL SELECT 'concern ' || concern, count(*) FROM checkouts WHERE concern <> '' AND updated_at > $4 GROUP BY concern
UNION ALL SELECT name.column1, CASE name.column1 WHEN 'capturing' THEN c.n ELSE c.oldest END
    FROM (SELECT count(*) AS n, min(updated_at) AS oldest FROM checkouts WHERE capture IN (` + unsettledCaptures + `)) c,
    (VALUES ('capturing'), ('oldest capture')) name`

// CheckoutFigures counts payments by their present outcome.
func (s health) CheckoutFigures(ctx context.Context) (curfew.CheckoutFigures, error) {
	now := s.now()
	n, err := s.counts(ctx, countCheckouts, record.RefundTries, ago(now, record.RefundsLate), ago(now, record.DisputeWindow), ago(now, record.ConcernWindow))
	if err != nil {
		return curfew.CheckoutFigures{}, wrap(err, "count checkouts")
	}
	f := curfew.CheckoutFigures{
		ByOutcome: byName(n, curfew.Outcomes()), MoneyDue: n["money due"],
		Totals: totals(n), Failing: n["failing"], Overdue: n["overdue"], Disputed: n["disputed"],
		Capturing: n["capturing"], OldestCapture: age(now, n["oldest capture"]), ByConcern: byConcern(n),
	}
	f.OldestUnsettled = age(now, n["oldest"])
	return f, nil
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

const countSlots = `
SELECT 'busy', count(*) FROM mechanic_slots
UNION ALL SELECT 'leaked', count(*) FROM mechanic_slots m
WHERE NOT EXISTS (
    SELECT 1 FROM sessions s
    WHERE s.customer_id = m.customer_id AND s.id = m.session_id
      AND s.status IN ('scheduled', 'waiting', 'live') AND s.mechanic_id = m.mechanic_id)`

const freeLeakedSlots = `
DELETE FROM mechanic_slots WHERE NOT EXISTS (
    SELECT 1 FROM sessions s
    WHERE s.customer_id = mechanic_slots.customer_id AND s.id = mechanic_slots.session_id
      AND s.status IN ('scheduled', 'waiting', 'live') AND s.mechanic_id = mechanic_slots.mechanic_id)`

// FreeLeaked deletes slots whose session does not hold them.
func (s health) FreeLeaked(ctx context.Context) (int, error) {
	n, err := s.exec(ctx, freeLeakedSlots)
	return int(n), wrap(err, "free leaked slots")
}

// MechanicFigures counts the slots of mechanics.
func (s health) MechanicFigures(ctx context.Context) (curfew.MechanicFigures, error) {
	n, err := s.counts(ctx, countSlots)
	return curfew.MechanicFigures{Busy: n["busy"], Leaked: n["leaked"]}, wrap(err, "count slots")
}

// Who was refused often is looked at more closely: what held the slot then may
// have ended.
const selectRepeated = `
SELECT r.customer_id, count(*), max(r.at)
FROM (SELECT customer_id FROM refusals INDEXED BY refusals_at WHERE at >= $1 GROUP BY customer_id HAVING count(*) >= $2) often
CROSS JOIN refusals r ON r.customer_id = often.customer_id AND r.at >= $1
WHERE EXISTS (SELECT 1 FROM sessions s WHERE s.id = r.session_id AND s.status IN ('scheduled', 'waiting', 'live'))
GROUP BY r.customer_id HAVING count(*) >= $2
ORDER BY count(*) DESC, r.customer_id`

// Repeated returns who was refused at least so often within the window.
func (s health) Repeated(ctx context.Context, atLeast int, window time.Duration) ([]curfew.Repeated, error) {
	all, err := many(ctx, s.db, func(r row) (v curfew.Repeated, err error) {
		err = r.Scan(&v.CustomerID, &v.Count, moment(&v.LastAt))
		return v, err
	}, selectRepeated, ago(s.now(), window), atLeast)
	return all, wrap(err, "count refusals")
}

const oldestFirst = ` ORDER BY sessions.created_at, sessions.id LIMIT :limit`

const listStale = selectSnapshot + ` WHERE ` + stale + ` AND EXISTS (
    SELECT 1 FROM session_requests r
    WHERE r.customer_id = sessions.customer_id AND r.session_id = sessions.id AND r.status IN ('pending', 'accepted'))` + oldestFirst

const listOrphans = selectSnapshot + ` WHERE ` + orphans + oldestFirst

const listOverdue = selectSnapshot + `
WHERE sessions.status IN ('scheduled', 'waiting', 'live') AND sessions.status = $1 AND sessions.expires_at < $2
  AND (sessions.status <> 'waiting' OR sessions.mechanic_id IS NOT NULL)
ORDER BY sessions.expires_at, sessions.id LIMIT $3`

// HealthDetails lists the oldest of each kind of problem.
func (s health) HealthDetails(ctx context.Context, p curfew.Policy, limit int) (d curfew.HealthDetails, err error) {
	now := s.now()
	args := append(healthArgs(now, p), sql.Named("limit", limit))
	if d.Stale, err = many(ctx, s.db, scanSnapshot(now), listStale, args...); err != nil {
		return curfew.HealthDetails{}, wrap(err, "list stale sessions")
	}
	if d.Orphans, err = many(ctx, s.db, scanSnapshot(now), listOrphans, args...); err != nil {
		return curfew.HealthDetails{}, wrap(err, "list orphans")
	}
	for _, overdue := range []struct {
		status curfew.SessionStatus
		by     time.Duration
		into   *[]curfew.Snapshot
	}{
		{curfew.Waiting, 0, &d.OverdueAssigned}, {curfew.Live, 0, &d.OverdueLive}, {curfew.Scheduled, record.StaleAfter, &d.OverdueScheduled},
	} {
		*overdue.into, err = many(ctx, s.db, scanSnapshot(now), listOverdue, string(overdue.status), ago(now, overdue.by), limit)
		if err != nil {
			return curfew.HealthDetails{}, wrap(err, "list what is overdue")
		}
	}
	return d, nil
}
