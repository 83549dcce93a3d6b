package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
)

var appointments = contract{
	"an appointment is booked with its payment and without a request":       books,
	"a booking's reference is claimed once":                                 refusesBooking,
	"lesson 7: next week's appointment is never picked for today's request": neverPicked,
	"an appointment begins with the slot and a request":                     begins,
	"a taken slot is told apart, and changes nothing":                       beginsInTakenSlot,
	"an appointment that moved does not begin":                              beginsUnmoved,
	"before its start an appointment does not begin":                        beginsOverdueOnly,
	"a postponed appointment waits for its second chance":                   postpones,
	"a share is given back, rounded up to the minor unit":                   givesShares,
	"what is given back follows the outcome":                                givesBack,
	"appointments nobody looked at are counted":                             countsOverdueScheduled,
}

// booking is an appointment that starts so far from now.
func booking(customer string, in time.Duration) curfew.Admission {
	a := admission(customer)
	a.Session.StartsAt, a.Request, a.Deadline = time.Now().Add(in), curfew.Request{}, curfew.Deadline{}
	return a
}

// scheduled is an appointment that starts in a minute.
func (s *scene) scheduled(customer string) curfew.Standing {
	s.Helper()
	st, err := s.Store.Admit(s.Context(), booking(customer, time.Minute))
	s.must(err)
	return st
}

// postponed is an appointment whose second chance is a minute after its start,
// in two minutes.
func (s *scene) postponed(customer string) curfew.Standing {
	s.Helper()
	return s.change(postponing(s.scheduled(customer), time.Minute))
}

func postponing(st curfew.Standing, by time.Duration) curfew.Change {
	return curfew.Change{
		From: st.Session, To: curfew.Scheduled, Reason: "the slot is taken", Actor: shop,
		Deadline: curfew.Deadline{After: time.Hour, Limit: st.StartsAt.Add(by)},
	}
}

// begun is an appointment's first step into the queue.
func begun(st curfew.Standing) curfew.Change {
	return curfew.Change{
		From: st.Session, Guard: curfew.Guard{Overdue: curfew.Yes}, To: curfew.Waiting, Reason: "due", Actor: curfew.Sweeper,
		Deadline: curfew.Deadline{After: 15 * time.Minute}, Offer: newID(),
	}
}

func books(s *scene) {
	a := booking("ada", 48*time.Hour)
	got, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	want := curfew.Standing{Session: a.Session, Now: got.Now}
	want.Status, want.Version, want.CreatedAt = curfew.Scheduled, 1, got.Now
	want.StartsAt = a.Session.StartsAt.UTC().Truncate(time.Microsecond)
	want.ExpiresAt = want.StartsAt
	s.same("the standing of an appointment", got, want)
	s.sameStanding("what is stored", s.read(got.ID), got)
	s.same("its requests", s.rows("SELECT id FROM {session_requests}"), []string(nil))
	s.history("ada", got.ID, curfew.Event{To: "scheduled", Actor: shop, Reason: "paid"})
	s.history("ada", got.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"})
	r, err := s.Store.Reference(s.Context(), a.Checkout.Ref)
	s.must(err)
	s.same("the session of its reference", r.Session, got.Session)
	s.same("a second one", s.scheduled("ada").Status, curfew.Scheduled)
	s.counted()
}

func refusesBooking(s *scene) {
	a := booking("ada", time.Hour)
	_, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	again := booking("bob", time.Hour)
	again.Checkout.Ref = a.Checkout.Ref
	s.refused(curfew.Conflict, func() error {
		_, err := s.Store.Admit(s.Context(), again)
		return err
	})
}

func neverPicked(s *scene) {
	appointment, err := s.Store.Admit(s.Context(), booking("ada", 7*24*time.Hour))
	s.must(err)
	_, err = s.Store.Open(s.Context(), "ada")
	s.kind(err, curfew.NotFound)
	today := s.admit("ada")
	got, err := s.Store.SessionOf(s.Context(), today.Request.ID)
	s.must(err)
	s.sameStanding("the session of today's request", got, today)
	queue, err := s.Store.Pending(s.Context(), curfew.Cursor{}, 9)
	s.must(err)
	s.same("the queue", ids(queue), []string{today.ID})
	s.change(accepting(today, "max"))
	s.sameStanding("next week's appointment", s.read(appointment.ID), appointment)
}

func begins(s *scene) {
	st := s.aged(s.scheduled("ada"), 2*time.Minute)
	c := begun(st)
	got := s.change(c)
	want := st
	want.Status, want.Version, want.ExpiresAt = curfew.Waiting, 2, got.Now.Add(15*time.Minute)
	want.Request = curfew.Request{
		ID: c.Offer, SessionID: st.ID, CustomerID: "ada", CustomerName: "Ada", Status: curfew.Pending, CreatedAt: got.Now,
	}
	s.sameStanding("the begun appointment", got, want)
	s.same("its payment", s.paidBy(got).Version, int64(1))
	s.history("ada", st.ID, curfew.Event{To: "scheduled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "waiting", Actor: curfew.Sweeper, Reason: "due"})
	queue, err := s.Store.Pending(s.Context(), curfew.Cursor{}, 9)
	s.must(err)
	s.same("the queue", ids(queue), []string{st.ID})
	s.change(ending(s.change(starting(s.change(accepting(got, "max")))), curfew.Completed, curfew.Finished))
	s.counted()
}

func beginsInTakenSlot(s *scene) {
	st := s.aged(s.scheduled("ada"), 2*time.Minute)
	s.live("ada", "max")
	s.refused(curfew.SessionOpen, func() error {
		_, err := s.Store.Change(s.Context(), begun(st))
		return err
	})
}

func beginsUnmoved(s *scene) {
	st := s.aged(s.scheduled("ada"), 2*time.Minute)
	s.change(postponing(st, time.Minute))
	s.refused(curfew.Conflict, func() error {
		_, err := s.Store.Change(s.Context(), begun(st))
		return err
	})
}

func beginsOverdueOnly(s *scene) {
	st := s.scheduled("ada")
	s.refused(curfew.Conflict, func() error {
		_, err := s.Store.Change(s.Context(), begun(st))
		return err
	})
}

func postpones(s *scene) {
	st := s.aged(s.scheduled("ada"), 2*time.Minute)
	s.same("its rule", ruleOf(st), curfew.Due)
	got := s.change(postponing(st, 15*time.Minute))
	want := st
	want.Version, want.ExpiresAt = 2, st.StartsAt.Add(15*time.Minute)
	s.sameStanding("the postponed appointment", got, want)
	s.same("its rule then", ruleOf(got), curfew.Misses)
	s.same("due", s.find(curfew.Search{Limit: 9}), []string(nil))
	s.endsNone("what waits for its second chance", batch(curfew.Credited, got))
	s.same("missed then", s.ended(batch(curfew.Credited, s.aged(got, 15*time.Minute))), []string{st.ID})
}

func ruleOf(st curfew.Standing) curfew.RuleName {
	rule, _ := curfew.RuleFor(st)
	return rule.Name
}

func givesShares(s *scene) {
	for customer, test := range map[string]struct {
		amount, want int64
		share        int
	}{
		"half":          {990, 495, 50},
		"half a cent":   {991, 496, 50},
		"a third":       {100, 33, 33},
		"nearly all":    {101, 100, 99},
		"all":           {991, 991, 100},
		"not said":      {991, 991, 0},
		"of nothing":    {0, 0, 50},
		"of very much":  {1 << 60, 1 << 59, 50},
		"all of it too": {1<<62 - 1, 1<<62 - 1, 100},
	} {
		a := booking(customer, time.Hour)
		a.Checkout.Amount = test.amount
		st, err := s.Store.Admit(s.Context(), a)
		s.must(err)
		c := ending(st, curfew.Cancelled, curfew.ByRequest)
		c.Owed, c.Share = curfew.RefundDue, test.share
		s.change(c)
		s.same("what is given back of "+customer, s.paidBy(st).RefundAmount, test.want)
	}
}

func givesBack(s *scene) {
	late := s.aged(s.admit("ada"), time.Hour)
	s.same("ended", s.ended(batch(curfew.RefundDue, late)), []string{late.ID})
	s.same("of a batch", s.paidBy(late).RefundAmount, int64(990))
	s.same("of a credit", s.credited("bob").RefundAmount, int64(0))

	st := s.scheduled("cyd")
	c := ending(st, curfew.Cancelled, curfew.ByRequest)
	c.Owed, c.Share = curfew.RefundDue, 50
	s.change(c)
	paid := s.paidBy(st)
	for _, to := range []curfew.Outcome{curfew.Refunding, curfew.RefundDue, curfew.Refunding, curfew.Refunded} {
		paid = s.move(paid, to)
		s.same("while "+string(to), paid.RefundAmount, int64(495))
	}
	paid = s.move(s.move(s.deferred("dan", time.Hour), curfew.RefundDue), curfew.RefundDue)
	s.same("of a deferral", paid.RefundAmount, int64(990))
	_, err := s.Store.Admit(s.Context(), spending(paid))
	s.must(err)
	s.same("of what pays for a session after all", s.checkout("dan", paid.ID).RefundAmount, int64(0))
}

func countsOverdueScheduled(s *scene) {
	s.scheduled("in time")
	s.aged(s.scheduled("just now"), time.Minute+time.Second)
	s.aged(s.scheduled("overdue"), 2*time.Minute)
	s.same("overdue appointments", s.sessionFigures().OverdueScheduled, 1)
}
