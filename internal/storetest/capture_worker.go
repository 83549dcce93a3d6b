package storetest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func stepsCapture(f *fixture) {
	st := f.change(acceptingDue(f.reserved("ada"), "max"))
	due := f.paidBy(st)
	first := f.annotate(record.Annotation{From: due, Capture: "capturing", Wait: time.Hour})
	f.around("the first try", first.FirstTryAt, time.Now())
	f.around("the next", first.NextAt, time.Now().Add(time.Hour))
	want := due
	want.Capture, want.Attempts, want.Version = "capturing", 1, 3
	f.same("asked, since the money was due", first, want, cmpopts.IgnoreFields(curfew.Checkout{}, "NextAt", "FirstTryAt"))
	f.same("capturable", f.capturable(9), []string(nil))

	second := f.annotate(record.Annotation{From: first, Capture: "capturing"})
	f.same("asked again", []any{second.Attempts, second.FirstTryAt, second.NextAt}, []any{int64(2), first.FirstTryAt, time.Time{}})
	f.same("capturable", f.capturable(9), []string{due.ID})
	noted := f.annotate(record.Annotation{From: second, Note: "the key is wrong"})
	f.same("a note", []any{noted.Capture, noted.Attempts, noted.NextAt, noted.UpdatedAt}, []any{"capturing", int64(2), second.NextAt, due.UpdatedAt})
	f.reports(reported(nil, due.Ref, "pi-1"))
	f.same("since when, once something was told", f.paidBy(st).UpdatedAt, due.UpdatedAt)

	for _, capture := range []string{"captured", "failed"} {
		done := f.annotate(record.Annotation{From: f.paidBy(st), Capture: capture, Wait: time.Hour})
		f.same(capture, []any{done.Capture, done.Attempts, done.FirstTryAt, done.NextAt}, []any{capture, int64(0), time.Time{}, time.Time{}})
		f.same("capturable", f.capturable(9), []string(nil))
	}

	end := endChange(f.reserved("bob"), curfew.Cancelled, curfew.ByRequest)
	freed := f.paidBy(f.change(end))
	for n := range int64(2) {
		freed = f.annotate(record.Annotation{From: freed, Capture: "releasing", Wait: time.Hour})
		f.same("tries to release", freed.Attempts, n+1)
	}
	done := f.annotate(record.Annotation{From: freed, Capture: "released"})
	f.same("released", []any{done.Outcome, done.Capture, done.Attempts, done.FirstTryAt, done.NextAt},
		[]any{curfew.Void, "released", int64(0), time.Time{}, time.Time{}})
	f.same("contradictions", f.linked(99), []curfew.Inconsistency(nil))
	for _, from := range missed(done) {
		f.refused(curfew.Conflict, func() error {
			return failed(f.Store.Annotate(f.Context(), record.Annotation{From: from, Capture: "released", Reason: "x", Actor: shop}))
		})
	}
}

// capturesDuplicate tests that a session for which a payment was made twice takes place, and that
// its money is captured once.
func capturesDuplicate(f *fixture) {
	first, second := f.reserved("ada"), f.reserved("bob")
	f.reports(reported(nil, f.paidBy(first).Ref, f.paidBy(second).Ref))
	f.annotate(record.Annotation{From: f.paidBy(second), Capture: "captured"})
	f.annotate(record.Annotation{From: f.paidBy(first), Capture: "released"})
	f.same("contradictions", f.linked(99), []curfew.Inconsistency(nil))
}

func changesCapture(f *fixture) {
	c := admission("ada").Checkout
	c.Capture = "authorised"
	r, err := f.Store.Defer(f.Context(), c, shop, time.Hour)
	f.must(err)
	void := f.refundStep(record.CheckoutChange{From: r.Checkout, To: curfew.Void, Capture: "releasing"})
	f.same("released", []any{void.Outcome, void.Capture, void.RefundAmount}, []any{curfew.Void, "releasing", int64(0)})
	f.same("capturable", f.capturable(9), []string{c.ID})

	st := f.change(acceptingDue(f.reserved("bob"), "max"))
	asked := f.annotate(record.Annotation{From: f.paidBy(st), Capture: "capturing", Wait: time.Hour})
	end := endChange(st, curfew.Cancelled, curfew.ByRequest)
	end.Owed = curfew.RefundDue
	f.change(end)
	due := f.paidBy(st)
	f.same("still asked", []any{due.Capture, due.Attempts}, []any{"capturing", asked.Attempts})
	taken := f.refundStep(record.CheckoutChange{From: due, To: curfew.RefundDue, Capture: "captured"})
	f.same("captured", []any{taken.Capture, taken.Attempts, taken.FirstTryAt, taken.NextAt, taken.RefundAmount},
		[]any{"captured", int64(0), time.Time{}, time.Time{}, int64(990)})
	again := f.refundStep(record.CheckoutChange{From: taken, To: curfew.Refunding})
	f.same("left alone", []any{again.Capture, again.Attempts}, []any{"captured", int64(1)})
}

func settlesConcern(f *fixture) {
	for i, capture := range []string{"captured", "failed"} {
		c := f.paidBy(f.captured(fmt.Sprint("customer-", i), "capturing"))
		c = f.annotate(record.Annotation{From: c, Concern: record.CaptureFailed})
		c = f.annotate(record.Annotation{From: c, Capture: "capturing"})
		f.same("asked again", c.Concern, record.CaptureFailed)
		c = f.annotate(record.Annotation{From: c, Note: "noted"})
		f.same("noted", c.Concern, record.CaptureFailed)
		c = f.annotate(record.Annotation{From: c, Capture: capture})
		f.same(capture, c.Concern, "")
		c = f.annotate(record.Annotation{From: c, Concern: record.PaymentLost})
		f.same("another", f.annotate(record.Annotation{From: c, Capture: capture}).Concern, record.PaymentLost)
	}
}

func capturableOrder(f *fixture) {
	for i, capture := range []string{"", "authorised", "captured", "failed"} {
		f.captured(fmt.Sprint("customer-", i), capture)
	}
	third, second := f.paidBy(f.captured("ada", "due")), f.paidBy(f.captured("bob", "capturing"))
	later := f.paidBy(f.captured("cyd", "due"))
	first := f.paidBy(f.change(endChange(f.reserved("dan"), curfew.Cancelled, curfew.ByRequest)))
	for since, c := range map[time.Duration]curfew.Checkout{time.Minute: third, time.Hour: second, 2 * time.Hour: first} {
		f.exec("UPDATE {checkouts} SET next_at = "+f.past(since)+" WHERE id = $1", c.ID)
	}
	f.annotate(record.Annotation{From: later, Capture: "capturing", Wait: time.Hour})
	f.same("capturable", f.capturable(9), []string{first.ID, second.ID, third.ID})
	f.same("the first", f.capturable(1), []string{first.ID})
	f.paymentApart(f.checkout("dan", first.ID))
	f.same("one is set apart", f.capturable(9), []string{second.ID, third.ID})
	f.same("and is read", f.quarantined(), []string{"dan payment"})
	f.annotate(record.Annotation{From: f.checkout("dan", first.ID), Capture: "releasing"})
	f.same("it has moved", f.capturable(9), []string{first.ID, second.ID, third.ID})
	f.same("and is set apart no more", f.quarantined(), []string{})
}

func capturesBeforeRefund(f *fixture) {
	for i, capture := range []string{"due", "capturing"} {
		st := f.captured(fmt.Sprint("customer-", i), capture)
		f.exec("UPDATE {checkouts} SET capture = 'capturing' WHERE id = $1", st.CheckoutID)
		end := endChange(st, curfew.Cancelled, curfew.ByRequest)
		end.Owed = curfew.RefundDue
		f.change(end)
		f.exec("UPDATE {checkouts} SET capture = $1 WHERE id = $2", capture, st.CheckoutID)
		f.same("refundable", f.refundable(9), []string(nil))
		f.annotate(record.Annotation{From: f.paidBy(st), Capture: "captured"})
		f.same("refundable", f.refundable(9), []string{st.CheckoutID})
		f.refundStep(record.CheckoutChange{From: f.paidBy(st), To: curfew.Refunding, Wait: time.Hour})
	}
}

func countsCaptures(f *fixture) {
	f.reserved("ada")
	f.captured("bob", "captured")
	got := f.checkoutFigures()
	f.same("none", []any{got.Capturing, got.OldestCapture}, []any{0, time.Duration(0)})
	f.captured("cyd", "capturing")
	f.captured("dan", "due")
	freed := f.paidBy(f.change(endChange(f.reserved("eve"), curfew.Cancelled, curfew.ByRequest)))
	f.exec("UPDATE {checkouts} SET updated_at = "+f.past(time.Hour)+" WHERE id = $1", freed.ID)
	got = f.checkoutFigures()
	f.same("captures", got.Capturing, 3)
	f.around("the oldest", time.Now().Add(-got.OldestCapture), time.Now().Add(-time.Hour))
	f.same("unsettled", got.OldestUnsettled, time.Duration(0))
}

func listsConcerns(f *fixture) {
	want := map[string]int64{record.RefundFailed: 0, record.PaymentLost: 2, record.Disagreement: 0, record.CaptureFailed: 1}
	var lost []curfew.Checkout
	for _, customer := range []string{"ada", "bob"} {
		lost = append(lost, f.annotate(record.Annotation{From: f.paidBy(f.admit(customer)), Concern: record.PaymentLost}))
	}
	failing := f.annotate(record.Annotation{From: f.paidBy(f.captured("bob-2", "due")), Concern: record.CaptureFailed})
	f.admit("cyd")
	f.same("by concern", f.checkoutFigures().ByConcern, want)
	for sentence, c := range map[string]struct {
		search curfew.CheckoutSearch
		want   []curfew.Checkout
	}{
		"a concern":              {curfew.CheckoutSearch{Concern: record.PaymentLost}, lost},
		"another":                {curfew.CheckoutSearch{Concern: record.CaptureFailed}, []curfew.Checkout{failing}},
		"of none":                {curfew.CheckoutSearch{Concern: record.RefundFailed}, nil},
		"a page behind":          {curfew.CheckoutSearch{Concern: record.PaymentLost, After: lost[0].ID}, lost[1:]},
		"a concern and outcome":  {curfew.CheckoutSearch{Concern: record.PaymentLost, Outcome: curfew.Fulfilled}, lost},
		"a waiting outcome":      {curfew.CheckoutSearch{Concern: record.PaymentLost, Outcome: curfew.Held}, nil},
		"a concern and customer": {curfew.CheckoutSearch{Concern: record.PaymentLost, CustomerID: "bob"}, lost[1:]},
		"a concern and address":  {curfew.CheckoutSearch{Concern: record.PaymentLost, Email: "ada@example.org"}, lost},
	} {
		c.search.Limit = 9
		got, err := f.Store.ListCheckouts(f.Context(), c.search)
		f.must(err)
		f.same(sentence, got, c.want)
	}
}

func keepsCheckout(f *fixture) {
	st := f.change(endChange(f.reserved("ada"), curfew.Cancelled, curfew.ByRequest))
	if f.try("DELETE FROM {checkouts} WHERE id = $1", st.CheckoutID) == "" {
		f.Fatal("a checkout was deleted while its money was being released")
	}
	f.annotate(record.Annotation{From: f.paidBy(st), Capture: "released"})
	f.corrupt("DELETE FROM {checkouts} WHERE id = $1", st.CheckoutID)
}
