// Package stores opens the real stores for tests, each on its own empty, migrated database, with
// storetest's access behind its back. Tests of all packages get their stores here. Only tests
// import it.
package stores

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/storetest"
)

// Each returns the stores by name.
func Each() map[string]func(testing.TB) storetest.Harness {
	return map[string]func(testing.TB) storetest.Harness{"sqlite": SQLite, "postgres": Postgres}
}

// behind gives access to a database behind a store's back.
type behind struct {
	db     *sql.DB
	schema string
	// earlier is a format for an expression that moves a column back by $2 microseconds.
	earlier string
}

func (b behind) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	if _, err := b.db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func (b behind) query(t testing.TB, statement string) [][]string {
	t.Helper()
	rows, err := b.db.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close() //nolint:errcheck // what matters of it comes out of rows.Err
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]string
	for rows.Next() {
		all = append(all, scan(t, rows, len(columns)))
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return all
}

func scan(t testing.TB, rows *sql.Rows, columns int) []string {
	t.Helper()
	fields, into := make([]sql.NullString, columns), make([]any, columns)
	for i := range fields {
		into[i] = &fields[i]
	}
	if err := rows.Scan(into...); err != nil {
		t.Fatal(err)
	}
	row := make([]string, columns)
	for i, f := range fields {
		row[i] = f.String
	}
	return row
}

// age moves every time of a session, its requests and its checkout back.
func (b behind) age(t testing.TB, sessionID string, by time.Duration) {
	t.Helper()
	for _, table := range []struct{ name, times, where string }{
		{
			"sessions", "created_at starts_at expires_at accepted_at customer_joined_at mechanic_joined_at started_at ended_at",
			"id = $1",
		},
		{"session_requests", "created_at ended_at", "session_id = $1"},
		{
			"checkouts", "created_at updated_at retry_until",
			"id = (SELECT checkout_id FROM " + b.schema + "sessions WHERE id = $1)",
		},
	} {
		var sets []string
		for column := range strings.FieldsSeq(table.times) {
			sets = append(sets, column+" = "+fmt.Sprintf(b.earlier, column))
		}
		b.exec(t, "UPDATE "+b.schema+table.name+" SET "+strings.Join(sets, ", ")+" WHERE "+table.where,
			sessionID, by.Microseconds())
	}
}

// hold runs statements in a transaction that stays open until commit.
func (b behind) hold(t testing.TB, begin, end string, statements ...string) (commit func()) {
	t.Helper()
	conn, err := b.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // closed by commit, unless the test failed before it
	run := func(statement string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	run(begin)
	for _, s := range statements {
		run(s)
	}
	return func() {
		t.Helper()
		run(end)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}
