package storetest

import (
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var quarantines = contract{
	"a quarantined row is read as it was written, and waits":      keepsQuarantined,
	"a row that has changed or is settled leaves quarantine":      leavesQuarantine,
	"lists that begin with the oldest skip quarantined rows":      passesQuarantined,
	"an acknowledgement is kept until it expires or is withdrawn": keepsAcknowledgement,
}

func (f *operationFixture) apart(q curfew.Quarantined) {
	f.Helper()
	q.Step, q.LastError = "step", "error"
	f.must(f.Store.Quarantine(f.Context(), q))
}

func (f *operationFixture) quarantined() []string {
	f.Helper()
	all, err := f.Store.Quarantined(f.Context(), 10)
	f.must(err)
	names := []string{}
	for _, q := range all {
		names = append(names, fmt.Sprint(q.CustomerID, " ", q.Noun))
	}
	return names
}

func sessionApart(st curfew.Snapshot) curfew.Quarantined {
	return curfew.Quarantined{Noun: curfew.QuarantinedSession, CustomerID: st.CustomerID, ID: st.ID, Version: st.Version}
}

func keepsQuarantined(f *fixture) {
	st := f.admit("ada")
	f.apart(sessionApart(st))
	all, err := f.Store.Quarantined(f.Context(), 10)
	f.must(err)
	q := all[0]
	f.around("since", q.Since, time.Now())
	if q.Wait <= 0 || q.Wait > record.FirstQuarantine {
		f.Errorf("it waits %s", q.Wait)
	}
	want := sessionApart(st)
	want.Step, want.FirstError, want.LastError, want.Tries = "step", "error", "error", 1
	want.Since, want.TriedAt, want.NextAt, want.Wait = q.Since, q.Since, q.Since.Add(record.FirstQuarantine), q.Wait
	f.same("set apart", q, want)
}

func leavesQuarantine(f *fixture) {
	ended, moved, stays := f.admit("ada"), f.admit("bob"), f.admit("cyd")
	for _, st := range []curfew.Snapshot{ended, moved, stays} {
		f.apart(sessionApart(st))
	}
	f.same("set apart", f.quarantined(), []string{"ada session", "bob session", "cyd session"})
	f.change(endChange(ended, curfew.Cancelled, curfew.ByRequest))
	f.change(accepting(moved, "max"))
	f.same("set apart", f.quarantined(), []string{"cyd session"})
	f.must(f.Store.LeaveQuarantine(f.Context()))
	f.same("kept", f.rows("SELECT customer_id FROM {quarantine}"), []string{"cyd"})
}

// paymentApart quarantines a checkout.
func (f *operationFixture) paymentApart(c curfew.Checkout) {
	f.Helper()
	f.apart(curfew.Quarantined{Noun: curfew.QuarantinedPayment, CustomerID: c.CustomerID, ID: c.ID, Version: c.Version})
}

func passesQuarantined(f *fixture) {
	due, other := f.move(f.credited("ada"), curfew.RefundDue), f.move(f.credited("bob"), curfew.RefundDue)
	f.paymentApart(due)
	f.same("refundable", f.refundable(10), []string{other.ID})

	late := f.late("cyd", time.Minute)
	f.paymentApart(late)
	f.same("unsettled of everybody", f.unsettled("", 10), []string(nil))
	f.same("unsettled of the customer", f.unsettled("cyd", 10), []string{late.ID})

	f.deferred("dan", time.Hour)
	f.deferred("eve", time.Hour)
	f.apart(curfew.Quarantined{Noun: curfew.QuarantinedCustomer, CustomerID: "dan"})
	customers, err := f.Store.Servable(f.Context(), 10)
	f.must(err)
	f.same("servable", customers, []string{"cyd", "eve"})

	f.exec("UPDATE {quarantine} SET next_at = since")
	f.same("due again, refundable", len(f.refundable(10)), 2)
}

func keepsAcknowledgement(f *fixture) {
	a := curfew.Acknowledgement{
		Code: "stale_sessions", By: curfew.Actor{Role: curfew.Admin, ID: "root"}, Reason: "we know", Severity: "warning", Count: 3,
		Until: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond),
	}
	for range 2 { // the second replaces the first
		kept, err := f.Store.Acknowledge(f.Context(), a)
		f.must(err)
		f.around("at", kept.At, time.Now())
		a.At = kept.At
		f.same("kept", kept, a)
		all, err := f.Store.Acknowledgements(f.Context())
		f.must(err)
		f.same("acknowledged", all, []curfew.Acknowledgement{a})
		a.Reason = "we still know"
	}
	f.must(f.Store.WithdrawAcknowledgement(f.Context(), a.Code))
	f.refused(curfew.NotFound, func() error { return f.Store.WithdrawAcknowledgement(f.Context(), a.Code) })
	a.Until = time.Now().Add(-time.Second)
	_, err := f.Store.Acknowledge(f.Context(), a)
	f.must(err)
	all, err := f.Store.Acknowledgements(f.Context())
	f.must(err)
	f.same("acknowledged", len(all), 0)
}

// passesUnjudged tests that a payment that cannot be settled is quarantined with one of its
// checkouts, until something new is reported about it.
func passesUnjudged(f *fixture) {
	first, second := f.paidBy(f.admit("ada")), f.paidBy(f.admit("bob"))
	line := f.record("cyd", curfew.Held)
	f.reports(reported(nil, first.Ref, "pi-1"))
	f.reports(reported(nil, second.Ref, line.Ref))
	f.same("to be settled", f.unjudged(), []string{first.ID, second.ID})
	f.paymentApart(f.checkout("ada", first.ID))
	f.same("one is set apart", f.unjudged(), []string{second.ID})
	f.paymentApart(f.checkout("cyd", line.ID))
	f.same("and one by another checkout", f.unjudged(), []string(nil))
	f.same("set apart", f.quarantined(), []string{"ada payment", "cyd payment"})
	l := f.reports(reported(nil, first.Ref, "pi-2"))
	f.same("more was told", f.unjudged(), []string{first.ID})
	f.must(f.Store.Judged(f.Context(), first.ID, l.Version))
	f.exec("UPDATE {quarantine} SET next_at = since")
	f.same("it is tried again", f.unjudged(), []string{second.ID})
	f.must(f.Store.Judged(f.Context(), second.ID, f.ledger(second.ID).Version))
	f.same("settled", f.quarantined(), []string{})
}
