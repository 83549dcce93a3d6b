package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// asked is how often a question is timed.
const asked = 200

// question is a query that is asked all the time.
type question struct {
	name string
	ask  func(context.Context) error
}

// moment is a state of the tables in which the questions are asked.
type moment struct {
	name  string
	bring func(context.Context) error
}

// queue times the questions before, during and after a mass expiry.
func queue(ctx context.Context, o options, out *report) error {
	return withDatabase(ctx, o.server, 4, func(db database) error {
		if err := db.loadEnded(ctx, o.seed, o.history); err != nil {
			return err
		}
		old, err := db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			return err
		}
		defer old.Rollback(ctx) //nolint:errcheck // it is rolled back where it works
		keeper, err := lifecycle.New(db.store, lifecycle.Options{})
		if err != nil {
			return err
		}
		t := newTable("when", "question", "p50 ms", "p99 ms", "first ms")
		for _, m := range db.moments(o, keeper, old) {
			if err := db.ask(ctx, m, &t); err != nil {
				return err
			}
		}
		t.print(out)
		return nil
	})
}

func (db database) moments(o options, keeper *lifecycle.Keeper, old pgx.Tx) []moment {
	n := words(o.pending)
	return []moment{
		{n + " pending", func(ctx context.Context) error {
			if err := db.loadWaiting(ctx, o.seed, o.pending, fresh); err != nil {
				return err
			}
			return db.exec(ctx, vacuum)
		}},
		{n + " older ones overdue", func(ctx context.Context) error {
			if err := db.loadWaiting(ctx, o.seed, o.pending, overdue); err != nil {
				return err
			}
			// From now on a reader keeps an old snapshot of the tables.
			_, err := old.Exec(ctx, "SELECT count(*) FROM curfew.tallies")
			return err
		}},
		{"just swept, an old snapshot open", func(ctx context.Context) error {
			_, err := keeper.Sweeper.Sweep(ctx)
			return err
		}},
		{"after VACUUM", func(ctx context.Context) error {
			if err := old.Rollback(ctx); err != nil {
				return err
			}
			return db.exec(ctx, vacuum)
		}},
	}
}

func (db database) questions() []question {
	return []question{
		{"when is the next deadline", func(ctx context.Context) error {
			_, _, err := db.store.NextDeadline(ctx, time.Time{}, nil)
			return err
		}},
		{"the same, behind the last sweep", func(ctx context.Context) error {
			_, _, err := db.store.NextDeadline(ctx, swept(), nil)
			return err
		}},
		{"what is overdue (500)", func(ctx context.Context) error {
			_, err := db.store.Find(ctx, record.Search{Limit: 500})
			return err
		}},
		{"the same, behind the last sweep", func(ctx context.Context) error {
			_, err := db.store.Find(ctx, record.Search{Limit: 500, After: curfew.Cursor{At: swept()}})
			return err
		}},
		{"the queue (50 oldest)", func(ctx context.Context) error {
			_, err := db.store.Pending(ctx, curfew.Cursor{}, 50)
			return err
		}},
	}
}

// swept is where the sweeper starts between full sweeps: everything due earlier is settled.
func swept() time.Time { return time.Now().Add(-time.Second) }

func (db database) ask(ctx context.Context, m moment, t *table) error {
	if err := m.bring(ctx); err != nil {
		return err
	}
	for _, q := range db.questions() {
		first, err := timed(1, func() error { return q.ask(ctx) })
		if err != nil {
			return err
		}
		all, err := timed(asked, func() error { return q.ask(ctx) })
		if err != nil {
			return err
		}
		t.add(m.name, q.name, millis(percentile(all, .5)), millis(percentile(all, .99)), millis(first[0]))
	}
	return nil
}
