package adopt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// Enforcement holds the conditions for enforcing a table.
type Enforcement struct {
	// Rules are the reasons for which rows are ended from now on; nil means every reason that the
	// mapping has an ending for.
	Rules []curfew.EndReason
	// Shadow is how long the table must have been shadowed without a gap; 0 means seven days.
	Shadow time.Duration
	// Regrets is how many rows that would have been ended may have gone on to be live.
	Regrets int
	// Yes enforces whatever shadow mode found.
	Yes bool
}

// ShadowTime is how long a table must be shadowed before it can be enforced, by default.
const ShadowTime = 7 * 24 * time.Hour

// step is one transaction of a change to the marketplace's schema. After an interruption, all steps
// are run again from the first.
type step struct {
	name string
	do   func(context.Context) error
}

// follow runs steps in order.
func follow(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// Enforce installs the triggers, mirrors what is open, and switches the mode, each in a transaction
// of its own. Call it again after an interruption, or when the mapping, the policy or the table has
// changed. It returns Invalid with the reason if the table must not be enforced, and Unavailable
// with the holder if the table is locked.
func (t table) Enforce(ctx context.Context, e Enforcement) error {
	p, err := t.prepare(ctx, e)
	if err == nil {
		err = follow(ctx, t.enforcing(p))
	}
	return t.wrap(err, "enforce")
}

// prepare checks that a table can be enforced, and compiles its functions.
func (t table) prepare(ctx context.Context, e Enforcement) (program, error) {
	if e.Rules == nil {
		e.Rules = slices.DeleteFunc(mapping.Reasons(), func(reason curfew.EndReason) bool { return !mapped(t.Table, reason) })
	}
	for _, rule := range e.Rules {
		if !mapped(t.Table, rule) {
			return program{}, curfew.Errorf(curfew.Invalid, "adopt.%s.end has no ending for %s", t.Name, rule)
		}
	}
	if err := t.enforceable(ctx); err != nil {
		return program{}, err
	}
	p, err := t.program(ctx, e.Rules)
	if err != nil {
		return p, err
	}
	for _, rule := range e.Rules {
		if err := t.try(ctx, p.reading, rule); err != nil {
			return p, err
		}
	}
	if e.Yes {
		return p, nil
	}
	return p, t.shadowed(ctx, e)
}

// program compiles the functions for the table as it is now.
func (t table) program(ctx context.Context, rules []curfew.EndReason) (program, error) {
	p := program{schema: t.Schema(), rules: rules}
	var err error
	if p.reading, p.requests, err = readingsOf(ctx, t.pool, t.Table, t.policy); err != nil {
		return p, err
	}
	if p.keys, err = uniqueKeys(ctx, t.pool, t.Relation); err != nil {
		return p, err
	}
	return p, one(ctx, t.pool, `SELECT $1::text::regclass::oid`, []any{t.Relation}, &p.oid)
}

// selectUnique reads the columns of each unique index on all rows of a table, except expression
// indexes.
const selectUnique = `SELECT array_agg(a.attname::text ORDER BY k.n) FROM pg_index i
		CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, n)
		LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
	WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND k.n <= i.indnkeyatts
	GROUP BY i.indexrelid HAVING bool_and(a.attname IS NOT NULL) ORDER BY 1`

func uniqueKeys(ctx context.Context, q querier, relation string) ([][]string, error) {
	return collect(ctx, q, pgx.RowTo[[]string], selectUnique, relation)
}

// enforcing returns the steps of Enforce. No row is ended before every write is mirrored, and the
// mode is not enforce until everything is in place.
func (t table) enforcing(p program) []step {
	steps := []step{{"create the functions", func(ctx context.Context) error { return t.run(ctx, p.functions()...) }}}
	for _, tr := range triggers {
		steps = append(steps, step{"create trigger " + tr.name, func(ctx context.Context) error { return t.createTrigger(ctx, p, tr) }})
	}
	return append(steps,
		step{"mirror what is open", func(ctx context.Context) error { return t.mirror(ctx, p.reading) }},
		step{"switch the mode", func(ctx context.Context) error { return t.switchOn(ctx, p) }},
	)
}

// alone keeps other processes from changing the same table's triggers until the transaction ends.
const alone = `SELECT pg_advisory_xact_lock(hashtextextended('curfew.adopt ' || $1, 0))`

// run runs statements in one transaction.
func (t table) run(ctx context.Context, statements ...string) error {
	return t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, alone, t.Name); err != nil {
			return err
		}
		for _, sql := range statements {
			if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		return nil
	})
}

const selectTriggers = `SELECT t.tgname::text FROM pg_trigger t
	WHERE t.tgrelid = to_regclass($1) AND t.tgname = ANY ($2) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
		AND t.tgfoid IN (SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'curfew'::regnamespace)`

// missing names the triggers that the table lacks.
func (t table) missing(ctx context.Context, q querier) ([]string, error) {
	var all []string
	for _, tr := range triggers {
		all = append(all, tr.name)
	}
	rows, err := q.Query(ctx, selectTriggers, t.Relation, all)
	if err != nil {
		return nil, err
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return slices.DeleteFunc(all, func(name string) bool { return slices.Contains(there, name) }), err
}

// createTrigger creates a trigger if it is missing. It does not replace one, which would block
// readers too.
func (t table) createTrigger(ctx context.Context, p program, tr trigger) error {
	return t.untilLocked(ctx, p.oid, time.Second, func() error {
		missing, err := t.missing(ctx, t.pool)
		if err != nil || !slices.Contains(missing, tr.name) {
			return err
		}
		return t.run(ctx, `SET LOCAL lock_timeout = '1s'`, tr.create(t.Table))
	})
}

// lockTries is how often to try for a lock on the marketplace's table.
const lockTries = 5

// untilLocked retries do while it times out waiting for a lock, then reports who holds the lock.
func (t table) untilLocked(ctx context.Context, oid uint32, pause time.Duration, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if code(err) != lockTimeout {
			return err
		}
		if n == lockTries {
			return curfew.Errorf(curfew.Unavailable, "%s is locked by %s: try again when that has ended", t.Relation, t.holders(ctx, oid))
		}
		select {
		case <-time.After(pause / lockTries):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

const selectHolders = `SELECT format('process %s (%s, %s%s for %s s: %s)', a.pid, a.usename, coalesce(nullif(a.application_name, '') || ', ', ''), a.state,
		extract(epoch FROM now() - coalesce(a.state_change, a.xact_start, now()))::int, left(regexp_replace(a.query, '\s+', ' ', 'g'), 80))
	FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid() AND EXISTS (SELECT FROM pg_locks l
		WHERE l.pid = a.pid AND l.relation = $1 AND l.locktype = 'relation' AND l.granted AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')) ORDER BY a.xact_start`

// holders lists who holds a lock on the table.
func (t table) holders(ctx context.Context, oid uint32) string {
	rows, err := t.pool.Query(ctx, selectHolders, oid)
	if err != nil {
		return "somebody"
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(all) == 0 {
		return "somebody who has released it since"
	}
	return strings.Join(all, ", ")
}

const switchOn = `INSERT INTO curfew.adoptions AS a (name, relation, mode, rules, installed) VALUES ($1, $2, 'enforce', $3, $4)
	ON CONFLICT (name) DO UPDATE SET relation = excluded.relation, mode = 'enforce', rules = excluded.rules, installed = excluded.installed,
		since = CASE WHEN a.mode = 'enforce' THEN a.since ELSE now() END`

// forgetFailures forgets trigger failures, unless they have recurred since.
const forgetFailures = `DELETE FROM curfew.adoption_findings WHERE name = $1 AND code = 'trigger_failed' AND last_at < now() - make_interval(mins => $2)`

func (t table) switchOn(ctx context.Context, p program) error {
	rules := make([]string, len(p.rules))
	for i, rule := range p.rules {
		rules[i] = string(rule)
	}
	return t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, switchOn, t.Name, t.Relation, rules, p.digest())
		if err == nil {
			_, err = tx.Exec(ctx, forgetFailures, t.Name, 0)
		}
		return err
	})
}

// Installed says what is wrong with the triggers of a table that is enforced by these rules; "" if
// nothing is. Enforce repairs it.
func (t table) Installed(ctx context.Context, rules []curfew.EndReason) (wrong string, err error) {
	p, err := t.program(ctx, rules)
	if err != nil {
		return "", t.wrap(err, "look at the triggers")
	}
	missing, err := t.missing(ctx, t.pool)
	if err != nil {
		return "", t.wrap(err, "look at the triggers")
	}
	if len(missing) > 0 {
		return t.Relation + " lacks " + strings.Join(missing, ", "), nil
	}
	var digest string
	err = one(ctx, t.pool, `SELECT coalesce((SELECT installed FROM curfew.adoptions WHERE name = $1), '')`, []any{t.Name}, &digest)
	if err == nil && digest != p.digest() {
		wrong = "the triggers on " + t.Relation + " were made for another mapping, policy or table"
	}
	return wrong, t.wrap(err, "look at the triggers")
}
