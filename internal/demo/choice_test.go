package demo_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/internal/demo"
)

// plan is what some people choose, asked in the given order.
func plan(seed uint64, order []int) ([]demo.Purchase, []demo.Turn) {
	const each = 20
	purchases, turns := make([]demo.Purchase, each*len(order)), make([]demo.Turn, each*len(order))
	for _, who := range order {
		for n := range each {
			purchases[who*each+n] = demo.PurchaseOf(seed, who, n)
			turns[who*each+n] = demo.TurnOf(seed, who, n)
		}
	}
	return purchases, turns
}

func TestEverybodyChoosesTheSameAgainForTheSameSeed(t *testing.T) {
	t.Parallel()
	purchases, turns := plan(7, []int{0, 1, 2, 3, 4})
	purchasesAgain, turnsAgain := plan(7, []int{3, 0, 4, 2, 1}) // in whatever order things happen
	if diff := cmp.Diff(purchases, purchasesAgain); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(turns, turnsAgain); diff != "" {
		t.Error(diff)
	}
	others, othersTurns := plan(8, []int{0, 1, 2, 3, 4})
	if cmp.Equal(purchases, others) || cmp.Equal(turns, othersTurns) {
		t.Error("another seed, but the same choices")
	}
}

func TestNobodyIsTheCopyOfAnother(t *testing.T) {
	t.Parallel()
	pauses := map[time.Duration]bool{}
	for who := range 50 {
		for n := range 50 {
			pauses[demo.PurchaseOf(1, who, n).Pause] = true
			pauses[demo.TurnOf(1, who, n).Pause] = true
		}
	}
	if len(pauses) != 5000 {
		t.Errorf("5000 choices of a pause are only %d", len(pauses))
	}
}

// What the demonstration is about must happen in it.
func TestEverythingHappens(t *testing.T) {
	t.Parallel()
	purchases, turns := plan(1, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	for what, happens := range map[string]func(demo.Purchase) bool{
		"pays twice":                   func(v demo.Purchase) bool { return v.Twice > 0 },
		"does not come":                func(v demo.Purchase) bool { return v.Leaves },
		"loses patience":               func(v demo.Purchase) bool { return v.CancelAfter > 0 },
		"comes back":                   func(v demo.Purchase) bool { return v.Back > 0 },
		"a payment is told late":       func(v demo.Purchase) bool { return v.Late > 0 },
		"a payment is told at once":    func(v demo.Purchase) bool { return v.Late == 0 },
		"a payment is told thrice":     func(v demo.Purchase) bool { return len(v.Repeats) > 1 },
		"two reports at the same time": func(v demo.Purchase) bool { return slices.Contains(v.Repeats, 0) },
		"nothing special":              func(v demo.Purchase) bool { return v.Twice+v.Late+v.CancelAfter == 0 && v.Repeats == nil },
	} {
		if !slices.ContainsFunc(purchases, happens) {
			t.Errorf("never: %s", what)
		}
	}
	for _, behavior := range []demo.Behavior{demo.Helps, demo.Forgets, demo.Releases, demo.Vanishes, demo.Overruns} {
		if !slices.ContainsFunc(turns, func(t demo.Turn) bool { return t.Behavior == behavior }) {
			t.Errorf("no mechanic ever %s", behavior)
		}
	}
}
