package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain runs the readers of live streams when a section starts this program
// again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == readersCommand {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestEverySectionPrintsItsTable(t *testing.T) {
	t.Parallel()
	sections := names()
	if os.Getenv("CURFEW_TEST_POSTGRES") == "" {
		t.Log("without PostgreSQL only SQLite is tried: run scripts/with-postgres go -C bench test")
		sections = []string{"sqlite"}
	}
	var out bytes.Buffer
	err := bench(t.Context(), []string{"-short", "-slice=20ms", "-rounds=1", "-seed=1", "-overdue=600", "-only=" + strings.Join(sections, ",")}, &out)
	if err != nil {
		t.Fatalf("%v after:\n%s", err, &out)
	}
	for _, name := range sections {
		_, text, found := strings.Cut(out.String(), "## "+name)
		if text, _, _ = strings.Cut(text, "\n## "); !found || !strings.Contains(text, "|--") {
			t.Errorf("section %s has no table", name)
		}
	}
	t.Log(out.String())
}

func TestNobodyElseHasACustomersName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for stream := range 3 {
		for _, c := range crowd(7, stream, 8) {
			for range 100 {
				seen[c.next()] = true
			}
		}
	}
	if len(seen) != 3*8*100 {
		t.Errorf("%d names for %d customers", len(seen), 3*8*100)
	}
}

func TestTheWaysTakeTurnsAtBeingFirst(t *testing.T) {
	t.Parallel()
	var order []string
	_, err := interleave([]way{{name: "a"}, {name: "b"}}, 2, func(w way) (slice, error) {
		order = append(order, w.name)
		return slice{}, nil
	})
	if want := []string{"a", "b", "b", "a", "a", "b"}; err != nil || !slices.Equal(order, want) {
		t.Errorf("measured %v, %v; want %v", order, err, want)
	}
}

func TestFigures(t *testing.T) {
	t.Parallel()
	if got := median([]float64{9, 1, 3, 2}); got != 2.5 {
		t.Errorf("the median is %v, want 2.5", got)
	}
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i)
	}
	if got := percentile(hundred, .99); got != 100 {
		t.Errorf("p99 is %v, want the slowest of a hundred", got)
	}
	if got := ratio([]slice{{n: 2, took: 1}, {n: 9, took: 3}}, []slice{{n: 1, took: 1}, {n: 1, took: 1}}); got != 2.5 {
		t.Errorf("the ratio is %v, want the median of 2 and 3", got)
	}
}
