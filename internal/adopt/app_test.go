package adopt

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/invariant"
	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

var appTime = flag.Duration("app", 0, "how long an app writes its table at random while it is enforced; by default 10m, or 3s with -short")

// app is a program that writes its table at random, as if Curfew did not exist.
type app struct {
	*market
	dice *rand.Rand
}

// writes are what it does to one row, or a few. Each is as likely as another.
var writes = []string{
	`INSERT INTO public.help (customer) VALUES ('c' || $1::int)`,
	`INSERT INTO public.help (customer, minutes, plan) VALUES ('c' || $1::int, 20, 'chat10')`,
	`INSERT INTO public.help (customer, status) VALUES ('c' || $1::int, 'queued'), ('c' || ($1::int + 1), 'asked'), (NULL, 'asked'), ('c' || ($1::int + 2), 'hm')`,
	`INSERT INTO public.help (customer, status, starts_at) VALUES ('c' || $1::int, 'planned', now() + interval '1 hour')`,
	`INSERT INTO public.help (customer, status) VALUES ('c' || $1::int, 'gone')`,
	`INSERT INTO public.help (id, customer) SELECT id, coalesce(customer, 'c' || $1::int) FROM (SELECT * FROM public.help ORDER BY random() LIMIT 1) h ON CONFLICT (id) DO UPDATE SET customer = excluded.customer, status = 'asked', mechanic = NULL`,
	`INSERT INTO public.help (customer) SELECT 'c' || $1::int WHERE NOT EXISTS (SELECT FROM public.help WHERE customer = 'c' || $1::int AND status IN ('asked', 'queued', 'running'))`,
	`UPDATE public.help SET mechanic = 'm' || $1::int, accepted_at = now() WHERE status IN ('asked', 'queued') AND id = (SELECT id FROM public.help WHERE status IN ('asked', 'queued') ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET mechanic = NULL WHERE id = (SELECT id FROM public.help WHERE mechanic IS NOT NULL ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET status = 'running', started_at = now() WHERE id = (SELECT id FROM public.help WHERE mechanic IS NOT NULL AND status = 'asked' ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET status = 'done', ended_at = now() WHERE id = (SELECT id FROM public.help WHERE status = 'running' ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET status = 'gone' WHERE customer = 'c' || $1::int AND status IN ('asked', 'queued', 'planned')`,
	`UPDATE public.help SET status = 'asked', mechanic = NULL WHERE id = (SELECT id FROM public.help WHERE status IN ('gone', 'done') ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET status = 'asked' WHERE id = (SELECT id FROM public.help WHERE status IN ('running', 'planned', 'hm') ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET customer = 'c' || $1::int WHERE id = (SELECT id FROM public.help ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET customer = NULL WHERE id = (SELECT id FROM public.help ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET id = nextval('help_id_seq') WHERE id = (SELECT id FROM public.help ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET minutes = 5 + $1::int, note = 'x' WHERE id = (SELECT id FROM public.help ORDER BY random() LIMIT 1)`,
	`UPDATE public.help SET deadline = now() - interval '1 minute' WHERE status IN ('asked', 'queued') AND customer = 'c' || $1::int`,
	`UPDATE public.help SET made_at = now() - interval '1 hour', accepted_at = now() - interval '1 hour', starts_at = now() - interval '1 hour' WHERE customer = 'c' || $1::int`,
	`UPDATE public.help SET started_at = now() - interval '3 hours' WHERE status = 'running'`,
	`DELETE FROM public.help WHERE id = (SELECT id FROM public.help ORDER BY random() LIMIT 1)`,
	`DELETE FROM public.help WHERE status = 'gone' AND customer = 'c' || $1::int`,
}

// levels are how an app may run its transactions.
var levels = []pgx.TxIsoLevel{pgx.ReadCommitted, pgx.ReadCommitted, pgx.RepeatableRead, pgx.Serializable}

// write does one to three things in one transaction, and may then think better of it.
func (a app) write(ctx context.Context) error {
	again := fmt.Errorf("rolled back")
	err := pgx.BeginTxFunc(ctx, a.pool, pgx.TxOptions{IsoLevel: levels[a.dice.IntN(len(levels))]}, func(tx pgx.Tx) error {
		for range 1 + a.dice.IntN(3) {
			sql := writes[a.dice.IntN(len(writes))]
			var args []any
			if strings.Contains(sql, "$1") {
				args = []any{a.dice.IntN(12)}
			}
			if _, err := tx.Exec(ctx, sql, args...); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		if a.dice.IntN(10) == 0 {
			return again
		}
		return nil
	})
	if err == nil || err.Error() == again.Error() || code(err) == serializationFailure || code(err) == deadlockDetected || ctx.Err() != nil {
		return nil
	}
	return err
}

// sweep ends what is overdue, as the sweeper does: by what it read a moment ago.
func (m *market) sweep(ctx context.Context, a table) (int, error) {
	rows, err := m.pool.Query(ctx, `SELECT customer_id, id::text, version, status || CASE WHEN mechanic_id IS NULL THEN '' ELSE ' assigned' END
		FROM curfew.sessions WHERE adopted_from = $1 AND status IN ('scheduled', 'waiting', 'live') AND expires_at < now()`, a.Name)
	if err != nil {
		return 0, err
	}
	by := map[string][]record.PlannedEnd{}
	var e record.PlannedEnd
	var state string
	if _, err := pgx.ForEachRow(rows, []any{&e.CustomerID, &e.SessionID, &e.Version, &state}, func() error {
		by[state] = append(by[state], e)
		return nil
	}); err != nil {
		return 0, err
	}
	n := 0
	for _, rule := range record.Rules() {
		key := string(rule.From)
		if rule.From == curfew.Waiting && rule.Assigned == record.Yes {
			key += " assigned"
		}
		ends := by[key]
		if rule.Reason == "" || len(ends) == 0 || !mapped(a.Table, ruleFor(rule.From, rule.Assigned == record.Yes)) {
			continue
		}
		for i := range ends {
			ends[i].Reason = rule.Reason
		}
		ended, err := a.End(ctx, record.Batch{Rule: rule, Guard: record.Guard{Overdue: record.Yes}, Ends: ends, Actor: curfew.Sweeper})
		if err != nil {
			return n, err
		}
		n += len(ended)
		delete(by, key)
	}
	return n, nil
}

func TestAnAppThatWritesAtRandomIsFollowed(t *testing.T) {
	t.Parallel()
	pgtest.MayDeadlock(t) // this app writes several rows at once, in any order
	m, a := enforced(t, helpTable)
	seeded := seed.New(t)
	ctx, stop := context.WithTimeout(t.Context(), effort.Of(*appTime, 3*time.Second, 10*time.Minute))
	defer stop()
	var all sync.WaitGroup
	for n := range 4 {
		app := app{m, seed.Dice(seeded, fmt.Sprint("app ", n))}
		all.Go(func() {
			for ctx.Err() == nil {
				if err := app.write(ctx); err != nil {
					t.Errorf("an app's write failed: %v", err)
					return
				}
			}
		})
	}
	swept := 0
	all.Go(func() {
		for ctx.Err() == nil {
			n, err := m.sweep(ctx, a)
			if err != nil && ctx.Err() == nil {
				t.Errorf("a sweep failed: %v", err)
				return
			}
			swept += n
		}
	})
	all.Wait()
	t.Logf("%s rows, %s mirrors, %d swept, findings: %s", m.text(`SELECT count(*) FROM public.help`), m.text(`SELECT count(*) FROM curfew.sessions`), swept,
		m.text(`SELECT string_agg(format('%s %s', code, n), ', ') FROM (SELECT code, count(*) n FROM curfew.adoption_findings GROUP BY 1) f`))
	if swept == 0 {
		t.Error("nothing was swept")
	}
	drift, err := a.Verify(t.Context(), false)
	if err != nil || len(drift) > 0 {
		t.Errorf("%d rows are not as their mirrors: %+v (%v)", len(drift), drift[:min(len(drift), 5)], err)
	}
	if got := m.text(`SELECT count(*) FROM public.help WHERE note = 'nobody came' AND mechanic IS NOT NULL AND status = 'expired'`); got != "0" {
		t.Errorf("%s accepted rows were ended as if they had not been accepted", got)
	}
	if got := m.text(`SELECT string_agg(detail, E'\n') FROM curfew.adoption_findings WHERE code = 'trigger_failed'`); got != "" {
		t.Errorf("triggers failed: %s", got)
	}
	m.holds()
}

var tables = regexp.MustCompile(`\{(\w+)\}`)

// holds checks the invariants of Curfew's rows.
func (m *market) holds() {
	m.Helper()
	for _, c := range invariant.Checks() {
		m.Run(c.Name, func(t *testing.T) {
			rows, err := m.pool.Query(t.Context(), tables.ReplaceAllString(c.SQL, "curfew.$1"))
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				values, _ := rows.Values()
				t.Errorf("broken by %v", values)
			}
		})
	}
}
