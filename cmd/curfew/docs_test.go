package main

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/lifecycle"
)

// A walk runs a page's commands, in a folder with a running service and a
// waiting customer `kim`.
type walk struct {
	*testing.T
	dir, url string
	serve    *process
}

// begin starts a walk on PostgreSQL, as the pages assume.
func begin(t *testing.T) *walk {
	t.Helper()
	needPostgres(t)
	w := &walk{T: t, dir: t.TempDir(), url: pgtest.Database(t)}
	w.run("curfew migrate")
	w.pay("kim", "ref-kim")
	w.serve = serving(t, w.dir, []string{"CURFEW_DATABASE_URL=" + w.url})
	until(t.Context(), t, "a first sweep", func() bool {
		return exec.CommandContext(t.Context(), "curfew", "health", "--database-url", w.url).Run() == nil
	})
	return w
}

func (w *walk) pay(customer, ref string) {
	w.Helper()
	s := settings{config.Settings{DatabaseURL: config.DatabaseURL(w.url)}}
	db, err := s.open(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test's own
	keeper, err := lifecycle.New(db, lifecycle.Options{})
	if err == nil {
		_, err = keeper.Admission.FulfillCheckout(w.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"},
			lifecycle.Purchase{PaymentRef: ref, CustomerID: customer, Plan: "chat10"})
	}
	if err != nil {
		w.Fatal(err)
	}
}

// run runs lines as they are typed, and returns what they print. The first that
// fails ends it.
func (w *walk) run(lines string) string {
	w.Helper()
	out, err := w.shell("set -euo pipefail\n" + lines)
	if err != nil {
		w.Fatalf("%v\n%s", err, out)
	}
	return out
}

// look runs lines that may exit with 1 (there are issues) or 3 (blocked). Any
// other failure fails the test.
func (w *walk) look(lines string) string {
	w.Helper()
	script := "set -uo pipefail\n"
	for line := range strings.Lines(lines) {
		script += strings.TrimSuffix(line, "\n") + "\ncase $? in 0|1|3) ;; *) exit 99;; esac\n"
	}
	out, err := w.shell(script)
	if err != nil || strings.Contains(out, "curfew: ") { // a report of a failure
		w.Fatalf("%v\n%s", err, out)
	}
	return out
}

func (w *walk) shell(script string) (string, error) {
	if w.serve != nil {
		script = strings.NewReplacer("http://127.0.0.1:3001", w.serve.url, "http://127.0.0.1:3002", w.serve.ops).Replace(script)
	}
	cmd := exec.CommandContext(w.Context(), "bash", "-c", script)
	cmd.Dir, cmd.Env = w.dir, append(withoutSettings(os.Environ()), "CURFEW_DATABASE_URL="+w.url)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// page returns the commands of a page.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	lines := ""
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		lines += block[1]
	}
	if lines == "" {
		t.Fatalf("%s has no commands", name)
	}
	return lines
}

func (w *walk) says(out string, wants ...string) {
	w.Helper()
	for _, want := range wants {
		if !strings.Contains(out, want) {
			w.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestTheRolloutCanBeWalkedThrough(t *testing.T) {
	t.Parallel()
	w := begin(t)
	out := w.run(page(t, "rollout.md"))
	w.says(out, "Healthy.", "✓ backup", "Restored into sqlite:staging.db", "Every invariant holds.", "is up to date",
		"ready\n", `"outcome":"fulfilled"`, `"blocked":true`, "rollout is not blocked.")
	if strings.Contains(out, "✗") {
		t.Errorf("a line failed:\n%s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "staging.db*")); left != nil {
		t.Errorf("the copy is still there: %v", left)
	}
	w.says(w.run("curfew check kim || true"), "kim is blocked.") // a rollout ends nobody's session
}

// The schema has been migrated by the release after this one.
func TestTheRollbackCanBeWalkedThrough(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.run("curfew preflight --backup before-rollout")
	w.newerSchema()
	if err := w.serve.end(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	w.serve = serving(t, w.dir, []string{"CURFEW_DATABASE_URL=" + w.url}) // the last release's program
	w.pay("lou", "ref-lou")
	out := w.run(page(t, "rollback.md"))
	w.says(out, "✓ schema", "of a newer release", "Healthy.", "Restored into sqlite:restored.db", "Every invariant holds.")
}

func (w *walk) newerSchema() {
	w.Helper()
	for _, statement := range []string{
		`INSERT INTO curfew.curfew_migrations (version_id, is_applied) VALUES (9999, true)`,
		`ALTER TABLE curfew.sessions ADD COLUMN mood text NOT NULL DEFAULT 'fine'`,
		`CREATE TABLE curfew.moods (mood text PRIMARY KEY)`,
	} {
		w.psql(statement)
	}
}

func TestTroubleshootingCanBeWalkedThrough(t *testing.T) {
	t.Parallel()
	for complaint, c := range map[string]struct {
		bring func(w *walk)
		wants []string
	}{
		"Still blocked after a cleanup": {
			func(w *walk) {
				w.psql(`UPDATE curfew.sessions SET created_at = created_at - interval '5 minutes'`)
				w.run("curfew cleanup")
			},
			[]string{"kim is blocked.", "waiting", "free by itself", "Healthy.", "Nothing to clean up.", "kim is not blocked."},
		},
		"Sessions are stale at once": {
			func(w *walk) {
				w.stop()
				w.psql(`UPDATE curfew.sessions SET created_at = created_at - interval '2 hours', expires_at = expires_at - interval '2 hours'`)
			},
			[]string{"waiting_ttl", "within a second of the database's", "oldWaitingSessions", `"ageSeconds": 720`},
		},
		"The cleanup does not run": {
			func(w *walk) {
				w.psql(`UPDATE curfew.sessions SET expires_at = now() + interval '1 hour'`)
			},
			[]string{"last sweep", "curfew_sweeper_last_success_timestamp_seconds", "Nothing to clean up."},
		},
	} {
		t.Run(complaint, func(t *testing.T) {
			t.Parallel()
			w := begin(t)
			c.bring(w)
			w.says(w.look(section(t, "troubleshooting.md", complaint)), c.wants...)
		})
	}
}

// section returns the commands under one heading.
func section(t *testing.T, name, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no %q", name, heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	lines := ""
	for _, block := range shellBlock.FindAllStringSubmatch(rest, -1) {
		lines += block[1]
	}
	return lines
}

func (w *walk) stop() {
	w.Helper()
	if err := w.serve.end(os.Interrupt); err != nil {
		w.Fatal(err)
	}
}

// psql runs a statement as another program would.
func (w *walk) psql(statement string) {
	w.Helper()
	db, err := sql.Open("pgx", w.url)
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test's own
	if _, err := db.ExecContext(w.Context(), statement); err != nil {
		w.Fatal(err)
	}
}

// Every command in a runbook exists.
func TestTheRunbooksCommandsWork(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("no runbooks: %v", err)
	}
	w := begin(t)
	ran := map[string]bool{}
	for _, file := range files {
		for line := range strings.Lines(page(t, "runbooks/"+filepath.Base(file))) {
			if !ran[line] {
				ran[line] = true
				w.look(line)
			}
		}
	}
}
