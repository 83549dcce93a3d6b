package adopt

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// Every table of testdata can be enforced, swept, written and released, however it names and types things.
func TestTablesOfEveryShapeAreEnforced(t *testing.T) {
	t.Parallel()
	for fixture := range fixtures {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			sql, err := os.ReadFile(filepath.Join("testdata", fixture+".sql"))
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join("testdata", fixture+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			mapped, err := mapping.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			m := newMarket(t, string(sql))
			a := m.adopted(mapped[0])
			before := m.schema()
			m.enforce(a)
			m.verified(a)
			swept := 0
			for again := true; again; { // a customer's next open row is mirrored when one has ended
				n, err := m.sweep(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				swept += n
				again = n > 0
			}
			m.verified(a)
			m.expect("triggers that failed", m.text(`SELECT string_agg(detail, ', ') FROM curfew.adoption_findings WHERE code = 'trigger_failed'`), "")
			t.Logf("%d rows ended of %s", swept, m.text(`SELECT count(*) FROM curfew.sessions`))
			m.holds()
			if err := a.Release(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			m.expect("their schema", m.schema(), before)
		})
	}
}
