package storetest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var refunds = contract{
	"a due refund is ready for the worker at once":               refundableAtOnce,
	"an attempt is counted, and reserves the refund for a while": attempts,
	"the refund that has waited longest comes first":             refundableOrder,
	"waiting and credited money is summed by currency":           sumsTotals,
	"refunds that fail or are overdue are counted":               countsRefunds,
	"credits are read by age, page by page":                      readsStaleCredits,
	"a report about a credit does not change its age":            keepsCreditsAge,
}

// refundable returns the ids of the checkouts that the worker may refund.
func (f *paymentFixture) refundable(limit int) []string {
	f.Helper()
	all, err := f.Store.Refundable(f.Context(), limit)
	f.must(err)
	var got []string
	for _, c := range all {
		got = append(got, c.ID)
	}
	return got
}

// refundStep moves a checkout like the worker.
func (f *paymentFixture) refundStep(c record.CheckoutChange) curfew.Checkout {
	f.Helper()
	c.Actor, c.Reason = shop, "the worker"
	got, err := f.Store.ChangeCheckout(f.Context(), c)
	f.must(err)
	f.same("a change answers what is stored", got, f.checkout(c.From.CustomerID, c.From.ID))
	return got
}

func refundableAtOnce(f *fixture) {
	f.credited("ada")
	f.deferred("bob", time.Hour)
	f.record("cyd", curfew.Held)
	f.same("refundable", f.refundable(9), []string(nil))
	due := f.move(f.credited("dan"), curfew.RefundDue)
	end := endChange(f.admit("eve"), curfew.Cancelled, curfew.ByRefund)
	end.Owed = curfew.RefundDue
	settled := f.paidBy(f.change(end))
	f.same("refundable", f.refundable(9), []string{due.ID, settled.ID})
	f.same("the first", f.refundable(1), []string{due.ID})
}

func attempts(f *fixture) {
	due := f.move(f.credited("ada"), curfew.RefundDue)
	first := f.refundStep(record.CheckoutChange{From: due, To: curfew.Refunding, Wait: time.Hour})
	f.around("the first try", first.FirstTryAt, time.Now())
	f.around("the next", first.NextAt, time.Now().Add(time.Hour))
	f.same("attempts", first.Attempts, int64(1))
	f.same("refundable", f.refundable(9), []string(nil))

	second := f.refundStep(record.CheckoutChange{From: first, To: curfew.Refunding, Wait: time.Minute})
	f.same("the first try", second.FirstTryAt, first.FirstTryAt)
	refused := f.refundStep(record.CheckoutChange{From: second, To: curfew.RefundDue, Wait: time.Hour, Note: "no such payment"})
	f.same("refused", []any{refused.Attempts, refused.Note}, []any{int64(2), "no such payment"})
	f.same("refundable", f.refundable(9), []string(nil))
	f.exec("UPDATE {checkouts} SET next_at = "+f.past(time.Minute)+" WHERE id = $1", due.ID)
	f.same("refundable", f.refundable(9), []string{due.ID})

	third := f.refundStep(record.CheckoutChange{From: refused, To: curfew.Refunding, Wait: time.Minute})
	done := f.refundStep(record.CheckoutChange{From: third, To: curfew.Refunded, RefundID: "re-1"})
	f.same("done", []any{done.RefundID, done.Note, done.Attempts, done.NextAt}, []any{"re-1", "no such payment", int64(3), time.Time{}})
	f.same("refundable", f.refundable(9), []string(nil))
}

func refundableOrder(f *fixture) {
	third := f.move(f.credited("ada"), curfew.RefundDue)
	second := f.move(f.credited("bob"), curfew.RefundDue)
	first := f.move(f.credited("cyd"), curfew.RefundDue)
	for since, c := range map[time.Duration]curfew.Checkout{time.Minute: third, time.Hour: second} {
		f.exec("UPDATE {checkouts} SET next_at = "+f.past(since)+" WHERE id = $1", c.ID)
	}
	f.same("refundable", f.refundable(9), []string{first.ID, second.ID, third.ID})
}

func sumsTotals(f *fixture) {
	f.same("of nothing", f.checkoutFigures().Totals, []curfew.CheckoutTotal(nil))
	for i, outcome := range []curfew.Outcome{curfew.Held, curfew.Held, curfew.Held, curfew.Refunded} {
		c := unrecorded("ada", outcome)
		c.Amount, c.Currency = int64(1000+i), []string{"eur", "chf", "eur", "eur"}[i]
		_, err := f.Store.Record(f.Context(), c, shop, "recorded")
		f.must(err)
	}
	currency := func(c curfew.Checkout, refund int, currency string) {
		f.exec(fmt.Sprintf("UPDATE {checkouts} SET amount = 990, refund_amount = %d, currency = '%s' WHERE id = $1", refund, currency), c.ID)
	}
	share := f.move(f.credited("bob"), curfew.RefundDue)
	currency(share, 7, "eur")
	currency(f.move(f.move(f.credited("dan"), curfew.RefundDue), curfew.Refunding), 0, "eur")
	currency(f.credited("cyd"), 0, "eur")
	currency(f.credited("eve"), 0, "eur")
	currency(f.credited("fay"), 0, "")
	currency(f.deferred("bob", time.Hour), 0, "usd")
	got := f.checkoutFigures()
	f.same("totals", got.Totals, []curfew.CheckoutTotal{
		{Outcome: curfew.Deferred, Currency: "usd", Amount: 990, Count: 1},
		{Outcome: curfew.Held, Currency: "chf", Amount: 1001, Count: 1},
		{Outcome: curfew.Held, Currency: "eur", Amount: 2002, Count: 2},
		{Outcome: curfew.Credited, Currency: "", Amount: 990, Count: 1},
		{Outcome: curfew.Credited, Currency: "eur", Amount: 1980, Count: 2},
		{Outcome: curfew.RefundDue, Currency: "eur", Amount: 7, Count: 1},
		{Outcome: curfew.Refunding, Currency: "eur", Amount: 990, Count: 1},
	})
	f.same("owed", got.Owed(), map[string]int64{"eur": 2999, "chf": 1001, "usd": 990})
	f.same("its share", f.checkout("bob", share.ID).Due(), int64(7))
}

func countsRefunds(f *fixture) {
	due := f.move(f.credited("ada"), curfew.RefundDue)
	got := f.checkoutFigures()
	f.same("figures", []int{got.Failing, got.Overdue}, []int{0, 0})
	f.exec("UPDATE {checkouts} SET updated_at = "+f.past(2*time.Hour)+" WHERE id = $1", due.ID)
	got = f.checkoutFigures()
	f.same("figures", []int{got.Failing, got.Overdue}, []int{0, 1})
	for range record.RefundTries {
		due = f.refundStep(record.CheckoutChange{From: f.checkout("ada", due.ID), To: curfew.Refunding, Wait: time.Hour})
	}
	got = f.checkoutFigures()
	f.same("figures", []int{got.Failing, got.Overdue}, []int{1, 0})
	f.exec("UPDATE {checkouts} SET first_try_at = "+f.past(2*time.Hour)+" WHERE id = $1", due.ID)
	f.same("overdue", f.checkoutFigures().Overdue, 1)
	f.refundStep(record.CheckoutChange{From: f.checkout("ada", due.ID), To: curfew.Refunded})
	f.same("figures", f.checkoutFigures(), curfew.CheckoutFigures{}, cmpopts.IgnoreFields(curfew.CheckoutFigures{}, "ByOutcome", "ByConcern", "Totals"))
}

// staleCredits returns the credits older than a duration, read page by page.
func (f *paymentFixture) staleCredits(olderThan time.Duration, limit int) []string {
	f.Helper()
	var got []string
	var after curfew.Cursor
	for {
		page, err := f.Store.StaleCredits(f.Context(), olderThan, after, limit)
		f.must(err)
		for _, c := range page {
			f.same("a credit is read whole", c, f.checkout(c.CustomerID, c.ID))
			got = append(got, c.ID)
			after = curfew.Cursor{At: c.UpdatedAt, ID: c.ID}
		}
		if len(page) > limit || len(got) > 100 {
			f.Fatalf("a page of %d after %d credits, with a limit of %d", len(page), len(got), limit)
		}
		if len(page) == 0 {
			return got
		}
	}
}

// agedCredit returns a credit of the given age.
func (f *paymentFixture) agedCredit(customer string, by time.Duration) curfew.Checkout {
	f.Helper()
	c := f.credited(customer)
	f.Age(f.T, c.SessionID, by)
	return f.checkout(customer, c.ID)
}

func readsStaleCredits(f *fixture) {
	f.same("of an empty store", f.staleCredits(time.Minute, 9), []string(nil))
	second, first, apart := f.agedCredit("ada", time.Hour), f.agedCredit("bob", 2*time.Hour), f.agedCredit("cyd", 3*time.Hour)
	spent, young := f.agedCredit("dan", time.Hour), f.agedCredit("eve", time.Minute)
	f.move(spent, curfew.RefundDue)
	f.paymentApart(apart)
	same := f.agedCredit("fay", time.Hour)
	f.exec("UPDATE {checkouts} SET updated_at = (SELECT min(updated_at) FROM {checkouts} WHERE customer_id = 'ada') WHERE id = $1", same.ID)
	want := []string{first.ID, second.ID, same.ID} // of one moment by id
	for _, limit := range []int{1, 2, 9} {
		f.same(fmt.Sprintf("older than half an hour, in pages of %d", limit), f.staleCredits(30*time.Minute, limit), want)
	}
	f.same("older than a second", f.staleCredits(time.Second, 9), append(want, young.ID))
	f.same("older than a day", f.staleCredits(24*time.Hour, 9), []string(nil))
	f.same("set apart", f.quarantined(), []string{"cyd payment"})
	f.must(f.Store.LeaveQuarantine(f.Context()))
	f.same("it stays apart while it is a credit", f.quarantined(), []string{"cyd payment"})
}

func keepsCreditsAge(f *fixture) {
	c := f.agedCredit("ada", time.Hour)
	noted, err := f.Store.Annotate(f.Context(), record.Annotation{From: c, Reason: "seen", Note: "seen", Actor: shop})
	f.must(err)
	f.same("after a note", noted.UpdatedAt, c.UpdatedAt)
	f.reports(reported([]curfew.Fact{paid("ch-1", c.Amount, time.Now())}, c.Ref))
	f.same("after what a provider told", f.checkout("ada", c.ID).UpdatedAt, c.UpdatedAt)
}
