package storetest

import (
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var checkouts = contract{
	"a customer's checkouts are listed oldest first":                                    checkoutsOldestFirst,
	"the oldest credit of a plan is the first to be spent":                              creditOldestFirst,
	"the oldest deferral is the first to be served":                                     deferredOldestFirst,
	"customers with a deferral and a free slot are servable":                            servable,
	"whoever has waited longest is servable first":                                      servableOldestFirst,
	"what was deferred too long is unsettled":                                           unsettledDeferred,
	"what another program left is unsettled, and listed with its session":               unsettledMoneyDue,
	"an unsettled payment names the session whose ending left it so":                    unsettledLatestEnd,
	"unsettled payments are listed oldest first, up to a limit, of one customer or all": unsettledOrder,
	"a checkout moves with its event":                                                   movesCheckout,
	"a move clears the mark of money due":                                               movesMoneyDue,
	"a wrong outcome, version or customer changes nothing":                              missesCheckout,
}

// move moves a checkout and checks that it returns what is stored.
func (f *paymentFixture) move(c curfew.Checkout, to curfew.Outcome) curfew.Checkout {
	f.Helper()
	got, err := f.Store.ChangeCheckout(f.Context(), record.CheckoutChange{From: c, To: to, Reason: "moved", Actor: shop})
	f.must(err)
	f.same("a change answers what is stored", got, f.checkout(c.CustomerID, c.ID))
	return got
}

// agedCheckout backdates a checkout and its only session.
func (f *paymentFixture) agedCheckout(c curfew.Checkout, by time.Duration) curfew.Checkout {
	f.Helper()
	then := f.past(by)
	f.exec("UPDATE {checkouts} SET created_at = "+then+", updated_at = "+then+" WHERE id = $1", c.ID)
	return f.checkout(c.CustomerID, c.ID)
}

// late returns a deferred payment whose retries ended since ago.
func (f *paymentFixture) late(customer string, since time.Duration) curfew.Checkout {
	f.Helper()
	c := f.agedCheckout(f.deferred(customer, time.Hour), since+time.Hour)
	f.exec("UPDATE {checkouts} SET retry_until = "+f.past(since)+" WHERE id = $1", c.ID)
	return f.checkout(customer, c.ID)
}

// abandoned returns a session that another program ended since ago.
func (f *paymentFixture) abandoned(customer string, since time.Duration) curfew.Snapshot {
	f.Helper()
	c := endChange(f.admit(customer), curfew.Cancelled, curfew.Foreign)
	c.Owed = ""
	st := f.change(c)
	f.exec("UPDATE {checkouts} SET money_due = true WHERE id = $1", st.CheckoutID)
	return f.aged(st, since)
}

// unsettled returns the ids of unsettled checkouts.
func (f *paymentFixture) unsettled(customer string, limit int) []string {
	f.Helper()
	all, err := f.Store.Unsettled(f.Context(), customer, limit)
	f.must(err)
	var got []string
	for _, r := range all {
		got = append(got, r.Checkout.ID)
	}
	return got
}

func checkoutsOldestFirst(f *fixture) {
	got, err := f.Store.Checkouts(f.Context(), "ada")
	f.must(err)
	f.same("checkouts of a stranger", got, []curfew.Checkout(nil))

	second, third := f.credited("ada"), f.deferred("ada", time.Hour)
	first := f.agedCheckout(f.credited("ada"), time.Hour)
	f.credited("bob")
	got, err = f.Store.Checkouts(f.Context(), "ada")
	f.must(err)
	f.same("checkouts", got, []curfew.Checkout{first, second, third})
}

func creditOldestFirst(f *fixture) {
	_, err := f.Store.Credit(f.Context(), "ada", "chat10")
	f.kind(err, curfew.NotFound)
	second := f.credited("ada")
	first := f.agedCheckout(f.credited("ada"), time.Hour)
	f.deferred("ada", time.Hour)
	for _, want := range []curfew.Checkout{first, second} {
		got, err := f.Store.Credit(f.Context(), "ada", "chat10")
		f.must(err)
		f.same("the credit to spend", got, want)
		f.move(got, curfew.RefundDue)
	}
	for _, miss := range [][2]string{{"ada", "chat10"}, {"ada", "video15"}, {"bob", "chat10"}} {
		_, err := f.Store.Credit(f.Context(), miss[0], miss[1])
		f.kind(err, curfew.NotFound)
	}
}

func deferredOldestFirst(f *fixture) {
	_, err := f.Store.Deferred(f.Context(), "ada")
	f.kind(err, curfew.NotFound)
	f.credited("ada")
	second := f.deferred("ada", time.Hour)
	first := f.agedCheckout(f.deferred("ada", time.Hour), time.Minute)
	for _, want := range []curfew.Checkout{first, second} {
		got, err := f.Store.Deferred(f.Context(), "ada")
		f.must(err)
		f.same("the deferral to serve", got, record.Receipt{Checkout: want, Now: got.Now})
		f.move(got.Checkout, curfew.RefundDue)
	}
	_, err = f.Store.Deferred(f.Context(), "ada")
	f.kind(err, curfew.NotFound)
}

func servable(f *fixture) {
	for _, customer := range []string{"free", "appointed", "waiting", "live", "refunded"} {
		f.deferred(customer, time.Hour)
	}
	f.scheduled("appointed")
	f.admit("waiting")
	f.live("live", "max")
	f.move(f.deferred("refunded too", time.Hour), curfew.RefundDue)
	refunded, err := f.Store.Deferred(f.Context(), "refunded")
	f.must(err)
	f.move(refunded.Checkout, curfew.RefundDue)
	got, err := f.Store.Servable(f.Context(), 9)
	f.must(err)
	f.same("servable", got, []string{"free", "appointed"})
}

func servableOldestFirst(f *fixture) {
	for i, customer := range []string{"bob", "ada", "cyd"} {
		f.agedCheckout(f.deferred(customer, time.Hour), time.Duration(i)*time.Minute)
	}
	f.deferred("ada", time.Hour)
	for limit, want := range map[int][]string{9: {"cyd", "ada", "bob"}, 2: {"cyd", "ada"}} {
		got, err := f.Store.Servable(f.Context(), limit)
		f.must(err)
		f.same("servable", got, want)
	}
}

func unsettledDeferred(f *fixture) {
	f.deferred("ada", time.Hour)
	f.credited("ada")
	f.same("unsettled", f.unsettled("", 9), []string(nil))
	c := f.late("ada", time.Minute)
	got, err := f.Store.Unsettled(f.Context(), "ada", 9)
	f.must(err)
	f.same("what was deferred too long", got, []record.Receipt{{Checkout: c}}, cmpopts.IgnoreFields(record.Receipt{}, "Now"))
	f.move(c, curfew.RefundDue)
	f.same("unsettled after its refund", f.unsettled("", 9), []string(nil))
}

func unsettledMoneyDue(f *fixture) {
	st := f.abandoned("ada", time.Minute)
	got, err := f.Store.Unsettled(f.Context(), "ada", 9)
	f.must(err)
	f.same("unsettled", len(got), 1)
	f.same("its checkout", got[0].Checkout, f.paidBy(st))
	f.same("its session", got[0].Session, st.Session)
	f.around("now", got[0].Now, time.Now())
}

func unsettledLatestEnd(f *fixture) {
	c := f.credited("ada")
	st, err := f.Store.Admit(f.Context(), spending(c))
	f.must(err)
	end := endChange(st, curfew.Cancelled, curfew.Foreign)
	end.Owed = ""
	second := f.change(end)
	f.exec("UPDATE {checkouts} SET money_due = true WHERE id = $1", c.ID)
	got, err := f.Store.Unsettled(f.Context(), "", 9)
	f.must(err)
	f.same("unsettled", len(got), 1)
	f.same("the session whose ending left it so", got[0].Session, second.Session)
}

func unsettledOrder(f *fixture) {
	third := f.late("ada", time.Minute)
	first := f.abandoned("bob", 5*time.Hour)
	second := f.late("cyd", 2*time.Hour)
	all := []string{first.CheckoutID, second.ID, third.ID}
	f.same("everybody's", f.unsettled("", 9), all)
	f.same("the two oldest", f.unsettled("", 2), all[:2])
	f.same("one customer's", f.unsettled("cyd", 9), all[1:2])
	f.same("a stranger's", f.unsettled("dan", 9), []string(nil))
}

func movesCheckout(f *fixture) {
	before := f.credited("ada")
	got := f.move(before, curfew.RefundDue)
	want := before
	want.Outcome, want.RefundAmount, want.Version, want.UpdatedAt = curfew.RefundDue, 990, 3, got.UpdatedAt
	f.same("the moved checkout", got, want)
	if !got.UpdatedAt.After(before.UpdatedAt) {
		f.Errorf("moved at %s, before that at %s", got.UpdatedAt, before.UpdatedAt)
	}
	customer := curfew.Actor{Role: curfew.Customer, ID: "ada"}
	f.history("ada", before.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "credited", Actor: customer, Reason: "cancelled"},
		curfew.Event{To: "refund_due", Actor: shop, Reason: "moved"})
}

func movesMoneyDue(f *fixture) {
	c := f.paidBy(f.abandoned("ada", 0))
	f.same("marked", c.MoneyDue, true)
	f.same("marked after it was settled", f.move(c, curfew.Credited).MoneyDue, false)
	f.same("unsettled", f.unsettled("", 9), []string(nil))
}

func missesCheckout(f *fixture) {
	c := f.credited("ada")
	for _, miss := range []func(*curfew.Checkout){
		func(c *curfew.Checkout) { c.Outcome = curfew.Fulfilled },
		func(c *curfew.Checkout) { c.Version-- },
		func(c *curfew.Checkout) { c.Version++ },
		func(c *curfew.Checkout) { c.CustomerID = "bob" },
		func(c *curfew.Checkout) { c.ID = newID() },
	} {
		from := c
		miss(&from)
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.ChangeCheckout(f.Context(), record.CheckoutChange{From: from, To: curfew.RefundDue, Reason: "x", Actor: shop})
			return err
		})
	}
}
