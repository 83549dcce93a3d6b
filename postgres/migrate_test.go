package postgres

import (
	"strings"
	"sync"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/pgtest"
)

func emptyWorld(t *testing.T) *world {
	t.Helper()
	url := pgtest.Database(t)
	return &world{t, url, open(t, url)}
}

func TestFourMigrateAtOnce(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	applied := make([]int, 4)
	var all sync.WaitGroup
	for i := range applied {
		s := open(t, w.url)
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
	w.must(err)
	w.same("migrations applied by all", total, len(known))
	w.must(w.store.Verify(t.Context()))
	w.missing()
	w.admit("ada")
}

func TestMigrationsAreListedWithoutAWrite(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	before, err := w.store.Migrations(t.Context())
	w.must(err)
	w.same("schemas", w.only(`SELECT count(*) FROM pg_namespace WHERE nspname = 'curfew'`), "0")
	last := int64(0)
	for _, m := range before {
		if m.Number <= last || !m.AppliedAt.IsZero() || !strings.Contains(m.SQL, "curfew.") || strings.Contains(m.SQL, "+goose") {
			t.Errorf("migration %d %s applied %s:\n%s", m.Number, m.Name, m.AppliedAt, m.SQL)
		}
		last = m.Number
	}
	done, err := w.store.Migrate(t.Context())
	w.must(err)
	w.same("applied", len(done), len(before))
	for _, m := range done {
		if m.AppliedAt.IsZero() {
			t.Errorf("migration %s has no time", m.Name)
		}
	}
	again, err := w.store.Migrate(t.Context())
	w.must(err)
	w.same("applied again", len(again), 0)
}

// What --dry-run prints makes the same schema by another program's hand.
func TestPrintedMigrationsRunInPsql(t *testing.T) {
	t.Parallel()
	w := emptyWorld(t)
	all, err := w.store.Migrations(t.Context())
	w.must(err)
	for _, m := range all {
		w.writes("BEGIN;" + m.SQL + "COMMIT")
	}
	w.same("tables", w.only(`SELECT count(*) FROM pg_tables WHERE schemaname = 'curfew'`), w.only(`SELECT $1::int`, len(columns)))
}

func TestTalliesBeginWithWhatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.late("open")
	for _, customer := range []string{"ada", "bob"} {
		_, err := w.store.Change(t.Context(), ending(w.admit(customer), curfew.Cancelled, curfew.ByRequest))
		w.must(err)
	}
	w.exec(`DROP TABLE curfew.tallies; `)
	for _, name := range w.rows(`SELECT p.oid::regprocedure::text FROM pg_proc p WHERE proname LIKE 'tally%'`) {
		w.exec(`DROP FUNCTION ` + name + ` CASCADE`)
	}
	all, err := w.store.Migrations(t.Context())
	w.must(err)
	w.exec(all[1].SQL)
	w.wantCounted()
}
