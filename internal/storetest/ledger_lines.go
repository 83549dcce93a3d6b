package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// ofThree returns a report of a payment that buys a plan three times.
func ofThree(c curfew.Checkout) record.PaymentReport {
	t := reported([]curfew.Fact{paid("ch-1", 2972, time.Now())}, c.Ref)
	t.Amount, t.Currency, t.Quantity, t.Plan = 2972, "eur", 3, c.Plan
	return t
}

func dividesPaid(f *fixture) {
	first := f.paidBy(f.admit("ada"))
	report := ofThree(first)
	l := f.reports(report)
	c := f.checkout("ada", first.ID)
	f.same("the first line", []any{c.Amount, record.LinesOf(c), c.Metadata["campaign"]}, []any{int64(992), record.Lines{Count: 3, Total: 2972}, first.Metadata["campaign"]})
	f.same("what is missing", l.Missing(), []int64{2, 3})
	f.reports(report)
	f.same("told again", f.checkout("ada", first.ID), c)
	other := f.paidBy(f.admit("bob"))
	t := ofThree(other)
	t.Plan = "video15"
	f.reports(t)
	f.same("of another plan", record.LinesOf(f.checkout("bob", other.ID)).Count, int64(1))
}

func dividesWhenAdmitted(f *fixture) {
	held := f.record("ada", curfew.Held)
	l := f.reports(ofThree(held))
	f.must(f.Store.Judged(f.Context(), l.ID, l.Version))
	held = f.checkout("ada", held.ID)
	f.same("it stands for all", []any{held.Amount, record.Undivided(held), l.Missing()}, []any{int64(2972), true, []int64(nil)})
	got, err := f.Store.Reassign(f.Context(), record.Reassignment{
		From: held, CustomerID: "ada", Plan: "video15", Amount: record.Divided(held).Amount, Retry: time.Hour, Reason: "repaired", Actor: shop,
	})
	f.must(err)
	f.same("its share", []any{got.Amount, got.RefundAmount, record.Undivided(got)}, []any{int64(992), int64(0), false})
	f.same("the other lines follow", f.unjudged(), []string{l.ID})
	f.same("what is missing", f.ledger(l.ID).Missing(), []int64{2, 3})
}

func creditsLine(f *fixture) {
	promised := f.record("ada", curfew.Promised)
	l := f.reports(ofThree(promised))
	promised = f.checkout("ada", promised.ID)
	first, err := f.Store.ChangeCheckout(f.Context(), record.CheckoutChange{
		From: promised, To: curfew.Credited, Amount: record.Divided(promised).Amount, Reason: curfew.ArrivedReason, Actor: shop,
	})
	f.must(err)
	f.same("the first line", []any{first.Amount, first.Outcome}, []any{int64(992), curfew.Credited})
	l = f.ledger(l.ID)
	for _, line := range l.Missing() {
		r, err := f.Store.Record(f.Context(), l.NewLine(first, line), shop, "recorded")
		f.must(err)
		f.same("its payment", []any{r.Checkout.Payment(), r.Checkout.Amount, record.Title(r.Checkout) != ""}, []any{l.ID, int64(990), true})
		f.history("ada", r.Checkout.ID, curfew.Event{To: "credited", Actor: shop, Reason: "recorded"})
		f.refused(curfew.Conflict, func() error { return failed(f.Store.Record(f.Context(), l.NewLine(first, line), shop, "recorded")) })
	}
	f.same("what is missing", f.ledger(l.ID).Missing(), []int64(nil))
	oldest, err := f.Store.Credit(f.Context(), "ada", first.Plan)
	f.must(err)
	f.same("the oldest credit", oldest.ID, first.ID)
	f.counted()
}
