package adopt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// thresholds are tried on every history, beside the policy's own.
var thresholds = []time.Duration{
	5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 20 * time.Minute, 30 * time.Minute, 45 * time.Minute, time.Hour, 2 * time.Hour,
}

// wait describes how the sessions of one rule wait, as expressions on a row t.
type wait struct {
	rule     curfew.EndReason
	waited   string // whether a row ever waited like this
	begin    string // when it began
	came     string // when the wait was over because somebody came; NULL: no column says, or nobody did
	lived    string // whether somebody came at all
	deadline string // what the policy makes of it
	ttl      time.Duration
	uniform  bool // the policy has one threshold for all rows
	since    string
}

// unanswered is the wait for a mechanic. A column that changes with every state says when a session
// began to wait only while it is still waiting.
func (r reading) unanswered() wait {
	created, now := r.Times.Created, r.entered("t")
	if created == "" {
		created = r.Times.Entered
	}
	if r.Times.Seen {
		now = r.moment("t", created)
	}
	begin := fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", r.is("t", curfew.Waiting), now, r.moment("t", created))
	since := created
	if len(r.Words(curfew.Scheduled)) > 0 {
		begin = "greatest(" + begin + ", " + r.startsAt("t") + ")"
		since += ", for appointments their start"
	}
	came := r.moment("t", r.Times.Started)
	if r.Times.Accepted != "" {
		came = "least(" + came + ", " + r.moment("t", r.Times.Accepted) + ")"
	} else if r.Mechanic.Column != "" {
		came = "NULL::timestamptz"
	}
	return wait{
		rule: curfew.Expired, begin: begin, came: came, since: since,
		waited:   "(" + r.is("t", curfew.Scheduled) + ") IS NOT TRUE",
		lived:    r.lived(r.Times.Accepted, r.Times.Started) + " OR NOT " + r.unassigned("t"),
		deadline: "coalesce(" + r.moment("t", r.Deadline) + ", x.begin + " + r.ttl("t") + ")",
		ttl:      r.policy.WaitingTTL, uniform: r.Deadline == "" && r.ttl("t") == interval(r.policy.WaitingTTL),
	}
}

// unjoined is the wait of a session that a mechanic has accepted.
func (r reading) unjoined() wait {
	return wait{
		rule: curfew.NoShow, begin: r.moment("t", r.Times.Accepted), since: r.Times.Accepted,
		waited: r.moment("t", r.Times.Accepted) + " IS NOT NULL",
		came:   r.moment("t", r.Times.Started), lived: r.lived(r.Times.Started),
		deadline: "x.begin + " + interval(r.policy.JoinTTL),
		ttl:      r.policy.JoinTTL, uniform: true,
	}
}

// lived tests whether a session went live, or has one of the times that lead there.
func (r reading) lived(moments ...string) string {
	return r.is("t", curfew.Live, curfew.Completed) + " OR " + r.moment("t", moments...) + " IS NOT NULL"
}

// waits selects the rows with the times of a wait. Times that no column records are NULL. A session
// that has not ended has lasted until now; latest is the latest time at which somebody can have
// come.
func (r reading) waits(w wait, days int) string {
	recent := ""
	if days > 0 {
		recent = fmt.Sprintf(" AND begin > now() - interval '%d days'", days)
	}
	return fmt.Sprintf(`WITH rows AS (
	SELECT x.*, %s AS deadline
	FROM %s t CROSS JOIN LATERAL (SELECT %s AS begin, %s AS came, %s AS started, (%s) IS TRUE AS lived, %s AS customer, %s AS status,
		CASE WHEN %s THEN now() ELSE %s END AS done) x
	WHERE %s AND %s
), waits AS (
	SELECT begin, came, lived, customer, done, coalesce(came, started, done, now()) AS latest, deadline
	FROM rows WHERE status IS NOT NULL AND customer IS NOT NULL AND begin IS NOT NULL AND (lived OR done >= begin)%s
)`, w.deadline, r.Relation, w.begin, w.came, r.moment("t", r.Times.Started), w.lived, r.customer("t"), r.status("t"),
		r.is("t", curfew.Scheduled, curfew.Waiting, curfew.Live), r.moment("t", r.Times.Ended...), r.there("t"), w.waited, recent)
}

const sumUp = ` SELECT count(*), coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY lasted), 0), coalesce(max(lasted), 0),
	count(*) FILTER (WHERE begin - before <= $1::interval)
FROM (SELECT begin, greatest(extract(epoch FROM latest - begin)::float8, 0) AS lasted,
	lag(begin) OVER (PARTITION BY customer ORDER BY begin) AS before FROM waits) w`

// sumUpThresholds returns a row for each threshold in $1; $2 marks the policy's.
const sumUpThresholds = ` SELECT seconds, policy, count(fate), count(*) FILTER (WHERE fate = 'regret'), count(*) FILTER (WHERE fate = 'never'),
	count(*) FILTER (WHERE fate = 'unclear'), count(DISTINCT customer) FILTER (WHERE fate = 'never'),
	coalesce(sum(blocked) FILTER (WHERE fate = 'never'), 0),
	coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY blocked) FILTER (WHERE fate = 'never'), 0),
	coalesce(max(blocked) FILTER (WHERE fate = 'never'), 0),
	coalesce(sum(spared) FILTER (WHERE fate = 'never'), 0),
	coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY spared) FILTER (WHERE fate = 'never'), 0),
	coalesce(max(spared) FILTER (WHERE fate = 'never'), 0)
FROM (SELECT h.number, h.seconds, h.policy, w.customer,
		extract(epoch FROM w.done - w.begin)::float8 AS blocked, extract(epoch FROM w.done - d.at)::float8 AS spared,
		CASE WHEN NOT w.lived THEN CASE WHEN w.done > d.at THEN 'never' END
			WHEN w.came IS NOT NULL THEN CASE WHEN w.came > d.at THEN 'regret' END
			WHEN w.latest > d.at THEN 'unclear' END AS fate
	FROM unnest($1::bigint[], $2::boolean[]) WITH ORDINALITY h(seconds, policy, number) LEFT JOIN waits w ON true
		CROSS JOIN LATERAL (SELECT CASE WHEN h.policy THEN w.deadline ELSE w.begin + make_interval(secs => h.seconds) END AS at) d) f
GROUP BY number, seconds, policy ORDER BY number`

// unknowns counts the rows that a backtest leaves out.
const unknowns = ` SELECT count(*) FILTER (WHERE status IS NULL), count(*) FILTER (WHERE customer IS NULL), count(*) FILTER (WHERE begin IS NULL),
	count(*) FILTER (WHERE NOT lived AND done IS NULL AND status IS NOT NULL) FROM rows`

// backtest tries the thresholds on the history of the last days; 0 means all of it.
func (r reading) backtest(ctx context.Context, q querier, w wait, days int) (record.Backtest, error) {
	b := record.Backtest{Rule: w.rule, Since: w.since, Thresholds: []record.Threshold{}, Unknown: []string{}}
	if w.since == "" {
		b.Unknown = append(b.Unknown, r.without(w.rule))
		return b, nil
	}
	waits := r.waits(w, days)
	if err := one(ctx, q, waits+sumUp, []any{w.ttl}, &b.Sessions, &b.Median, &b.Longest, &b.Again); err != nil {
		return b, err
	}
	var err error
	if b.Thresholds, err = collect(ctx, q, scanThreshold, waits+sumUpThresholds, w.thresholds()...); err != nil {
		return b, err
	}
	b.Unknown, err = r.unknown(ctx, q, w, waits)
	return b, err
}

// thresholds returns all thresholds in seconds, and which of them is the policy's.
func (w wait) thresholds() []any {
	all := slices.Clone(thresholds)
	if i := slices.Index(all, w.ttl); i >= 0 && w.uniform {
		all = slices.Delete(all, i, i+1)
	}
	at := slices.IndexFunc(all, func(d time.Duration) bool { return d > w.ttl })
	if at < 0 {
		at = len(all)
	}
	all = slices.Insert(all, at, w.ttl)
	seconds, policy := make([]int64, len(all)), make([]bool, len(all))
	for i, d := range all {
		seconds[i], policy[i] = int64(d/time.Second), i == at
	}
	return []any{seconds, policy}
}

func scanThreshold(row pgx.CollectableRow) (h record.Threshold, err error) {
	err = row.Scan(&h.Seconds, &h.Policy, &h.Ended, &h.Regrets, &h.Never, &h.Unclear, &h.Customers,
		&h.Blocked.Sum, &h.Blocked.Median, &h.Blocked.Longest, &h.Spared.Sum, &h.Spared.Median, &h.Spared.Longest)
	return h, err
}

// without says why a rule has no backtest.
func (r reading) without(rule curfew.EndReason) string {
	if rule == curfew.NoShow {
		return "No column says when a mechanic accepted, so there is no backtest of no_show (times.accepted)."
	}
	return "No column says when a session was created, so there is no backtest of expired (times.created)."
}

// unknown lists what the columns leave open about this history.
func (r reading) unknown(ctx context.Context, q querier, w wait, waits string) ([]string, error) {
	said := []string{}
	var words, customers, begins, ends int64
	if err := one(ctx, q, waits+unknowns, nil, &words, &customers, &begins, &ends); err != nil {
		return said, err
	}
	for _, left := range []struct {
		n   int64
		why string
	}{
		{words, "have a status that is not mapped"},
		{customers, "have no customer"},
		{begins, "do not say when they began to wait"},
		{ends, "were cancelled, and no column says when"},
	} {
		if left.n > 0 {
			said = append(said, fmt.Sprintf("Left out, because they %s: %d.", left.why, left.n))
		}
	}
	if w.rule == curfew.Expired {
		said = append(said, r.unclear()...)
	}
	return append(said, "It is unknown which of these customers were refused another session meanwhile: a refusal leaves no row."), nil
}

func (r reading) unclear() []string {
	var said []string
	if r.Times.Entered != "" && r.Times.Created != "" && !r.Times.Seen {
		said = append(said, fmt.Sprintf("Waits that are over are counted from %s, because later steps may have overwritten %s.", r.Times.Created, r.Times.Entered))
	}
	if r.Times.Accepted == "" && r.Mechanic.Column != "" {
		said = append(said, "No column says when a mechanic accepted: a session that started after a threshold may have been accepted before it, and counts as unclear.")
	}
	if r.Mechanic.Accepted != nil {
		said = append(said, fmt.Sprintf("%s names who was asked, except in status %s: it does not show whether a cancelled session had been accepted.",
			r.Mechanic.Column, strings.Join(r.Mechanic.Accepted, ", ")))
	}
	return said
}

// one scans the single row of a query.
func one(ctx context.Context, q querier, sql string, args []any, into ...any) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	_, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, row.Scan(into...) })
	return err
}
