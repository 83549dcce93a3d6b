package mapping_test

import (
	"testing"

	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// FuzzParse looks for a mapping that is taken, and is none.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		full, "", "adopt: {}", "adopt: {sessions: {}}", "sessions: {table: s, id: id}", "[]", "adopt: {? [a] : {table: t}}", "adopt: {'': {table: t}}", "adopt:\n  s: &s\n    table: t\n  u: *s\n",
		"adopt: {s: {table: a.b.c, id: [x, x], status: {column: s, waiting: [1, true, null]}}}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tables, err := mapping.Parse([]byte(text))
		if err != nil {
			if err.Error() == "" {
				t.Errorf("nothing is said about %q", text)
			}
			return
		}
		for _, table := range tables {
			if err := table.Check(); err != nil {
				t.Errorf("%q is taken: %v", text, err)
			}
		}
	})
}
