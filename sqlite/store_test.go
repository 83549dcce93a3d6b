package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew/sqlite"
	"github.com/curfewhq/curfew/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, harness)
}

// harness is a store on a file of its own, and a second program on the file.
func harness(t testing.TB) storetest.Harness {
	t.Helper()
	path := filepath.Join(t.TempDir(), "curfew.db")
	var frozen atomic.Pointer[time.Time]
	now := func() time.Time {
		if at := frozen.Load(); at != nil {
			return *at
		}
		return time.Now()
	}
	s := migrated(t, path, sqlite.Options{Create: true, Now: now})
	other := beside(t, path)
	return storetest.Harness{
		Store: s,
		Age:   other.age,
		Exec: func(t testing.TB, sql string, args ...any) {
			t.Helper()
			other.exec(t, sql, args...)
		},
		Query: other.query,
		Freeze: func(testing.TB) {
			at := time.Now()
			frozen.Store(&at)
		},
	}
}

// program is another program's connection to a store's file.
type program struct{ db *sql.DB }

func beside(t testing.TB, path string) program {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=5000&_foreign_keys=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return program{db}
}

func (p program) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := p.db.ExecContext(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// query is all rows as text; NULL is "".
func (p program) query(t testing.TB, query string) [][]string {
	t.Helper()
	rows, err := p.db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for rows.Next() {
		fields, texts := make([]any, len(columns)), make([]sql.NullString, len(columns))
		for i := range texts {
			fields[i] = &texts[i]
		}
		if err := rows.Scan(fields...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, text := range texts {
			row[i] = text.String
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// age moves the times of a session, its requests and its checkout into the past.
func (p program) age(t testing.TB, session string, by time.Duration) {
	t.Helper()
	for _, sql := range []string{
		`UPDATE sessions SET created_at = created_at - $2, starts_at = starts_at - $2, expires_at = expires_at - $2, accepted_at = accepted_at - $2,
			customer_joined_at = customer_joined_at - $2, mechanic_joined_at = mechanic_joined_at - $2, started_at = started_at - $2, ended_at = ended_at - $2
		WHERE id = $1`,
		`UPDATE session_requests SET created_at = created_at - $2, ended_at = ended_at - $2 WHERE session_id = $1`,
		`UPDATE checkouts SET created_at = created_at - $2, updated_at = updated_at - $2, retry_until = retry_until - $2
		WHERE (customer_id, id) IN (SELECT customer_id, checkout_id FROM sessions WHERE id = $1)`,
	} {
		p.exec(t, sql, session, by.Microseconds())
	}
}
