package console

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// «Nobody is blocked» is said only of tables that are looked at.
func TestWhomAdoptedTablesBlockIsTrue(t *testing.T) {
	t.Parallel()
	table := func(mode string) record.AdoptedTable {
		return record.AdoptedTable{Adoption: record.Adoption{Relation: "public.help", Mode: mode}}
	}
	blocks := func(n int) record.AdoptedTable {
		a := table(record.AdoptShadow)
		a.Count = n
		return a
	}
	found := func(mode, problem string, critical bool) record.AdoptedTable {
		a := table(mode)
		a.Findings = []record.Finding{{Problem: problem, Critical: critical}}
		return a
	}
	unread := table(record.AdoptShadow)
	unread.Unread = "it is gone"
	for want, all := range map[string][]record.AdoptedTable{
		"No table of yours is adopted.":                              nil,
		"Curfew reads none of your tables.":                          {table(record.AdoptOff), table(record.AdoptOff)},
		"Nobody is blocked now. Curfew ends nothing in your tables.": {table(record.AdoptShadow), found(record.AdoptShadow, "a row is odd", false)},
		"Nobody is blocked.":                                         {table(record.AdoptEnforce), table(record.AdoptOff)},
		"1 customer is blocked by an overdue session of yours.":      {blocks(1), found(record.AdoptShadow, "nobody reads public.help", true)},
		"Cannot tell: public.help cannot be read.":                   {blocks(2), unread},
		"Nobody reads public.help.":                                  {table(record.AdoptEnforce), found(record.AdoptShadow, "nobody reads public.help", true)},
		"Help is enforced, but a trigger is gone.":                   {found(record.AdoptEnforce, "help is enforced, but a trigger is gone", true)},
	} {
		if got := adoptedState(all); got.Sentence != want {
			t.Errorf("%q, want %q, of %+v", got.Sentence, want, all)
		}
	}
}

// A table that was never read, or is none of this process's, is not said to have been.
func TestAnAdoptedTableTellsOnlyWhatIsKnown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	mode := func(mode string, since, read time.Time) record.Adoption {
		return record.Adoption{Name: "help", Relation: "public.help", Mode: mode, Since: since, ReadAt: read, Now: now}
	}
	for sentence, row := range map[string]struct {
		of   record.Adoption
		want string
	}{
		"never adopted":       {mode(record.AdoptOff, time.Time{}, time.Time{}), ""},
		"off, after all":      {mode(record.AdoptOff, now, now), "In this mode since. "},
		"shadow, not read":    {mode(record.AdoptShadow, now, time.Time{}), "In this mode since. Last read never. "},
		"shadow":              {mode(record.AdoptShadow, now, now), "In this mode since. Last read. "},
		"its triggers tell":   {mode(record.AdoptEnforce, now, time.Time{}), "In this mode since. "},
		"it was read earlier": {mode(record.AdoptEnforce, now, now.Add(-time.Hour)), "In this mode since. "},
	} {
		var got string
		for _, f := range adoptedCard(record.AdoptedTable{Adoption: row.of}).Facts[2:] {
			got += f.Name
			if f.Value != "" {
				got += " " + f.Value
			}
			got += ". "
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", sentence, got, row.want)
		}
	}
	a := record.AdoptedTable{Adoption: record.Adoption{Relation: "public.help"}}
	if got := rowQuery(a, "it's"); got != "" {
		t.Errorf("the query for a row with an unknown id column: %s", got)
	}
	a.ID = `"id"`
	if got := rowQuery(a, "it's"); got != `SELECT * FROM public.help WHERE "id" = 'it''s'` {
		t.Error(got)
	}
}
