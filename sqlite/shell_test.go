package sqlite_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shell runs SQL on a store's file by the sqlite3 program, as another program
// would: with an older library than ours, knowing nothing of Curfew.
func shell(t testing.TB, path, sql string) (string, error) {
	t.Helper()
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Fatal("the program sqlite3 is missing: run scripts/install-test-deps")
	}
	out, err := exec.CommandContext(t.Context(), program, "-batch", "-bail", path, sql).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func must(t testing.TB, path, sql string) string {
	t.Helper()
	out, err := shell(t, path, sql)
	if err != nil {
		t.Fatalf("%s: %v\n%s", sql, err, out)
	}
	return out
}

// refused fails unless the file refuses the SQL, saying all the words.
func refused(t testing.TB, path, sql string, words ...string) {
	t.Helper()
	before := must(t, path, ".dump")
	out, err := shell(t, path, sql)
	if err == nil {
		t.Fatalf("not refused: %s", sql)
	}
	for _, word := range words {
		if !strings.Contains(out, word) {
			t.Errorf("the refusal of %s does not say %q: %s", sql, word, out)
		}
	}
	if diff := cmp.Diff(before, must(t, path, ".dump")); diff != "" {
		t.Errorf("refused, but it changed something:\n%s", diff)
	}
}

// inMicros is a moment in SQL.
func inMicros(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).UnixMicro()) }

// insert is another program's INSERT of a waiting session.
func insert(customer, id string) string {
	return fmt.Sprintf("INSERT INTO sessions (customer_id, id, status, expires_at) VALUES ('%s', '%s', 'waiting', %s)",
		customer, id, inMicros(15*time.Minute))
}

// history is the events of a subject in short: number, from, to, actor, reason.
func history(t testing.TB, path, subject string) string {
	t.Helper()
	return must(t, path, `SELECT number || ' ' || from_status || '>' || to_status || ' ' || actor || ' ' || reason
		FROM events WHERE subject_id = '`+subject+`' AND length(id) = 36 AND at > 0 ORDER BY number`)
}
