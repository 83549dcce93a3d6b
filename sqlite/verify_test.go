package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/sqlite"
)

func TestLesson02_WhatTheSchemaLacksIsNamed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sql  string
		says []string
	}{
		"a table":               {"DROP TABLE previews", []string{"table previews", "column previews.body"}},
		"a column":              {"ALTER TABLE runs DROP COLUMN error", []string{"lacks column runs.error:"}},
		"an index":              {"DROP INDEX sessions_deadline", []string{"lacks index sessions_deadline:"}},
		"a trigger that counts": {"DROP TRIGGER tally_sessions_updated", []string{"lacks trigger tally_sessions_updated:"}},
		"everything at once": {
			"DROP INDEX sessions_id; DROP INDEX runs_newest; DROP INDEX checkouts_email; ALTER TABLE checkouts DROP COLUMN email",
			[]string{"index sessions_id", "index runs_newest", "column checkouts.email"},
		},
		"a pending migration":      {"DELETE FROM curfew_migrations WHERE version_id = 2", []string{"older", "1 of ", "run `curfew migrate`"}},
		"a schema of a newer one":  {"INSERT INTO curfew_migrations (version_id, is_applied) VALUES (99, 1); CREATE TABLE news (x); ALTER TABLE runs ADD COLUMN news TEXT", nil},
		"nothing":                  {"SELECT 1", nil},
		"guards that are switched": {"DROP TRIGGER guard_sessions_kept", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, path := fresh(t)
			must(t, path, test.sql)
			verified(t, s, test.says)
		})
	}
}

func verified(t *testing.T, s *sqlite.Store, says []string) {
	t.Helper()
	err := s.Verify(t.Context())
	if len(says) == 0 {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if !errors.Is(err, curfew.Invalid) {
		t.Fatalf("got %v", err)
	}
	for _, word := range says {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("it does not say %q: %v", word, err)
		}
	}
}

func TestVerify_TellsAnEmptyFileFromAnotherProgramsOne(t *testing.T) {
	t.Parallel()
	empty := opened(t, filepath.Join(t.TempDir(), "empty.db"), sqlite.Options{Create: true})
	verified(t, empty, []string{"no tables yet", "run `curfew migrate`"})

	path := filepath.Join(t.TempDir(), "other.db")
	must(t, path, "CREATE TABLE orders (id)")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	verified(t, opened(t, path, sqlite.Options{}), []string{"another program's", "table orders", "name another file"})
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("looking at it changed it, or %v", err)
	}
}

func TestVerify_MissesTheWriteAheadLogUntilMigrateBringsItBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "curfew.db")
	s, err := sqlite.Open(t.Context(), path, sqlite.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Migrate(t.Context())
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	must(t, path, "PRAGMA journal_mode = DELETE")
	s = opened(t, path, sqlite.Options{})
	verified(t, s, []string{"journal mode delete", "run `curfew migrate`"})
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	verified(t, s, nil)
	admit(t, s, "ada")
}

func TestMigrate_AppliesWhatIsPendingOnce(t *testing.T) {
	t.Parallel()
	s := opened(t, filepath.Join(t.TempDir(), "curfew.db"), sqlite.Options{Create: true})
	before, err := s.Migrations(t.Context())
	if err != nil || len(before) < 2 || !before[0].AppliedAt.IsZero() || before[1].Name != "tallies" {
		t.Fatalf("before: %+v, %v", before, err)
	}
	if !strings.Contains(before[0].SQL, "CREATE TABLE sessions") || strings.Contains(before[0].SQL, "+goose") {
		t.Errorf("the SQL of migration 1 is\n%s", before[0].SQL)
	}
	for _, want := range []int{len(before), 0} {
		applied, err := s.Migrate(t.Context())
		if err != nil || len(applied) != want {
			t.Fatalf("applied %+v, %v; want %d", applied, err, want)
		}
	}
	after, err := s.Migrations(t.Context())
	if err != nil || after[0].AppliedAt.IsZero() || after[1].AppliedAt.IsZero() {
		t.Errorf("after: %+v, %v", after, err)
	}
}

func TestMigrate_LeavesANewerSchemaAlone(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	must(t, path, "INSERT INTO curfew_migrations (version_id, is_applied) VALUES (99, 1); DROP TRIGGER guard_events_kept")
	applied, err := s.Migrate(t.Context())
	if err != nil || len(applied) != 0 {
		t.Errorf("applied %+v, %v", applied, err)
	}
	if n := must(t, path, "SELECT count(*) FROM sqlite_schema WHERE name = 'guard_events_kept'"); n != "0" {
		t.Error("it put an older guard back")
	}
	admit(t, s, "ada")
}
