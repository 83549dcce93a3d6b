package storetest

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/invariant"
)

// Checker is a statement that returns the rows that break an invariant; none if it holds.
type Checker struct {
	Name string
	SQL  string
}

// CheckInvariants fails t for every invariant that a row breaks.
func CheckInvariants(t testing.TB, h Harness) {
	t.Helper()
	for _, c := range Checkers(h.Schema) {
		if rows := h.Query(t, c.SQL); len(rows) > 0 {
			t.Errorf("invariant broken: %s: %d rows, the first is %s", c.Name, len(rows), strings.Join(rows[0], "|"))
		}
	}
}

// Checkers returns the invariants that can be checked on rows, numbered as in DESIGN, as SQL with
// the schema ("curfew." or "") before table names.
func Checkers(schema string) []Checker {
	var all []Checker
	for _, c := range invariant.Checks() {
		all = append(all, Checker{c.Name, tablesOf(schema, c.SQL)})
	}
	return all
}
