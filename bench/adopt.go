package main

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/lifecycle"
)

// theirTable is a table of sessions as marketplaces have it: in schema bare it is nobody's
// business, in schema app Curfew enforces it.
const theirTable = `CREATE SCHEMA %[1]s;
	CREATE TABLE %[1]s.sessions (
		id uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
		customer_id text NOT NULL, customer_email text, mechanic_id text, plan text NOT NULL, metadata jsonb NOT NULL DEFAULT '{}',
		status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'live', 'completed', 'cancelled')),
		payment_ref text NOT NULL UNIQUE, started_at timestamptz, ended_at timestamptz, expires_at timestamptz, note text);
	CREATE INDEX ON %[1]s.sessions (customer_id);
	CREATE INDEX ON %[1]s.sessions (status, created_at);`

const (
	insertTheirs = `INSERT INTO %s.sessions (customer_id, customer_email, plan, payment_ref) VALUES ($1, $1 || '@example.com', 'chat10', gen_random_uuid()::text)`
	insertMany   = `INSERT INTO %s.sessions (customer_id, customer_email, plan, payment_ref)
		SELECT $1 || g, $1 || '@example.com', 'chat10', gen_random_uuid()::text FROM generate_series(1, 1000) g`
	insertOverdue = `INSERT INTO app.sessions (customer_id, customer_email, plan, payment_ref, created_at)
		SELECT $1 || g, $1 || '@example.com', 'chat10', gen_random_uuid()::text, now() - interval '1 hour' FROM generate_series(1, $2::int) g`
	countTheirs = `SELECT count(*) FROM app.sessions WHERE status = 'pending' AND created_at < now() - interval '30 minutes'`
)

// theirs maps it.
func theirs() mapping.Table {
	return mapping.Table{
		Name: "sessions", Relation: "app.sessions", ID: "id", Customer: []string{"customer_id"}, Mechanic: mapping.Mechanic{Column: "mechanic_id"},
		Status: mapping.Status{Column: "status", Words: map[curfew.SessionStatus][]string{
			curfew.Waiting: {"pending"}, curfew.Live: {"live"}, curfew.Completed: {"completed"}, curfew.Cancelled: {"cancelled"},
		}},
		Times: mapping.Times{Created: "created_at", Started: "started_at", Ended: []string{"ended_at"}}, Deadline: "expires_at", Plan: "plan",
		End: map[curfew.EndReason]mapping.Ending{curfew.Expired: {Status: "cancelled", Set: map[string]string{"ended_at": mapping.Now}}},
	}
}

// adopted measures what a marketplace's own table costs more once Curfew enforces it, and what its
// writers feel of a sweep.
func adopted(ctx context.Context, o options, out *report) error {
	return withDatabase(ctx, o.server, sweepers+4, func(db database) error {
		if err := db.exec(ctx, fmt.Sprintf(theirTable, "bare"), fmt.Sprintf(theirTable, "app")); err != nil {
			return err
		}
		service := adopt.New(adopt.Options{Pool: db.pool, Tables: []mapping.Table{theirs()}, Policy: curfew.DefaultPolicy()})
		if err := service.Enforce(ctx, "sessions", adopt.Enforcement{Yes: true}); err != nil {
			return err
		}
		if err := db.inserts(ctx, o, out); err != nil {
			return err
		}
		return db.sweepTheirs(ctx, o, service, out)
	})
}

// inserts compares INSERTs into the two tables, of one row and of a thousand.
func (db database) inserts(ctx context.Context, o options, out *report) error {
	t := newTable("INSERT of", "into", "CPU µs a row", "to the bare table")
	for _, of := range []struct {
		rows int
		sql  string
	}{{1, insertTheirs}, {1000, insertMany}} {
		ways := []way{db.insertInto("bare", of.sql), db.insertInto("app", of.sql)}
		stream := 0
		all, err := interleave(ways, o.rounds, func(w way) (slice, error) {
			stream++
			before, err := db.spent(ctx)
			if err != nil {
				return slice{}, err
			}
			s, err := drive(ctx, w, crowd(o.seed, stream<<8+of.rows, 1), o.slice)
			if err != nil {
				return s, err
			}
			after, err := db.spent(ctx)
			s.cpu = after.since(before) - (after[0] - before[0])
			return s, err
		})
		if err != nil {
			return err
		}
		_, _, bare := each(all[0])
		for i, name := range []string{"nobody's table", "an enforced one"} {
			_, _, cpu := each(all[i])
			t.add(fmt.Sprint(of.rows), name, fmt.Sprintf("%.1f", float64(cpu.Nanoseconds())/1000/float64(of.rows)), fraction(float64(cpu)/float64(bare)))
		}
	}
	t.print(out)
	return nil
}

func (db database) insertInto(schema, sql string) way {
	sql = fmt.Sprintf(sql, schema)
	return way{schema, func(ctx context.Context, customer string) error {
		_, err := db.pool.Exec(ctx, sql, customer)
		return err
	}}
}

// sweepTheirs ends overdue rows of theirs, with paced INSERTs of theirs beside.
func (db database) sweepTheirs(ctx context.Context, o options, service *adopt.Service, out *report) error {
	keeper, err := lifecycle.New(db.store, lifecycle.Options{Adopted: service})
	if err != nil {
		return err
	}
	if _, err := db.pool.Exec(ctx, insertOverdue, "overdue", o.overdue); err != nil {
		return err
	}
	out.say("\n%d overdue rows of theirs, %d INSERTs of theirs a second beside.\n\n", o.overdue, o.pace)
	insert := db.insertInto("app", insertTheirs)
	beside := map[string][]time.Duration{}
	var took time.Duration
	for i, w := range []way{{"nothing", idle}, {"the sweep", func(ctx context.Context, _ string) error {
		_, err := keeper.Sweeper.Sweep(ctx)
		return err
	}}} {
		s, latencies, err := besidePaced(ctx, w, insert, o.pace, crowd(o.seed, 1<<20+i, sweepers))
		if err != nil {
			return err
		}
		beside[w.name], took = latencies, s.took
	}
	left, err := db.count(ctx, countTheirs)
	if err != nil {
		return err
	}
	quiet, busy := percentile(beside["nothing"], .99), percentile(beside["the sweep"], .99)
	t := newTable("beside", "INSERT p50 ms", "p99 ms", "p99 to idle")
	t.add("nothing", millis(percentile(beside["nothing"], .5)), millis(quiet), "1.00")
	t.add("the sweep", millis(percentile(beside["the sweep"], .5)), millis(busy), fraction(float64(busy)/float64(quiet)))
	t.print(out)
	out.say("\nThe sweep took %s: %s rows a second. Overdue rows left: %d.\n", took.Round(time.Millisecond), whole(float64(o.overdue)/took.Seconds()), left)
	return nil
}
