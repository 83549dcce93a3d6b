package adopt

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// Every table of testdata can be planned with the mapping that inspect makes of it, in a database that
// does not know Curfew.
func TestTablesOfEveryShapeCanBePlanned(t *testing.T) {
	t.Parallel()
	for _, fixture := range slices.Sorted(maps.Keys(fixtures)) {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			_, conn := marketplace(t, fixture)
			text, err := os.ReadFile(filepath.Join("testdata", fixture+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			tables, err := mapping.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			p, err := readPlan(t.Context(), conn, tables[0], curfew.DefaultPolicy(), 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range p.Ends {
				if e.Status != "" && e.Wrong != "" {
					t.Errorf("%s: %s", e.Rule, e.Wrong)
				}
			}
			for _, b := range p.History {
				sound(t, b)
			}
			if p.Index != nil {
				run(t, conn, p.Index.SQL)
				if p, err = readPlan(t.Context(), conn, tables[0], curfew.DefaultPolicy(), 30); err != nil || p.Index != nil {
					t.Errorf("the index is proposed again: %+v, %v", p.Index, err)
				}
			}
		})
	}
}

// sound checks what is true of every backtest.
func sound(t *testing.T, b record.Backtest) {
	t.Helper()
	last := b.Sessions
	for _, h := range b.Thresholds {
		if h.Ended != h.Regrets+h.Never+h.Unclear || h.Ended > b.Sessions || h.Customers > h.Never {
			t.Errorf("%s: %d sessions, and after %d s %+v", b.Rule, b.Sessions, h.Seconds, h)
		}
		if h.Spared.Sum > h.Blocked.Sum || h.Blocked.Longest > h.Blocked.Sum || h.Never > 0 && h.Spared.Sum <= 0 {
			t.Errorf("%s: spans do not fit: %+v", b.Rule, h)
		}
		if !h.Policy && h.Ended > last {
			t.Errorf("%s: a longer threshold ends more: %+v", b.Rule, h)
		}
		if !h.Policy {
			last = h.Ended
		}
	}
}
