package postgres

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
)

func TestVerifyKnowsWhatTheMigrationsMake(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.store.Verify(t.Context()))
	for what, c := range map[string]struct {
		sql  string
		want map[string]string
	}{
		"columns":  {selectColumns, columns},
		"indexes":  {selectIndexes, indexes},
		"triggers": {selectTriggers, triggers},
	} {
		there, err := f.store.namesByTable(t.Context(), c.sql)
		f.must(err)
		delete(there, "curfew_migrations") // the library's
		delete(there, "session_transitions")
		delete(there, "outcome_steps")
		got := make(map[string][]string)
		for table, names := range there {
			got[table] = slices.Sorted(maps.Keys(names))
		}
		want := make(map[string][]string)
		for table, names := range c.want {
			want[table] = slices.Sorted(slices.Values(strings.Fields(names)))
		}
		f.same(what, got, want)
	}
}

func TestVerifyNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		do   []string
		says []string
	}{
		"a dropped index": {
			[]string{`DROP INDEX curfew.sessions_one_open`},
			[]string{"index curfew.sessions.sessions_one_open"},
		},
		"an invalid index": {
			[]string{`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'curfew.sessions_deadline'::regclass`},
			[]string{"index curfew.sessions.sessions_deadline"},
		},
		"a dropped column and a dropped table, both at once": {
			[]string{`ALTER TABLE curfew.checkouts DROP COLUMN email`, `DROP TABLE curfew.previews`},
			[]string{"column curfew.checkouts.email", "table curfew.previews"},
		},
		"a switched off tally": {
			[]string{`ALTER TABLE curfew.sessions DISABLE TRIGGER tally_sessions_updated`},
			[]string{"trigger curfew.sessions.tally_sessions_updated"},
		},
		"an older schema": {
			[]string{`DELETE FROM curfew.curfew_migrations WHERE version_id = 2`},
			[]string{"00002_tallies", "run `curfew migrate`"},
		},
		"no schema": {
			[]string{`DROP SCHEMA curfew CASCADE`},
			[]string{"00001_tables, 00002_tallies", "run `curfew migrate`"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			for _, statement := range c.do {
				f.exec(statement)
			}
			err := f.store.Verify(t.Context())
			if !errors.Is(err, curfew.Invalid) {
				t.Fatalf("got error %v", err)
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q is not in: %s", text, err)
				}
			}
		})
	}
}

func TestVerifyNamesARoleWhoseReadsAreFiltered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	role := f.role()
	f.exec(`GRANT ALL ON ALL TABLES IN SCHEMA curfew TO ` + role)
	f.exec(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA curfew TO ` + role)
	f.exec(`ALTER ROLE ` + role + ` LOGIN`)
	address, err := url.Parse(f.url)
	f.must(err)
	address.User = url.User(strings.Trim(role, `"`))
	s := open(t, address.String())
	f.must(s.Verify(t.Context()))
	f.exec(`ALTER TABLE curfew.session_requests ENABLE ROW LEVEL SECURITY`)
	err = s.Verify(t.Context())
	if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "curfew.session_requests") || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("got error %v", err)
	}
	f.must(f.store.Verify(t.Context()))
	s.Close()
}

// A rollback of the binary must work: it meets a schema that it does not know.
func TestANewerSchemaIsAccepted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO curfew.curfew_migrations (version_id, is_applied) VALUES (99, true)`)
	f.exec(`ALTER TABLE curfew.sessions ADD COLUMN later text`)
	f.exec(`DROP TRIGGER guard_sessions_moved ON curfew.sessions`)
	f.must(f.store.Verify(t.Context()))
	done, err := f.store.Migrate(t.Context())
	f.must(err)
	f.same("applied", len(done), 0)
	f.missing("guard_sessions_moved") // a newer release's guards are its own
	f.admit("ada")
}
