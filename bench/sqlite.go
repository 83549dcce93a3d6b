package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the same driver

	"github.com/curfewhq/curfew/sqlite"
)

// onSQLite measures paid checkouts in one file, beside the two bare INSERTs in another.
func onSQLite(ctx context.Context, o options, out *report) error {
	dir, err := os.MkdirTemp("", "curfew-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it is temporary
	store, err := sqlite.Open(ctx, filepath.Join(dir, "curfew.db"), sqlite.Options{Create: true})
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // its folder goes with it
	if _, err := store.Migrate(ctx); err != nil {
		return err
	}
	floor, err := openFloor(ctx, filepath.Join(dir, "curfew.db"), filepath.Join(dir, "floor.db"))
	if err != nil {
		return err
	}
	defer floor.close() //nolint:errcheck // its folder goes with it
	ways := []way{{"floor", floor.admit}, {"Curfew", func(ctx context.Context, customer string) error {
		_, err := store.Admit(ctx, paid(customer))
		return err
	}}}
	return filesMeasured(ctx, o, ways, out)
}

func filesMeasured(ctx context.Context, o options, ways []way, out *report) error {
	t := newTable("clients", "way", "a second", "to the floor", "p50 ms", "p99 ms", "CPU µs each", "to the floor")
	for i, clients := range o.clients {
		crowds := map[string][]*customers{}
		for _, w := range ways {
			crowds[w.name] = crowd(o.seed, i, clients)
		}
		all, err := interleave(ways, o.rounds, func(w way) (slice, error) {
			before := own()
			s, err := drive(ctx, w, crowds[w.name], o.slice)
			s.cpu = own() - before
			return s, err
		})
		if err != nil {
			return err
		}
		_, _, floor := each(all[0])
		for i, w := range ways {
			together, _, cpu := each(all[i])
			t.add(fmt.Sprint(clients), w.name, whole(rates(all[i])), fraction(ratio(all[i], all[0])),
				millis(percentile(together, .5)), millis(percentile(together, .99)), fmt.Sprint(cpu.Microseconds()), fraction(float64(floor)/float64(cpu)))
		}
	}
	t.print(out)
	return nil
}

// floorFile is a file with the two tables that everybody has, and one connection that writes.
type floorFile struct {
	db     *sql.DB
	conn   *sql.Conn
	turn   sync.Mutex
	writes [4]*sql.Stmt // of one transaction
}

// openFloor creates the file, with the tables and indexes that the other one has.
func openFloor(ctx context.Context, like, path string) (*floorFile, error) {
	definitions, err := definitionsIn(ctx, like)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_pragma=cache_size(-16384)")
	if err != nil {
		return nil, err
	}
	f := &floorFile{db: db}
	if f.conn, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	for _, sql := range definitions {
		if _, err := f.conn.ExecContext(ctx, sql); err != nil {
			return nil, err
		}
	}
	return f, f.prepare(ctx)
}

// definitionsIn returns the statements that create the two tables and their indexes, without
// triggers.
func definitionsIn(ctx context.Context, path string) ([]string, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // only read
	rows, err := db.QueryContext(ctx, `SELECT sql FROM sqlite_schema
		WHERE tbl_name IN ('sessions', 'session_requests') AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC, rowid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to the end, or Err says why not
	var all []string
	for rows.Next() {
		var definition string
		if err := rows.Scan(&definition); err != nil {
			return nil, err
		}
		all = append(all, definition)
	}
	return all, rows.Err()
}

func (f *floorFile) prepare(ctx context.Context) error {
	for i, sql := range []string{
		`BEGIN IMMEDIATE`,
		`INSERT INTO sessions (customer_id, id, checkout_id, plan, kind, duration_seconds, status, version, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 1, $7, $8)`,
		`INSERT INTO session_requests (customer_id, id, session_id, customer_name, status, created_at) VALUES ($1, $2, $3, $4, 'pending', $5)`,
		`COMMIT`,
	} {
		stmt, err := f.conn.PrepareContext(ctx, sql) //nolint:sqlclosecheck // it goes with its connection
		if err != nil {
			return err
		}
		f.writes[i] = stmt
	}
	return nil
}

// admit writes the two rows in one transaction, and nothing else.
func (f *floorFile) admit(ctx context.Context, customer string) error {
	a := paid(customer)
	f.turn.Lock()
	defer f.turn.Unlock()
	now := time.Now()
	for i, args := range [4][]any{
		1: {
			customer, a.Session.ID, a.Checkout.ID, a.Session.Plan, string(a.Session.Kind), int64(a.Session.Duration / time.Second),
			now.UnixMicro(), now.Add(a.Deadline.After).UnixMicro(),
		},
		2: {customer, a.Request.ID, a.Session.ID, a.Request.CustomerName, now.UnixMicro()},
	} {
		if _, err := f.writes[i].ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func (f *floorFile) close() error { return errors.Join(f.conn.Close(), f.db.Close()) }
