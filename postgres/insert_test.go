package postgres

import "testing"

func TestInsertRows(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		insert *insert
		n      int
		want   string
	}{
		"one row": {&insert{table: "t", columns: []string{"a"}}, 1, "INSERT INTO curfew.t (a) VALUES ($1)"},
		"parameters go on from row to row": {
			&insert{table: "t", columns: []string{"a", "b"}, values: map[string]string{"b": "$::text"}}, 3,
			"INSERT INTO curfew.t (a, b) VALUES ($1, $2::text), ($3, $4::text), ($5, $6::text)",
		},
		"a value has as many parameters as it needs, and one RETURNING": {
			&insert{table: "t", columns: []string{"a", "b", "c"}, values: map[string]string{"a": "1", "b": "$ + $"}, returning: "a"}, 2,
			"INSERT INTO curfew.t (a, b, c) VALUES (1, $1 + $2, $3), (1, $4 + $5, $6) RETURNING a",
		},
	} {
		for range 2 { // the second text is the one that was kept
			if got := c.insert.rows(c.n); got != c.want {
				t.Errorf("%s: got %s", sentence, got)
			}
		}
	}
}
