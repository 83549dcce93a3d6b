package storetest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
)

var refunds = contract{
	"what is due back waits for the worker at once":           refundableAtOnce,
	"an attempt is counted, and kept from others for a while": attempts,
	"who waits longest is refunded first":                     refundableOrder,
	"the most that was given back is kept":                    keepsRepayments,
	"a dispute is kept, before and after what was given back": keepsDisputes,
	"what waits or is credited is summed by currency":         sumsTotals,
	"refunds that fail or are overdue are counted":            countsRefunds,
}

// refundable is the ids of what the worker may do.
func (s *scene) refundable(limit int) []string {
	s.Helper()
	all, err := s.Store.Refundable(s.Context(), limit)
	s.must(err)
	var got []string
	for _, c := range all {
		got = append(got, c.ID)
	}
	return got
}

// step moves a checkout as the worker does.
func (s *scene) refundStep(c curfew.CheckoutChange) curfew.Checkout {
	s.Helper()
	c.Actor, c.Reason = shop, "the worker"
	got, err := s.Store.ChangeCheckout(s.Context(), c)
	s.must(err)
	s.same("a change answers what is stored", got, s.checkout(c.From.CustomerID, c.From.ID))
	return got
}

func refundableAtOnce(s *scene) {
	s.credited("ada")
	s.deferred("bob", time.Hour)
	s.record("cyd", curfew.Held)
	s.same("refundable", s.refundable(9), []string(nil))
	due := s.move(s.credited("dan"), curfew.RefundDue)
	end := ending(s.admit("eve"), curfew.Cancelled, curfew.ByRefund)
	end.Owed = curfew.RefundDue
	settled := s.paidBy(s.change(end))
	s.same("refundable", s.refundable(9), []string{due.ID, settled.ID})
	s.same("the first", s.refundable(1), []string{due.ID})
}

func attempts(s *scene) {
	due := s.move(s.credited("ada"), curfew.RefundDue)
	first := s.refundStep(curfew.CheckoutChange{From: due, To: curfew.Refunding, Wait: time.Hour})
	s.around("the first try", first.FirstTryAt, time.Now())
	s.around("the next", first.NextAt, time.Now().Add(time.Hour))
	s.same("attempts", first.Attempts, int64(1))
	s.same("refundable", s.refundable(9), []string(nil))

	second := s.refundStep(curfew.CheckoutChange{From: first, To: curfew.Refunding, Wait: time.Minute})
	s.same("the first try", second.FirstTryAt, first.FirstTryAt)
	refused := s.refundStep(curfew.CheckoutChange{From: second, To: curfew.RefundDue, Wait: time.Hour, Note: "no such payment"})
	s.same("refused", []any{refused.Attempts, refused.Note}, []any{int64(2), "no such payment"})
	s.same("refundable", s.refundable(9), []string(nil))
	s.exec("UPDATE {checkouts} SET next_at = "+s.past(time.Minute)+" WHERE id = $1", due.ID)
	s.same("refundable", s.refundable(9), []string{due.ID})

	third := s.refundStep(curfew.CheckoutChange{From: refused, To: curfew.Refunding, Wait: time.Minute})
	done := s.refundStep(curfew.CheckoutChange{From: third, To: curfew.Refunded, RefundID: "re-1"})
	s.same("done", []any{done.RefundID, done.Note, done.Attempts, done.NextAt}, []any{"re-1", "no such payment", int64(3), time.Time{}})
	s.same("refundable", s.refundable(9), []string(nil))
}

func refundableOrder(s *scene) {
	third := s.move(s.credited("ada"), curfew.RefundDue)
	second := s.move(s.credited("bob"), curfew.RefundDue)
	first := s.move(s.credited("cyd"), curfew.RefundDue)
	for since, c := range map[time.Duration]curfew.Checkout{time.Minute: third, time.Hour: second} {
		s.exec("UPDATE {checkouts} SET next_at = "+s.past(since)+" WHERE id = $1", c.ID)
	}
	s.same("refundable", s.refundable(9), []string{first.ID, second.ID, third.ID})
}

func keepsRepayments(s *scene) {
	_, err := s.Store.Repayment(s.Context(), "pi-1")
	s.kind(err, curfew.NotFound)
	for _, told := range []struct{ amount, kept int64 }{{500, 500}, {2900, 2900}, {1000, 2900}, {2900, 2900}} {
		want := curfew.Repayment{Amount: told.kept, Currency: "eur"}
		got, err := s.Store.Repaid(s.Context(), "pi-1", curfew.Repayment{ID: "re-1", Amount: told.amount, Currency: "eur"})
		s.must(err)
		s.same("kept", got, want)
		got, err = s.Store.Repayment(s.Context(), "pi-1")
		s.must(err)
		s.same("read", got, want)
	}
}

func keepsDisputes(s *scene) {
	for _, id := range []string{"pi-1", "pi-2"} {
		if id == "pi-2" { // the refund is told first
			_, err := s.Store.Repaid(s.Context(), id, curfew.Repayment{Amount: 500, Currency: "eur"})
			s.must(err)
		}
		for range 2 {
			s.must(s.Store.Dispute(s.Context(), id))
		}
		got, err := s.Store.Repayment(s.Context(), id)
		s.must(err)
		want := map[string]curfew.Repayment{"pi-1": {Disputed: true}, "pi-2": {Disputed: true, Amount: 500, Currency: "eur"}}[id]
		s.same("disputed", got, want)
		got, err = s.Store.Repaid(s.Context(), id, curfew.Repayment{Amount: 900, Currency: "eur"})
		s.must(err)
		s.same("given back later", got, curfew.Repayment{Disputed: true, Amount: 900, Currency: "eur"})
	}
}

func sumsTotals(s *scene) {
	s.same("of nothing", s.checkoutFigures().Totals, []curfew.CheckoutTotal(nil))
	for i, outcome := range []curfew.Outcome{curfew.Held, curfew.Held, curfew.Held, curfew.Refunded} {
		c := unrecorded("ada", outcome)
		c.Amount, c.Currency = int64(1000+i), []string{"eur", "chf", "eur", "eur"}[i]
		_, err := s.Store.Record(s.Context(), c, shop, "recorded")
		s.must(err)
	}
	currency := func(c curfew.Checkout, refund int, currency string) {
		s.exec(fmt.Sprintf("UPDATE {checkouts} SET amount = 990, refund_amount = %d, currency = '%s' WHERE id = $1", refund, currency), c.ID)
	}
	share := s.move(s.credited("bob"), curfew.RefundDue)
	currency(share, 7, "eur")
	currency(s.move(s.move(s.credited("dan"), curfew.RefundDue), curfew.Refunding), 0, "eur")
	currency(s.credited("cyd"), 0, "eur")
	currency(s.credited("eve"), 0, "eur")
	currency(s.credited("fay"), 0, "")
	currency(s.deferred("bob", time.Hour), 0, "usd")
	got := s.checkoutFigures()
	s.same("totals", got.Totals, []curfew.CheckoutTotal{
		{Outcome: curfew.Deferred, Currency: "usd", Amount: 990, Count: 1},
		{Outcome: curfew.Held, Currency: "chf", Amount: 1001, Count: 1},
		{Outcome: curfew.Held, Currency: "eur", Amount: 2002, Count: 2},
		{Outcome: curfew.Credited, Currency: "", Amount: 990, Count: 1},
		{Outcome: curfew.Credited, Currency: "eur", Amount: 1980, Count: 2},
		{Outcome: curfew.RefundDue, Currency: "eur", Amount: 7, Count: 1},
		{Outcome: curfew.Refunding, Currency: "eur", Amount: 990, Count: 1},
	})
	s.same("owed", got.Owed(), map[string]int64{"eur": 2999, "chf": 1001, "usd": 990})
	s.same("its share", s.checkout("bob", share.ID).Due(), int64(7))
}

func countsRefunds(s *scene) {
	due := s.move(s.credited("ada"), curfew.RefundDue)
	got := s.checkoutFigures()
	s.same("figures", []int{got.Failing, got.Overdue}, []int{0, 0})
	s.exec("UPDATE {checkouts} SET updated_at = "+s.past(2*time.Hour)+" WHERE id = $1", due.ID)
	got = s.checkoutFigures()
	s.same("figures", []int{got.Failing, got.Overdue}, []int{0, 1})
	for range curfew.RefundTries {
		due = s.refundStep(curfew.CheckoutChange{From: s.checkout("ada", due.ID), To: curfew.Refunding, Wait: time.Hour})
	}
	got = s.checkoutFigures()
	s.same("figures", []int{got.Failing, got.Overdue}, []int{1, 0})
	s.exec("UPDATE {checkouts} SET first_try_at = "+s.past(2*time.Hour)+" WHERE id = $1", due.ID)
	s.same("overdue", s.checkoutFigures().Overdue, 1)
	s.refundStep(curfew.CheckoutChange{From: s.checkout("ada", due.ID), To: curfew.Refunded})
	s.same("figures", s.checkoutFigures(), curfew.CheckoutFigures{}, cmpopts.IgnoreFields(curfew.CheckoutFigures{}, "ByOutcome", "Totals"))
}
