package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/curfewhq/curfew/sqlite"
)

func TestInspectNamesWhatBreaksPromises(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		corrupt func(t *testing.T, path string)
		fact    string
	}{
		"a sound file has no problem": {func(*testing.T, string) {}, ""},
		"a file that lost its write-ahead log": {
			func(t *testing.T, path string) { t.Helper(); must(t, path, "PRAGMA journal_mode = DELETE") }, "journal_mode",
		},
		"a file that somebody wrote into": {overwritten, "integrity"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "curfew.db")
			if err := migrated(t, path, sqlite.Options{Create: true}).Close(); err != nil {
				t.Fatal(err)
			}
			c.corrupt(t, path)
			facts, err := opened(t, path, sqlite.Options{}).Inspect(t.Context())
			if err != nil || len(facts) != 4 {
				t.Fatalf("%v, %v", facts, err)
			}
			for _, f := range facts {
				if wrong := f.Name == c.fact; wrong != (f.Problem != "") || wrong != (f.Fix != "") {
					t.Errorf("%s is %q: %q, fix %q", f.Name, f.Value, f.Problem, f.Fix)
				}
			}
		})
	}
}

// overwritten corrupts the last page, which holds rows.
func overwritten(t *testing.T, path string) {
	t.Helper()
	must(t, path, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
		INSERT INTO refusals (customer_id, id, session_id) SELECT 'kim', i, 's' FROM n`)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	copy(file[len(file)-page:], bytes.Repeat([]byte("ruined"), page))
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
}
