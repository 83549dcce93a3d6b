package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var admissions = contract{
	"a fresh checkout brings a waiting session with a pending request":    admitsFresh,
	"a fresh checkout is stored unchanged":                                admitsCheckout,
	"an admission leaves one event of its session and one of its payment": admitsWithEvents,
	"a free session claims no reference":                                  admitsFree,
	"a deadline's limit is kept":                                          admitsWithinLimit,
	"times are UTC and whole microseconds":                                admitsInMicroseconds,
	"a reference is claimed once, whoever asks":                           refusesReference,
	"lesson 6: a customer's slot is taken once":                           refusesSlot,
	"a key is claimed once per customer":                                  refusesKey,
	"an id is used once":                                                  refusesID,
	"a slot is free again once its session has ended":                     admitsAfterEnd,
	"an appointment does not take the slot":                               admitsBesideScheduled,
}

func admitsFresh(f *fixture) {
	a := admission("ada")
	got, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	want := curfew.Snapshot{Session: a.Session, Request: a.Request, Now: got.Now}
	want.Status, want.Version = curfew.Waiting, 1
	want.CreatedAt, want.ExpiresAt = got.Now, got.Now.Add(15*time.Minute)
	want.Request.Status, want.Request.CreatedAt = curfew.Pending, got.Now
	f.same("the snapshot of a new session", got, want)
	f.sameSnapshot("what is stored", f.read(got.ID), got)
	f.around("the store's now", got.Now, time.Now())
}

func admitsCheckout(f *fixture) {
	a := admission("ada")
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	want := a.Checkout
	want.Outcome, want.Version, want.SessionID = curfew.Fulfilled, 1, a.Session.ID
	want.CreatedAt, want.UpdatedAt = st.Now, st.Now
	f.same("the checkout", f.paidBy(st), want)

	r, err := f.Store.Reference(f.Context(), a.Checkout.Ref)
	f.must(err)
	f.same("the receipt", r, record.Receipt{Checkout: want, Session: st.Session, RequestID: st.Request.ID, Now: r.Now})
	if r.Now.Before(st.Now) {
		f.Errorf("a later reading says %s, before %s", r.Now, st.Now)
	}
}

func admitsWithEvents(f *fixture) {
	st := f.admit("ada")
	for subject, to := range map[string]string{st.ID: "waiting", st.CheckoutID: "fulfilled"} {
		f.history(st.CustomerID, subject, curfew.Event{To: to, Actor: shop, Reason: "paid"})
	}
	events, err := f.Store.Events(f.Context(), "ada", st.ID)
	f.must(err)
	if !events[0].At.Equal(st.CreatedAt) {
		f.Errorf("the event is of %s, the session of %s", events[0].At, st.CreatedAt)
	}
}

func admitsFree(f *fixture) {
	for _, customer := range []string{"ada", "bob"} {
		a := admission(customer)
		a.Checkout.Ref, a.Checkout.Amount, a.Checkout.Currency = "", 0, ""
		st, err := f.Store.Admit(f.Context(), a)
		f.must(err)
		f.same("the free checkout's reference", f.paidBy(st).Ref, "")
	}
	f.same("claims", f.rows("SELECT * FROM {payment_refs}"), []string(nil))
	_, err := f.Store.Reference(f.Context(), "")
	f.kind(err, curfew.NotFound)
}

func admitsWithinLimit(f *fixture) {
	limit := f.admit("first").Now.Add(5 * time.Minute)
	a := admission("ada")
	a.Deadline.Limit = limit
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	f.same("the deadline under an earlier limit", st.ExpiresAt, limit)

	a = admission("bob")
	a.Deadline.Limit = limit.Add(time.Hour)
	st, err = f.Store.Admit(f.Context(), a)
	f.must(err)
	f.same("the deadline under a later limit", st.ExpiresAt, st.Now.Add(15*time.Minute))
}

func admitsInMicroseconds(f *fixture) {
	a := admission("ada")
	a.Deadline.After = time.Minute + 1500*time.Nanosecond
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	c := f.paidBy(st)
	for what, at := range map[string]time.Time{
		"now": st.Now, "createdAt": st.CreatedAt, "expiresAt": st.ExpiresAt, "the request's createdAt": st.Request.CreatedAt,
		"the checkout's createdAt": c.CreatedAt, "the checkout's updatedAt": c.UpdatedAt,
	} {
		if at.Location() != time.UTC || !at.Equal(at.Truncate(time.Microsecond)) {
			f.Errorf("%s is %s in %s", what, at, at.Location())
		}
	}
	f.sameSnapshot("what is stored", f.read(st.ID), st)
}

func refusesReference(f *fixture) {
	first := admission("ada")
	st, err := f.Store.Admit(f.Context(), first)
	f.must(err)
	f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	for _, customer := range []string{"ada", "bob"} {
		again := admission(customer)
		again.Checkout.Ref = first.Checkout.Ref
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Admit(f.Context(), again)
			return err
		})
	}
}

func refusesSlot(f *fixture) {
	steps := map[string]func(curfew.Snapshot) curfew.Snapshot{
		"waiting":  func(st curfew.Snapshot) curfew.Snapshot { return st },
		"overdue":  func(st curfew.Snapshot) curfew.Snapshot { return f.aged(st, time.Hour) },
		"assigned": func(st curfew.Snapshot) curfew.Snapshot { return f.change(accepting(st, "m-"+st.ID)) },
		"live": func(st curfew.Snapshot) curfew.Snapshot {
			return f.change(starting(f.change(accepting(st, "m-"+st.ID))))
		},
	}
	for customer, step := range steps {
		step(f.admit(customer))
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Admit(f.Context(), admission(customer))
			return err
		})
	}
}

func refusesKey(f *fixture) {
	st, err := f.Store.Admit(f.Context(), keyed("ada", "key"))
	f.must(err)
	f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	f.refused(curfew.Conflict, func() error {
		_, err := f.Store.Admit(f.Context(), keyed("ada", "key"))
		return err
	})
	_, err = f.Store.Admit(f.Context(), keyed("bob", "key"))
	f.must(err)
}

func refusesID(f *fixture) {
	a := admission("ada")
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	for _, use := range []func(*record.Admission){
		func(b *record.Admission) { b.Session.ID, b.Request.SessionID = a.Session.ID, a.Session.ID },
		func(b *record.Admission) { b.Checkout.ID, b.Session.CheckoutID = a.Checkout.ID, a.Checkout.ID },
		func(b *record.Admission) { b.Request.ID = a.Request.ID },
	} {
		b := admission("ada")
		use(&b)
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Admit(f.Context(), b)
			return err
		})
	}
}

func admitsAfterEnd(f *fixture) {
	f.change(endChange(f.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	f.change(endChange(f.live("ada", "max"), curfew.Completed, curfew.Finished))
	second := f.admit("ada")
	open, err := f.Store.Open(f.Context(), "ada")
	f.must(err)
	f.sameSnapshot("the open session", open, second)
}

func admitsBesideScheduled(f *fixture) {
	appointment := f.scheduled("ada")
	waiting := f.admit("ada")
	all, err := f.Store.Unended(f.Context(), "ada")
	f.must(err)
	f.same("unended", ids(all), []string{appointment.ID, waiting.ID})
}
