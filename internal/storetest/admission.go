package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
)

var admissions = contract{
	"a fresh checkout brings a waiting session with a pending request":    admitsFresh,
	"a fresh checkout is stored as it was given":                          admitsCheckout,
	"an admission leaves one event of its session and one of its payment": admitsWithEvents,
	"a free session claims no reference":                                  admitsFree,
	"a deadline's limit is kept":                                          admitsWithinLimit,
	"times are UTC and whole microseconds":                                admitsInMicroseconds,
	"a reference is claimed once, whoever asks":                           refusesReference,
	"lesson 6: a customer's slot is taken once":                           refusesSlot,
	"a key is claimed once a customer":                                    refusesKey,
	"an id is used once":                                                  refusesID,
	"a slot is free again once its session has ended":                     admitsAfterEnd,
	"an appointment does not take the slot":                               admitsBesideScheduled,
}

func admitsFresh(s *scene) {
	a := admission("ada")
	got, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	want := curfew.Standing{Session: a.Session, Request: a.Request, Now: got.Now}
	want.Status, want.Version = curfew.Waiting, 1
	want.CreatedAt, want.ExpiresAt = got.Now, got.Now.Add(15*time.Minute)
	want.Request.Status, want.Request.CreatedAt = curfew.Pending, got.Now
	s.same("the standing of a new session", got, want)
	s.sameStanding("what is stored", s.read(got.ID), got)
	s.around("the store's now", got.Now, time.Now())
}

func admitsCheckout(s *scene) {
	a := admission("ada")
	st, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	want := a.Checkout
	want.Outcome, want.Version, want.SessionID = curfew.Fulfilled, 1, a.Session.ID
	want.CreatedAt, want.UpdatedAt = st.Now, st.Now
	s.same("the checkout", s.paidBy(st), want)

	r, err := s.Store.Reference(s.Context(), a.Checkout.Ref)
	s.must(err)
	s.same("the receipt", r, curfew.Receipt{Checkout: want, Session: st.Session, RequestID: st.Request.ID, Now: r.Now})
	if r.Now.Before(st.Now) {
		s.Errorf("a later reading says %s, before %s", r.Now, st.Now)
	}
}

func admitsWithEvents(s *scene) {
	st := s.admit("ada")
	for subject, to := range map[string]string{st.ID: "waiting", st.CheckoutID: "fulfilled"} {
		s.history(st.CustomerID, subject, curfew.Event{To: to, Actor: shop, Reason: "paid"})
	}
	events, err := s.Store.Events(s.Context(), "ada", st.ID)
	s.must(err)
	if !events[0].At.Equal(st.CreatedAt) {
		s.Errorf("the event is of %s, the session of %s", events[0].At, st.CreatedAt)
	}
}

func admitsFree(s *scene) {
	for _, customer := range []string{"ada", "bob"} {
		a := admission(customer)
		a.Checkout.Ref, a.Checkout.Amount, a.Checkout.Currency = "", 0, ""
		st, err := s.Store.Admit(s.Context(), a)
		s.must(err)
		s.same("the free checkout's reference", s.paidBy(st).Ref, "")
	}
	s.same("claims", s.rows("SELECT * FROM {payment_refs}"), []string(nil))
	_, err := s.Store.Reference(s.Context(), "")
	s.kind(err, curfew.NotFound)
}

func admitsWithinLimit(s *scene) {
	limit := s.admit("first").Now.Add(5 * time.Minute)
	a := admission("ada")
	a.Deadline.Limit = limit
	st, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	s.same("the deadline under an earlier limit", st.ExpiresAt, limit)

	a = admission("bob")
	a.Deadline.Limit = limit.Add(time.Hour)
	st, err = s.Store.Admit(s.Context(), a)
	s.must(err)
	s.same("the deadline under a later limit", st.ExpiresAt, st.Now.Add(15*time.Minute))
}

func admitsInMicroseconds(s *scene) {
	a := admission("ada")
	a.Deadline.After = time.Minute + 1500*time.Nanosecond
	st, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	c := s.paidBy(st)
	for what, at := range map[string]time.Time{
		"now": st.Now, "createdAt": st.CreatedAt, "expiresAt": st.ExpiresAt, "the request's createdAt": st.Request.CreatedAt,
		"the checkout's createdAt": c.CreatedAt, "the checkout's updatedAt": c.UpdatedAt,
	} {
		if at.Location() != time.UTC || !at.Equal(at.Truncate(time.Microsecond)) {
			s.Errorf("%s is %s in %s", what, at, at.Location())
		}
	}
	s.sameStanding("what is stored", s.read(st.ID), st)
}

func refusesReference(s *scene) {
	first := admission("ada")
	st, err := s.Store.Admit(s.Context(), first)
	s.must(err)
	s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	for _, customer := range []string{"ada", "bob"} {
		again := admission(customer)
		again.Checkout.Ref = first.Checkout.Ref
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Admit(s.Context(), again)
			return err
		})
	}
}

func refusesSlot(s *scene) {
	steps := map[string]func(curfew.Standing) curfew.Standing{
		"waiting":  func(st curfew.Standing) curfew.Standing { return st },
		"overdue":  func(st curfew.Standing) curfew.Standing { return s.aged(st, time.Hour) },
		"assigned": func(st curfew.Standing) curfew.Standing { return s.change(accepting(st, "m-"+st.ID)) },
		"live": func(st curfew.Standing) curfew.Standing {
			return s.change(starting(s.change(accepting(st, "m-"+st.ID))))
		},
	}
	for customer, step := range steps {
		step(s.admit(customer))
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Admit(s.Context(), admission(customer))
			return err
		})
	}
}

func refusesKey(s *scene) {
	st, err := s.Store.Admit(s.Context(), keyed("ada", "key"))
	s.must(err)
	s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	s.refused(curfew.Conflict, func() error {
		_, err := s.Store.Admit(s.Context(), keyed("ada", "key"))
		return err
	})
	_, err = s.Store.Admit(s.Context(), keyed("bob", "key"))
	s.must(err)
}

func refusesID(s *scene) {
	a := admission("ada")
	st, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	for _, use := range []func(*curfew.Admission){
		func(b *curfew.Admission) { b.Session.ID, b.Request.SessionID = a.Session.ID, a.Session.ID },
		func(b *curfew.Admission) { b.Checkout.ID, b.Session.CheckoutID = a.Checkout.ID, a.Checkout.ID },
		func(b *curfew.Admission) { b.Request.ID = a.Request.ID },
	} {
		b := admission("ada")
		use(&b)
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Admit(s.Context(), b)
			return err
		})
	}
}

func admitsAfterEnd(s *scene) {
	s.change(ending(s.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	s.change(ending(s.live("ada", "max"), curfew.Completed, curfew.Finished))
	second := s.admit("ada")
	open, err := s.Store.Open(s.Context(), "ada")
	s.must(err)
	s.sameStanding("the open session", open, second)
}

func admitsBesideScheduled(s *scene) {
	appointment := s.scheduled("ada")
	waiting := s.admit("ada")
	all, err := s.Store.Unended(s.Context(), "ada")
	s.must(err)
	s.same("unended", ids(all), []string{appointment.ID, waiting.ID})
}
