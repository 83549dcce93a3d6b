package storetest

import (
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var captures = contract{
	"every new checkout records whether its money is reserved or at risk":     keepsReserved,
	"a change makes reserved money due":                                       makesDue,
	"a change leaves money that is not reserved":                              makesNothingDue,
	"reserved money is released with its session, whatever is owed":           releasesMoney,
	"a cleanup releases reserved money, session by session":                   releasesByBatch,
	"money that is kept, all of it or a share, is due":                        forfeitsMoney,
	"money that was asked for is settled as the policy says":                  settlesAsked,
	"the share of a completed session stays, though its money is only due":    settlesCompleted,
	"a session at risk is accepted by nobody":                                 refusesRisk,
	"what is told of a payment says whether its checkouts are at risk":        reportsRisk,
	"the worker's attempts are counted, and reserve the checkout for a while": stepsCapture,
	"a change of the outcome moves the capture, too":                          changesCapture,
	"a settled capture is of no concern any more":                             settlesConcern,
	"money that two checkouts stand for is captured for one of them":          capturesDuplicate,
	"what waits longest is captured first":                                    capturableOrder,
	"what is being captured is not refunded yet":                              capturesBeforeRefund,
	"captures that wait are counted, and the oldest has an age":               countsCaptures,
	"payments are counted and listed by their concern":                        listsConcerns,
	"a checkout whose money is reserved is not deleted":                       keepsCheckout,
}

// reserving returns an admission paid with reserved money.
func reserving(customer string) record.Admission {
	a := admission(customer)
	a.Checkout.Capture = "authorised"
	return a
}

// reserved returns a session whose money is reserved.
func (f *sessionFixture) reserved(customer string) curfew.Snapshot {
	f.Helper()
	st, err := f.Store.Admit(f.Context(), reserving(customer))
	f.must(err)
	return st
}

// captured returns a session whose checkout is in the given state of capture.
func (f *sessionFixture) captured(customer, capture string) curfew.Snapshot {
	f.Helper()
	st := f.admit(customer)
	f.exec("UPDATE {checkouts} SET capture = $1 WHERE id = $2", capture, st.CheckoutID)
	return st
}

// annotate writes an annotation and checks that it returns what is stored.
func (f *paymentFixture) annotate(a record.Annotation) curfew.Checkout {
	f.Helper()
	a.Actor, a.Reason = shop, "the worker"
	got, err := f.Store.Annotate(f.Context(), a)
	f.must(err)
	f.same("an annotation answers what is stored", got, f.checkout(a.From.CustomerID, a.From.ID))
	return got
}

// capturable returns the ids of the checkouts that the worker may look at.
func (f *paymentFixture) capturable(limit int) []string {
	f.Helper()
	all, err := f.Store.Capturable(f.Context(), limit)
	f.must(err)
	var got []string
	for _, c := range all {
		got = append(got, c.ID)
	}
	return got
}

func acceptingDue(st curfew.Snapshot, mechanic string) record.Change {
	c := accepting(st, mechanic)
	c.Capture = true
	return c
}

func keepsReserved(f *fixture) {
	kept := func(what string, c curfew.Checkout, err error) {
		f.Helper()
		f.must(err)
		f.same(what, []any{c.Capture, c.AtRisk}, []any{"authorised", true})
		f.same(what+", as stored", f.checkout(c.CustomerID, c.ID), c)
	}
	of := func(c curfew.Checkout) curfew.Checkout {
		c.Capture, c.AtRisk = "authorised", true
		return c
	}
	a := admission("ada")
	a.Checkout = of(a.Checkout)
	st, err := f.Store.Admit(f.Context(), a)
	kept("admitted", f.paidBy(st), err)
	r, err := f.Store.Defer(f.Context(), of(admission("bob").Checkout), shop, time.Hour)
	kept("deferred", r.Checkout, err)
	st, err = f.Store.Admit(f.Context(), spending(r.Checkout))
	kept("served", f.paidBy(st), err)
	r, err = f.Store.Record(f.Context(), of(unrecorded("cyd", curfew.Held)), shop, "recorded")
	kept("recorded", r.Checkout, err)
	kept("reassigned", f.reassign(r.Checkout, "cyd"), nil)

	lost := of(unrecorded("dan", curfew.Held))
	f.must(f.Store.Recover(f.Context(), lost, shop, time.Hour))
	f.exec("INSERT INTO {payment_refs} (ref, customer_id, checkout_id, plan) VALUES ($1, $2, $3, $4)", lost.Ref, "dan", lost.ID, lost.Plan)
	kept("recovered", f.checkout("dan", lost.ID), nil)

	x := extending(f.live("eve", "max"))
	x.Checkout.AtRisk = true
	_, err = f.Store.Extend(f.Context(), x)
	f.must(err)
	f.same("extended", f.checkout("eve", x.Checkout.ID).AtRisk, true)
}

func makesDue(f *fixture) {
	st := f.reserved("ada")
	before := f.paidBy(st)
	accepted := f.change(acceptingDue(st, "max"))
	want := before
	want.Version, want.Capture = 2, "due"
	got := f.paidBy(accepted)
	f.same("the checkout", got, want, cmpopts.IgnoreFields(curfew.Checkout{}, "UpdatedAt", "NextAt"))
	f.around("the next try", got.NextAt, time.Now())
	f.same("capturable", f.capturable(9), []string{st.CheckoutID})
	f.history("ada", st.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "fulfilled", Actor: curfew.Actor{Role: curfew.Mechanic, ID: "max"}, Reason: curfew.CaptureReason("due")})
	f.same("released and accepted again", f.paidBy(f.change(acceptingDue(f.change(releasing(accepted)), "moe"))), got)

	started := starting(f.change(accepting(f.reserved("bob"), "max")))
	f.same("accepted", f.paidBy(f.read(started.From.ID)).Capture, "authorised")
	started.Capture = true
	f.same("live", f.paidBy(f.change(started)).Capture, "due")
	f.counted()
}

func makesNothingDue(f *fixture) {
	for i, capture := range []string{"", "due", "capturing", "captured", "failed"} {
		st := f.captured(fmt.Sprint("customer-", i), capture)
		before := f.paidBy(st)
		f.same("a checkout that was "+capture, f.paidBy(f.change(acceptingDue(st, fmt.Sprint("m-", i)))), before)
	}
	unpaid := f.admit("ada")
	f.exec("UPDATE {sessions} SET checkout_id = NULL WHERE id = $1", unpaid.ID)
	f.corrupted = true
	f.change(acceptingDue(f.read(unpaid.ID), "max"))
}

// settledAs checks the checkout of a session that was just cancelled.
func (f *paymentFixture) settledAs(st curfew.Snapshot, outcome curfew.Outcome, capture string, refund int64) {
	f.Helper()
	c := f.paidBy(st)
	f.same("the checkout", []any{c.Outcome, c.Capture, c.RefundAmount, c.Version}, []any{outcome, capture, refund, int64(2)})
}

func releasesMoney(f *fixture) {
	n := 0
	for _, capture := range []string{"authorised", "due"} {
		for _, owed := range []curfew.Outcome{curfew.Credited, curfew.RefundDue, curfew.Refunded, curfew.Held, curfew.Void} {
			n++
			st := f.captured(fmt.Sprint("customer-", n), capture)
			end := endChange(st, curfew.Cancelled, curfew.ByRequest)
			end.Owed, end.Share = owed, n%2*100
			f.change(end)
			f.settledAs(st, curfew.Void, "releasing", 0)
			f.around("the next try", f.paidBy(st).NextAt, time.Now())
			f.history(st.CustomerID, st.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
				curfew.Event{To: "void", Actor: end.Actor, Reason: end.Reason})
		}
	}
	f.same("to be released", len(f.capturable(99)), n)
	f.same("refundable", f.refundable(9), []string(nil))
	f.same("contradictions", f.linked(99), []curfew.Inconsistency(nil))
	f.counted()
}

func releasesByBatch(f *fixture) {
	paid, reserved, due := f.admit("ada"), f.reserved("bob"), f.captured("cyd", "due")
	b := batch(curfew.Credited, f.aged(paid, time.Hour), f.aged(reserved, time.Hour), f.aged(due, time.Hour))
	f.same("ended", len(f.end(b)), 3)
	f.settledAs(paid, curfew.Credited, "", 0)
	f.settledAs(reserved, curfew.Void, "releasing", 0)
	f.settledAs(due, curfew.Void, "releasing", 0)
	f.counted()
}

func forfeitsMoney(f *fixture) {
	for i, capture := range []string{"authorised", "due", "captured"} {
		st := f.captured(fmt.Sprint("customer-", i), capture)
		end := endChange(st, curfew.Cancelled, curfew.NoShow)
		end.Owed = curfew.Forfeited
		f.change(end)
		if capture == "authorised" {
			capture = "due"
		}
		f.settledAs(st, curfew.Forfeited, capture, 0)
	}
	f.same("capturable", len(f.capturable(9)), 2)
	st := f.reserved("ada")
	end := endChange(st, curfew.Cancelled, curfew.ByRequest)
	end.Owed, end.Share = curfew.RefundDue, 50
	f.change(end)
	f.settledAs(st, curfew.RefundDue, "due", 495)
	f.same("refundable", f.refundable(9), []string(nil))
}

func settlesAsked(f *fixture) {
	for i, capture := range []string{"", "capturing", "captured", "failed"} {
		st := f.captured(fmt.Sprint("customer-", i), capture)
		end := endChange(st, curfew.Cancelled, curfew.ByRequest)
		end.Owed, end.Share = curfew.RefundDue, 50
		f.change(end)
		f.settledAs(st, curfew.RefundDue, capture, 495)
	}
}

func settlesCompleted(f *fixture) {
	st := f.change(acceptingDue(f.reserved("ada"), "max"))
	end := endChange(f.change(starting(st)), curfew.Completed, curfew.ByRequest)
	end.Owed, end.Share = curfew.RefundDue, 50
	f.change(end)
	c := f.paidBy(st)
	f.same("the checkout", []any{c.Outcome, c.Capture, c.RefundAmount}, []any{curfew.RefundDue, "due", int64(495)})
}

func refusesRisk(f *fixture) {
	risky := func(risk string, st curfew.Snapshot) {
		f.exec("UPDATE {checkouts} SET at_risk = "+risk+" WHERE id = $1", st.CheckoutID)
	}
	st := f.admit("ada")
	risky("true", st)
	f.refused(curfew.Conflict, f.changing(accepting(st, "max")))
	risky("false", st)
	accepted := f.change(accepting(st, "max"))
	risky("true", st)
	f.same("released", f.change(releasing(accepted)).MechanicID, "")
	f.same("cancelled", f.change(endChange(f.read(st.ID), curfew.Cancelled, curfew.ByPayment)).Status, curfew.Cancelled)

	other := f.accepted("bob", "moe")
	risky("true", other)
	f.same("live", f.change(starting(other)).Status, curfew.Live)
}

func reportsRisk(f *fixture) {
	st := f.admit("ada")
	ref := f.paidBy(st).Ref
	dispute := curfew.Fact{Kind: "dispute", Object: "du-1", State: "needs_response", Amount: 990, Currency: "eur", At: time.Now()}
	lost := dispute
	lost.State, lost.At = "won", lost.At.Add(time.Second)
	for _, next := range []struct {
		fact curfew.Fact
		risk bool
	}{{paid("ch-1", 990, time.Now()), false}, {dispute, true}, {lost, false}} {
		l := f.reports(reported([]curfew.Fact{next.fact}, ref))
		f.same("at risk by "+next.fact.State, []any{l.Checkouts[0].AtRisk, f.paidBy(st).AtRisk}, []any{next.risk, next.risk})
	}
	f.reports(reported([]curfew.Fact{{Kind: "refund", Object: "re-1", State: "succeeded", Amount: 1, Currency: "eur"}}, ref))
	f.same("at risk once a part is gone", f.paidBy(st).AtRisk, true)
	f.refused(curfew.Conflict, f.changing(accepting(st, "max")))
}
