package storetest

import (
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

var quarantines = contract{
	"what is set apart is read as it was kept, and waits":          keepsQuarantined,
	"what has moved on, or is settled, is set apart no more":       leavesQuarantine,
	"lists that begin with the oldest leave out what is set apart": passesQuarantined,
	"an acknowledgement is kept until it ends, or is withdrawn":    keepsAcknowledgement,
}

func (s *scene) apart(q curfew.Quarantined) {
	s.Helper()
	q.Step, q.LastError = "step", "error"
	s.must(s.Store.Quarantine(s.Context(), q))
}

func (s *scene) quarantined() []string {
	s.Helper()
	all, err := s.Store.Quarantined(s.Context(), 10)
	s.must(err)
	names := []string{}
	for _, q := range all {
		names = append(names, fmt.Sprint(q.CustomerID, " ", q.Noun))
	}
	return names
}

func sessionApart(st curfew.Standing) curfew.Quarantined {
	return curfew.Quarantined{Noun: curfew.QuarantinedSession, CustomerID: st.CustomerID, ID: st.ID, Version: st.Version}
}

func keepsQuarantined(s *scene) {
	st := s.admit("ada")
	s.apart(sessionApart(st))
	all, err := s.Store.Quarantined(s.Context(), 10)
	s.must(err)
	q := all[0]
	s.around("since", q.Since, time.Now())
	if q.Wait <= 0 || q.Wait > curfew.FirstQuarantine {
		s.Errorf("it waits %s", q.Wait)
	}
	want := sessionApart(st)
	want.Step, want.FirstError, want.LastError, want.Tries = "step", "error", "error", 1
	want.Since, want.TriedAt, want.NextAt, want.Wait = q.Since, q.Since, q.Since.Add(curfew.FirstQuarantine), q.Wait
	s.same("set apart", q, want)
}

func leavesQuarantine(s *scene) {
	ended, moved, stays := s.admit("ada"), s.admit("bob"), s.admit("cyd")
	for _, st := range []curfew.Standing{ended, moved, stays} {
		s.apart(sessionApart(st))
	}
	s.same("set apart", s.quarantined(), []string{"ada session", "bob session", "cyd session"})
	s.change(ending(ended, curfew.Cancelled, curfew.ByRequest))
	s.change(accepting(moved, "max"))
	s.same("set apart", s.quarantined(), []string{"cyd session"})
	s.must(s.Store.LeaveQuarantine(s.Context()))
	s.same("kept", s.rows("SELECT customer_id FROM {quarantine}"), []string{"cyd"})
}

// paymentApart sets a checkout apart.
func (s *scene) paymentApart(c curfew.Checkout) {
	s.Helper()
	s.apart(curfew.Quarantined{Noun: curfew.QuarantinedPayment, CustomerID: c.CustomerID, ID: c.ID, Version: c.Version})
}

func passesQuarantined(s *scene) {
	due, other := s.move(s.credited("ada"), curfew.RefundDue), s.move(s.credited("bob"), curfew.RefundDue)
	s.paymentApart(due)
	s.same("refundable", s.refundable(10), []string{other.ID})

	late := s.late("cyd", time.Minute)
	s.paymentApart(late)
	s.same("unsettled of everybody", s.unsettled("", 10), []string(nil))
	s.same("unsettled of the customer", s.unsettled("cyd", 10), []string{late.ID})

	s.deferred("dan", time.Hour)
	s.deferred("eve", time.Hour)
	s.apart(curfew.Quarantined{Noun: curfew.QuarantinedCustomer, CustomerID: "dan"})
	customers, err := s.Store.Servable(s.Context(), 10)
	s.must(err)
	s.same("servable", customers, []string{"cyd", "eve"})

	s.exec("UPDATE {quarantine} SET next_at = since")
	s.same("due again, refundable", len(s.refundable(10)), 2)
}

func keepsAcknowledgement(s *scene) {
	a := curfew.Acknowledgement{
		Code: "stale_sessions", By: curfew.Actor{Role: curfew.Admin, ID: "root"}, Reason: "we know", Severity: "warning", Count: 3,
		Until: time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond),
	}
	for range 2 { // the second takes the place of the first
		kept, err := s.Store.Acknowledge(s.Context(), a)
		s.must(err)
		s.around("at", kept.At, time.Now())
		a.At = kept.At
		s.same("kept", kept, a)
		all, err := s.Store.Acknowledgements(s.Context())
		s.must(err)
		s.same("acknowledged", all, []curfew.Acknowledgement{a})
		a.Reason = "we still know"
	}
	s.must(s.Store.WithdrawAcknowledgement(s.Context(), a.Code))
	s.refused(curfew.NotFound, func() error { return s.Store.WithdrawAcknowledgement(s.Context(), a.Code) })
	a.Until = time.Now().Add(-time.Second)
	_, err := s.Store.Acknowledge(s.Context(), a)
	s.must(err)
	all, err := s.Store.Acknowledgements(s.Context())
	s.must(err)
	s.same("acknowledged", len(all), 0)
}
