package curfew_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
)

// An unknown amount is not zero.
func TestWhatIsOwedSumsKnownAmounts(t *testing.T) {
	t.Parallel()
	f := curfew.CheckoutFigures{Totals: []curfew.CheckoutTotal{
		{Outcome: curfew.Deferred, Currency: "eur", Amount: 2900, Count: 1},
		{Outcome: curfew.RefundDue, Currency: "eur", Amount: 100, Count: 1},
		{Outcome: curfew.Held, Count: 2},
		{Outcome: curfew.Credited, Currency: "usd", Amount: 990, Count: 1},
	}}
	if diff := cmp.Diff(map[string]int64{"eur": 3000}, f.Owed()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
