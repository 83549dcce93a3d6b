package sqlite

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func beating(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "curfew.db"), Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// behind runs a statement as another program would.
func (d *db) behind(t *testing.T, statement string) {
	t.Helper()
	if _, err := d.exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// storetest tries the tables that a backup holds; these are the others that the migrations make. The guards' may be
// missing, as they may be switched off, and the list of migrations is read at the start.
func TestAProcessCannotWriteWithoutATable(t *testing.T) {
	t.Parallel()
	s := beating(t)
	tables, err := many(t.Context(), s.db, value[string], `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'
		AND name NOT IN ('session_transitions', 'outcome_steps', 'curfew_migrations')`)
	if err != nil || len(tables) < 30 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, table := range tables {
		if slices.ContainsFunc(record.Tables(), func(of record.Table) bool { return of.Name == table }) {
			continue
		}
		s.behind(t, "ALTER TABLE "+table+" RENAME TO gone")
		if err := s.RecordHeartbeat(t.Context(), "one", time.Minute); curfew.KindOf(err) != curfew.Unavailable {
			t.Errorf("without the table %s it answers: %v", table, err)
		}
		s.behind(t, "ALTER TABLE gone RENAME TO "+table)
	}
	if err := s.RecordHeartbeat(t.Context(), "one", time.Minute); err != nil {
		t.Error(err)
	}
}

// A trigger that refuses every event refuses every change.
func TestAProcessCannotWriteWhereEventsAreRefused(t *testing.T) {
	t.Parallel()
	s := beating(t)
	s.behind(t, `CREATE TRIGGER refuse BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'no events today'); END`)
	if err := s.RecordHeartbeat(t.Context(), "one", time.Minute); err == nil || !strings.Contains(err.Error(), "no events today") {
		t.Errorf("it answers: %v", err)
	}
	s.behind(t, "DROP TRIGGER refuse")
	if err := s.RecordHeartbeat(t.Context(), "one", time.Minute); err != nil {
		t.Error(err)
	}
	if left, err := one(t.Context(), s.db, value[int64], "SELECT count(*) FROM events"); err != nil || left > 0 {
		t.Errorf("%d events are left, %v", left, err)
	}
}
