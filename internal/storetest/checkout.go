package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
)

var checkouts = contract{
	"a customer's checkouts are listed oldest first":                checkoutsOldestFirst,
	"the oldest credit of a plan is the first to be spent":          creditOldestFirst,
	"the oldest deferral is the first to be served":                 deferredOldestFirst,
	"servable is who has a deferral and a free slot":                servable,
	"servable begins with who waits longest":                        servableOldestFirst,
	"unsettled is what was deferred too long":                       unsettledDeferred,
	"unsettled is what another program left, with its session":      unsettledMoneyDue,
	"unsettled names the session whose ending left it so":           unsettledNewestEnding,
	"unsettled is oldest first, up to a limit, of one or everybody": unsettledOrder,
	"a checkout moves with its event":                               movesCheckout,
	"moving clears what was marked":                                 movesMoneyDue,
	"a missed outcome, version or customer changes nothing":         missesCheckout,
}

// move moves a checkout and sees that what it answers is what is stored.
func (s *scene) move(c curfew.Checkout, to curfew.Outcome) curfew.Checkout {
	s.Helper()
	got, err := s.Store.ChangeCheckout(s.Context(), curfew.CheckoutChange{From: c, To: to, Reason: "moved", Actor: shop})
	s.must(err)
	s.same("a change answers what is stored", got, s.checkout(c.CustomerID, c.ID))
	return got
}

// agedCheckout moves a checkout's times and those of its only session.
func (s *scene) agedCheckout(c curfew.Checkout, by time.Duration) curfew.Checkout {
	s.Helper()
	then := s.past(by)
	s.exec("UPDATE {checkouts} SET created_at = "+then+", updated_at = "+then+" WHERE id = $1", c.ID)
	return s.checkout(c.CustomerID, c.ID)
}

// late is a deferral whose retries ended so long ago.
func (s *scene) late(customer string, since time.Duration) curfew.Checkout {
	s.Helper()
	c := s.agedCheckout(s.deferred(customer, time.Hour), since+time.Hour)
	s.exec("UPDATE {checkouts} SET retry_until = "+s.past(since)+" WHERE id = $1", c.ID)
	return s.checkout(customer, c.ID)
}

// abandoned is a session that another program ended so long ago.
func (s *scene) abandoned(customer string, since time.Duration) curfew.Standing {
	s.Helper()
	c := ending(s.admit(customer), curfew.Cancelled, curfew.Foreign)
	c.Owed = ""
	st := s.change(c)
	s.exec("UPDATE {checkouts} SET money_due = true WHERE id = $1", st.CheckoutID)
	return s.aged(st, since)
}

// unsettled is the ids of unsettled checkouts.
func (s *scene) unsettled(customer string, limit int) []string {
	s.Helper()
	all, err := s.Store.Unsettled(s.Context(), customer, limit)
	s.must(err)
	var got []string
	for _, r := range all {
		got = append(got, r.Checkout.ID)
	}
	return got
}

func checkoutsOldestFirst(s *scene) {
	got, err := s.Store.Checkouts(s.Context(), "ada")
	s.must(err)
	s.same("checkouts of a stranger", got, []curfew.Checkout(nil))

	second, third := s.credited("ada"), s.deferred("ada", time.Hour)
	first := s.agedCheckout(s.credited("ada"), time.Hour)
	s.credited("bob")
	got, err = s.Store.Checkouts(s.Context(), "ada")
	s.must(err)
	s.same("checkouts", got, []curfew.Checkout{first, second, third})
}

func creditOldestFirst(s *scene) {
	_, err := s.Store.Credit(s.Context(), "ada", "chat10")
	s.kind(err, curfew.NotFound)
	second := s.credited("ada")
	first := s.agedCheckout(s.credited("ada"), time.Hour)
	s.deferred("ada", time.Hour)
	for _, want := range []curfew.Checkout{first, second} {
		got, err := s.Store.Credit(s.Context(), "ada", "chat10")
		s.must(err)
		s.same("the credit to spend", got, want)
		s.move(got, curfew.RefundDue)
	}
	for _, miss := range [][2]string{{"ada", "chat10"}, {"ada", "video15"}, {"bob", "chat10"}} {
		_, err := s.Store.Credit(s.Context(), miss[0], miss[1])
		s.kind(err, curfew.NotFound)
	}
}

func deferredOldestFirst(s *scene) {
	_, err := s.Store.Deferred(s.Context(), "ada")
	s.kind(err, curfew.NotFound)
	s.credited("ada")
	second := s.deferred("ada", time.Hour)
	first := s.agedCheckout(s.deferred("ada", time.Hour), time.Minute)
	for _, want := range []curfew.Checkout{first, second} {
		got, err := s.Store.Deferred(s.Context(), "ada")
		s.must(err)
		s.same("the deferral to serve", got, curfew.Receipt{Checkout: want, Now: got.Now})
		s.move(got.Checkout, curfew.RefundDue)
	}
	_, err = s.Store.Deferred(s.Context(), "ada")
	s.kind(err, curfew.NotFound)
}

func servable(s *scene) {
	for _, customer := range []string{"free", "appointed", "waiting", "live", "refunded"} {
		s.deferred(customer, time.Hour)
	}
	s.scheduled("appointed")
	s.admit("waiting")
	s.live("live", "max")
	s.move(s.deferred("refunded too", time.Hour), curfew.RefundDue)
	refunded, err := s.Store.Deferred(s.Context(), "refunded")
	s.must(err)
	s.move(refunded.Checkout, curfew.RefundDue)
	got, err := s.Store.Servable(s.Context(), 9)
	s.must(err)
	s.same("servable", got, []string{"free", "appointed"})
}

func servableOldestFirst(s *scene) {
	for i, customer := range []string{"bob", "ada", "cyd"} {
		s.agedCheckout(s.deferred(customer, time.Hour), time.Duration(i)*time.Minute)
	}
	s.deferred("ada", time.Hour)
	for limit, want := range map[int][]string{9: {"cyd", "ada", "bob"}, 2: {"cyd", "ada"}} {
		got, err := s.Store.Servable(s.Context(), limit)
		s.must(err)
		s.same("servable", got, want)
	}
}

func unsettledDeferred(s *scene) {
	s.deferred("ada", time.Hour)
	s.credited("ada")
	s.same("unsettled", s.unsettled("", 9), []string(nil))
	c := s.late("ada", time.Minute)
	got, err := s.Store.Unsettled(s.Context(), "ada", 9)
	s.must(err)
	s.same("what was deferred too long", got, []curfew.Receipt{{Checkout: c}}, cmpopts.IgnoreFields(curfew.Receipt{}, "Now"))
	s.move(c, curfew.RefundDue)
	s.same("unsettled after its refund", s.unsettled("", 9), []string(nil))
}

func unsettledMoneyDue(s *scene) {
	st := s.abandoned("ada", time.Minute)
	got, err := s.Store.Unsettled(s.Context(), "ada", 9)
	s.must(err)
	s.same("unsettled", len(got), 1)
	s.same("its checkout", got[0].Checkout, s.paidBy(st))
	s.same("its session", got[0].Session, st.Session)
	s.around("now", got[0].Now, time.Now())
}

func unsettledNewestEnding(s *scene) {
	c := s.credited("ada")
	st, err := s.Store.Admit(s.Context(), spending(c))
	s.must(err)
	end := ending(st, curfew.Cancelled, curfew.Foreign)
	end.Owed = ""
	second := s.change(end)
	s.exec("UPDATE {checkouts} SET money_due = true WHERE id = $1", c.ID)
	got, err := s.Store.Unsettled(s.Context(), "", 9)
	s.must(err)
	s.same("unsettled", len(got), 1)
	s.same("the session whose ending left it so", got[0].Session, second.Session)
}

func unsettledOrder(s *scene) {
	third := s.late("ada", time.Minute)
	first := s.abandoned("bob", 5*time.Hour)
	second := s.late("cyd", 2*time.Hour)
	all := []string{first.CheckoutID, second.ID, third.ID}
	s.same("everybody's", s.unsettled("", 9), all)
	s.same("the two oldest", s.unsettled("", 2), all[:2])
	s.same("one customer's", s.unsettled("cyd", 9), all[1:2])
	s.same("a stranger's", s.unsettled("dan", 9), []string(nil))
}

func movesCheckout(s *scene) {
	before := s.credited("ada")
	got := s.move(before, curfew.RefundDue)
	want := before
	want.Outcome, want.RefundAmount, want.Version, want.UpdatedAt = curfew.RefundDue, 990, 3, got.UpdatedAt
	s.same("the moved checkout", got, want)
	if !got.UpdatedAt.After(before.UpdatedAt) {
		s.Errorf("moved at %s, before that at %s", got.UpdatedAt, before.UpdatedAt)
	}
	customer := curfew.Actor{Role: curfew.Customer, ID: "ada"}
	s.history("ada", before.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "credited", Actor: customer, Reason: "cancelled"},
		curfew.Event{To: "refund_due", Actor: shop, Reason: "moved"})
}

func movesMoneyDue(s *scene) {
	c := s.paidBy(s.abandoned("ada", 0))
	s.same("marked", c.MoneyDue, true)
	s.same("marked after it was settled", s.move(c, curfew.Credited).MoneyDue, false)
	s.same("unsettled", s.unsettled("", 9), []string(nil))
}

func missesCheckout(s *scene) {
	c := s.credited("ada")
	for _, miss := range []func(*curfew.Checkout){
		func(c *curfew.Checkout) { c.Outcome = curfew.Fulfilled },
		func(c *curfew.Checkout) { c.Version-- },
		func(c *curfew.Checkout) { c.Version++ },
		func(c *curfew.Checkout) { c.CustomerID = "bob" },
		func(c *curfew.Checkout) { c.ID = newID() },
	} {
		from := c
		miss(&from)
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.ChangeCheckout(s.Context(), curfew.CheckoutChange{From: from, To: curfew.RefundDue, Reason: "x", Actor: shop})
			return err
		})
	}
}
