package httpapi_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the dump reads the file behind the store's back
)

// dump returns every row of every table, as text.
func (h *fixture) dump() string {
	h.Helper()
	db := h.database()
	var all strings.Builder
	for _, table := range column(h.T, db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		fmt.Fprintf(&all, "%s\n", table)
		for _, row := range rows(h.T, db, "SELECT * FROM "+table+" ORDER BY 1, 2") {
			fmt.Fprintf(&all, "  %s\n", row)
		}
	}
	return all.String()
}

// exec runs a statement behind the store's back.
func (h *fixture) exec(statement string, args ...any) {
	h.Helper()
	if _, err := h.database().ExecContext(h.Context(), statement, args...); err != nil {
		h.Fatal(err)
	}
}

func (h *fixture) database() *sql.DB {
	h.Helper()
	db, err := sql.Open("sqlite", "file:"+h.path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = db.Close() })
	return db
}

func column(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	var all []string
	for _, row := range rows(t, db, query) {
		all = append(all, strings.Trim(row, "[]"))
	}
	return all
}

func rows(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	found, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	names, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for found.Next() {
		row := make([]any, len(names))
		into := make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(row))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
