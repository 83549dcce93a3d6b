package storetest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var refunds = contract{
	"what is due back waits for the worker at once":           refundableAtOnce,
	"an attempt is counted, and kept from others for a while": attempts,
	"who waits longest is refunded first":                     refundableOrder,
	"what waits or is credited is summed by currency":         sumsTotals,
	"refunds that fail or are overdue are counted":            countsRefunds,
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

// step moves a checkout as the worker does.
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
