package postgres

import (
	"strings"
	"sync"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/pgtest"
)

func emptyFixture(t *testing.T) *fixture {
	t.Helper()
	url := pgtest.Database(t)
	return &fixture{t, url, open(t, url)}
}

func TestFourMigrateAtOnce(t *testing.T) {
	t.Parallel()
	f := emptyFixture(t)
	applied := make([]int, 4)
	var all sync.WaitGroup
	for i := range applied {
		s := open(t, f.url)
		all.Go(func() {
			done, err := s.Migrate(t.Context())
			if err != nil {
				t.Error(err)
			}
			applied[i] = len(done)
		})
	}
	all.Wait()
	total := 0
	for _, n := range applied {
		total += n
	}
	known, err := embedded()
	f.must(err)
	f.same("migrations applied by all", total, len(known))
	f.must(f.store.Verify(t.Context()))
	f.missing()
	f.admit("ada")
}

func TestMigrationsAreListedWithoutAWrite(t *testing.T) {
	t.Parallel()
	f := emptyFixture(t)
	before, err := f.store.Migrations(t.Context())
	f.must(err)
	f.same("schemas", f.only(`SELECT count(*) FROM pg_namespace WHERE nspname = 'curfew'`), "0")
	last := int64(0)
	for _, m := range before {
		if m.Number <= last || !m.AppliedAt.IsZero() || !strings.Contains(m.SQL, "curfew.") || strings.Contains(m.SQL, "+goose") {
			t.Errorf("migration %d %s applied %s:\n%s", m.Number, m.Name, m.AppliedAt, m.SQL)
		}
		last = m.Number
	}
	done, err := f.store.Migrate(t.Context())
	f.must(err)
	f.same("applied", len(done), len(before))
	for _, m := range done {
		if m.AppliedAt.IsZero() {
			t.Errorf("migration %s has no time", m.Name)
		}
	}
	again, err := f.store.Migrate(t.Context())
	f.must(err)
	f.same("applied again", len(again), 0)
}

// What --dry-run prints makes the same schema by another program's hand.
func TestPrintedMigrationsRunInPsql(t *testing.T) {
	t.Parallel()
	f := emptyFixture(t)
	all, err := f.store.Migrations(t.Context())
	f.must(err)
	for _, m := range all {
		f.writes("BEGIN;" + m.SQL + "COMMIT")
	}
	f.same("tables", f.only(`SELECT count(*) FROM pg_tables WHERE schemaname = 'curfew'`), f.only(`SELECT $1::int`, len(columns)))
}

func TestTalliesBeginWithWhatIsThere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.late("open")
	for _, customer := range []string{"ada", "bob"} {
		_, err := f.store.Change(t.Context(), endChange(f.admit(customer), curfew.Cancelled, curfew.ByRequest))
		f.must(err)
	}
	f.exec(`DROP TABLE curfew.tallies; `)
	for _, name := range f.rows(`SELECT p.oid::regprocedure::text FROM pg_proc p WHERE proname LIKE 'tally%'`) {
		f.exec(`DROP FUNCTION ` + name + ` CASCADE`)
	}
	all, err := f.store.Migrations(t.Context())
	f.must(err)
	f.exec(all[1].SQL)
	f.wantCounted()
}
