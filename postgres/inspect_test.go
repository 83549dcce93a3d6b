package postgres

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/record"
)

func TestInspectNamesWhatBreaksPromises(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct{ do, fact, problem string }{
		"a sound database has no problem": {do: `SELECT 1`},
		"a commit that waits for the disk though the database says otherwise": {
			do: `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$`,
		},
		"a database that may only be read": {
			`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$`,
			"writable", "keeps no session",
		},
		"an index that was left invalid": {
			`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'curfew.sessions_one_open'::regclass`,
			"indexes", "keeps nothing unique",
		},
		"a schema in which everybody may put functions": {
			`GRANT CREATE ON SCHEMA public TO PUBLIC`, "search_path", "every database role may put functions there",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			url := migrated(t)
			if _, err := open(t, url).pool.Exec(t.Context(), c.do); err != nil {
				t.Fatal(err)
			}
			if c.fact == "search_path" {
				url += "&search_path=public" // else nothing is looked for there
			}
			facts, err := open(t, url+"&target_session_attrs=any").Inspect(t.Context()) // a new connection, which has the new settings
			if err != nil {
				t.Fatal(err)
			}
			onlyProblem(t, facts, c.fact, c.problem)
		})
	}
}

// onlyProblem: this fact has a problem with such words and a fix, and no other.
func onlyProblem(t *testing.T, facts []record.Fact, name, words string) {
	t.Helper()
	if len(facts) < 6 {
		t.Errorf("%d facts: %v", len(facts), facts)
	}
	for _, f := range facts {
		if f.Problem == "" && f.Name != name {
			continue
		}
		if f.Name != name || f.Fix == "" || !strings.Contains(f.Problem, words) {
			t.Errorf("%s is %q: %q, fix %q", f.Name, f.Value, f.Problem, f.Fix)
		}
	}
}
