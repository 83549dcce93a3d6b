package stores

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the same driver, for another program's connection

	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/sqlite"
)

// SQLite opens a store on its own file.
func SQLite(t testing.TB) storetest.Harness {
	t.Helper()
	h, _ := SQLiteFile(t)
	return h
}

// SQLiteFile is SQLite, and also returns the file's path.
func SQLiteFile(t testing.TB) (storetest.Harness, string) {
	t.Helper()
	var clock stoppable
	h, path := sqliteAt(t, clock.now)
	h.Freeze = func(testing.TB) { clock.stop() }
	return h, path
}

// SQLiteAt is SQLite with a clock controlled by the test.
func SQLiteAt(t testing.TB, now func() time.Time) storetest.Harness {
	t.Helper()
	h, _ := sqliteAt(t, now)
	return h
}

func sqliteAt(t testing.TB, now func() time.Time) (storetest.Harness, string) {
	t.Helper()
	path := SQLiteMigrated(t)
	store, err := sqlite.Open(t.Context(), path, sqlite.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?_busy_timeout=10000&_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	b := behind{db: db, earlier: "%s - $2"}
	return storetest.Harness{
		Store: store, Age: b.age, Exec: b.exec, Query: b.query,
		FailAt: func(t testing.TB, rows int) { t.Helper(); b.countdownSQLite(t, rows) },
		Hold: func(t testing.TB, statements ...string) func() {
			t.Helper()
			return b.hold(t, "BEGIN IMMEDIATE", "COMMIT", statements...)
		},
		// Nobody can see from outside who waits for SQLite's one write lock, so
		// a short wait must do.
		Settled: func(_ testing.TB, done chan error) { settled(done, 50*time.Millisecond) },
	}, path
}

// SQLiteMigrated returns the path of a new file with Curfew's tables.
func SQLiteMigrated(t testing.TB) string {
	t.Helper()
	original, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "curfew.db")
	if err := os.WriteFile(path, original, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// countdownSQLite counts down rows in a table, with triggers on every other table. A failed
// transaction rolls its count back.
func (b behind) countdownSQLite(t testing.TB, rows int) {
	t.Helper()
	b.exec(t, "CREATE TABLE IF NOT EXISTS countdown (n INTEGER)")
	for _, table := range b.query(t, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('countdown', 'sqlite_sequence')") {
		for _, does := range []string{"INSERT", "UPDATE", "DELETE"} {
			b.exec(t, "CREATE TRIGGER IF NOT EXISTS countdown_"+table[0]+"_"+does+" BEFORE "+does+" ON "+table[0]+` BEGIN
				UPDATE countdown SET n = n - 1;
				SELECT RAISE(ABORT, 'no more rows') FROM countdown WHERE n < 0;
			END`)
		}
	}
	b.exec(t, "DELETE FROM countdown")
	if rows >= 0 {
		b.exec(t, "INSERT INTO countdown VALUES ($1)", rows)
	}
}

// migrated returns the bytes of a fresh database, created once per process:
// migrating takes longer than most tests.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "curfew-template")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a leftover in the temporary folder harms nobody
	path := filepath.Join(dir, "curfew.db")
	ctx := context.Background()
	store, err := sqlite.Open(ctx, path, sqlite.Options{Create: true})
	if err != nil {
		return nil, err
	}
	_, err = store.Migrate(ctx)
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// settled waits for a result, which it puts back, but at most for the given time.
func settled(done chan error, most time.Duration) {
	select {
	case err := <-done:
		done <- err
	case <-time.After(most):
	}
}

// stoppable is a clock that can be stopped.
type stoppable struct {
	mu sync.Mutex
	at time.Time
}

func (c *stoppable) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now()
	}
	return c.at
}

func (c *stoppable) stop() {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = now
}
