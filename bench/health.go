package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// open is how many sessions wait while health is measured.
const open = 20_000

// figure is one of health's counts, and the GROUP BY that it must agree with.
type figure struct {
	name   string
	counts func(context.Context) (map[string]int, error)
	plain  string
}

// health times the counts over many ended rows, and compares each with the plain count.
func health(ctx context.Context, o options, out *report) error {
	return withDatabase(ctx, o.server, 4, func(db database) error {
		if err := db.loadEnded(ctx, o.seed, o.ended); err != nil {
			return err
		}
		if err := db.loadWaiting(ctx, o.seed, min(open, o.ended), fresh); err != nil {
			return err
		}
		if err := db.exec(ctx, countLoaded, vacuum); err != nil {
			return err
		}
		out.say("%d ended sessions, requests and checkouts, %d open ones.\n\n", o.ended, min(open, o.ended))
		t := newTable("figure", "p50 ms", "p99 ms", "GROUP BY ms", "the same")
		for _, f := range db.figures() {
			if err := db.weigh(ctx, f, &t); err != nil {
				return err
			}
		}
		t.print(out)
		return nil
	})
}

func (db database) figures() []figure {
	policy := curfew.DefaultPolicy()
	return []figure{
		{"sessions", func(ctx context.Context) (map[string]int, error) {
			f, err := db.store.SessionFigures(ctx, policy)
			return plain(f.ByStatus), err
		}, `SELECT status, count(*) FROM curfew.sessions GROUP BY status`},
		{"requests", func(ctx context.Context) (map[string]int, error) {
			f, err := db.store.RequestFigures(ctx)
			return plain(f.ByStatus), err
		}, `SELECT status, count(*) FROM curfew.session_requests GROUP BY status`},
		{"checkouts", func(ctx context.Context) (map[string]int, error) {
			f, err := db.store.CheckoutFigures(ctx)
			return plain(f.ByOutcome), err
		}, `SELECT outcome, count(*) FROM curfew.checkouts GROUP BY outcome`},
		{"mechanics", func(ctx context.Context) (map[string]int, error) {
			f, err := db.store.MechanicFigures(ctx)
			return map[string]int{"busy": f.Busy}, err
		}, `SELECT 'busy', count(*) FROM curfew.mechanic_slots`},
		{"details", func(ctx context.Context) (map[string]int, error) {
			d, err := db.store.HealthDetails(ctx, policy, 100)
			return map[string]int{"stale": len(d.Stale)}, err
		}, `SELECT 'stale', count(*) FROM curfew.sessions WHERE status = 'waiting' AND mechanic_id IS NULL AND expires_at < now() - interval '10 s'`},
	}
}

// plain returns the counts that are not 0, by GROUP BY.
func plain[K ~string](by map[K]int) map[string]int {
	all := map[string]int{}
	for k, n := range by {
		all[string(k)] = n
	}
	return all
}

// weigh times a count and its plain count.
func (db database) weigh(ctx context.Context, f figure, t *table) error {
	var figures map[string]int
	all, err := timed(asked, func() (err error) {
		figures, err = f.counts(ctx)
		return err
	})
	if err != nil {
		return err
	}
	var counted map[string]int
	slow, err := timed(3, func() (err error) {
		counted, err = db.group(ctx, f.plain)
		return err
	})
	if err != nil {
		return err
	}
	t.add(f.name, millis(percentile(all, .5)), millis(percentile(all, .99)), millis(percentile(slow, .5)), verdict(figures, counted))
	return nil
}

func (db database) group(ctx context.Context, sql string) (map[string]int, error) {
	rows, _ := db.pool.Query(ctx, sql)
	all := map[string]int{}
	var name string
	var n int
	_, err := pgx.ForEachRow(rows, []any{&name, &n}, func() error {
		all[name] = n
		return nil
	})
	return all, err
}

// verdict compares counts; a missing one is 0.
func verdict(figures, counted map[string]int) string {
	for name, n := range counted {
		if figures[name] != n {
			return fmt.Sprintf("no: %s is %d, not %d", name, n, figures[name])
		}
	}
	for name, n := range figures {
		if counted[name] != n {
			return fmt.Sprintf("no: %s is %d, not %d", name, counted[name], n)
		}
	}
	return "yes"
}
