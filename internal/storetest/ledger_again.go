package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
)

// reportsAgain tests that a repeated report only confirms what is known. The payment does not
// change, but facts that arrive late are compared with the later time.
func reportsAgain(f *fixture) {
	c := f.paidBy(f.admit("ada"))
	at := time.Now().UTC().Truncate(time.Second)
	facts := func(after time.Duration, dispute string) []curfew.Fact {
		return []curfew.Fact{
			paid("ch-1", 1000, at),
			{Kind: "refund_total", Object: "ch-1", State: "total", Currency: "eur", At: at.Add(after)},
			{Kind: "dispute", Object: "du-1", State: dispute, Amount: 1000, Currency: "eur", At: at.Add(after)},
		}
	}
	first := f.reports(reported(facts(0, "won"), c.Ref))
	f.must(f.Store.Judged(f.Context(), first.ID, first.Version))
	again := f.reports(reported(facts(time.Hour, "won"), c.Ref))
	f.same("its version", again.Version, first.Version)
	f.same("its checkout", again.Checkouts, first.Checkouts)
	f.same("nothing is to be settled", f.unjudged(), []string(nil))
	for _, fact := range again.Facts {
		if fact.Kind != "attempt" {
			f.same("since when it holds", fact.At, at.Add(time.Hour))
		}
	}
	late := f.reports(reported(facts(time.Minute, "under_review")[2:], c.Ref))
	f.same("what is told late", late.Money().Disputed, int64(0))
	f.same("and is news all the same", late.Version, first.Version+1)
	f.history("ada", c.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"}, curfew.Event{To: "fulfilled", Actor: curfew.Provider, Reason: "told"},
		curfew.Event{To: "fulfilled", Actor: curfew.Provider, Reason: "told"})
}
