package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var appointments = contract{
	"an appointment is booked with its payment and without a request":       books,
	"a booking's reference is claimed once":                                 refusesBooking,
	"lesson 7: next week's appointment is never picked for today's request": neverPicked,
	"an appointment begins with the slot and a request":                     begins,
	"a taken slot is reported as such, and changes nothing":                 beginsInTakenSlot,
	"an appointment that has changed does not begin":                        beginsUnmoved,
	"before its start an appointment does not begin":                        beginsOverdueOnly,
	"a postponed appointment waits for its second chance":                   postpones,
	"a share is given back, rounded up to the minor unit":                   givesShares,
	"what is given back follows the outcome":                                givesBack,
	"appointments nobody looked at are counted":                             countsOverdueScheduled,
}

// booking returns the admission of an appointment that starts after the given time.
func booking(customer string, in time.Duration) record.Admission {
	a := admission(customer)
	a.Session.StartsAt, a.Request, a.Deadline = time.Now().Add(in), curfew.Request{}, curfew.Deadline{}
	return a
}

// scheduled admits an appointment that starts in a minute.
func (f *sessionFixture) scheduled(customer string) curfew.Snapshot {
	f.Helper()
	st, err := f.Store.Admit(f.Context(), booking(customer, time.Minute))
	f.must(err)
	return st
}

// postponed returns an appointment that was postponed once, to a minute after its first start, two
// minutes from now.
func (f *sessionFixture) postponed(customer string) curfew.Snapshot {
	f.Helper()
	return f.change(postponing(f.scheduled(customer), time.Minute))
}

func postponing(st curfew.Snapshot, by time.Duration) record.Change {
	return record.Change{
		From: st.Session, To: curfew.Scheduled, Reason: "the slot is taken", Actor: shop,
		Deadline: curfew.Deadline{After: time.Hour, Limit: st.StartsAt.Add(by)},
	}
}

// begun returns the change that moves an appointment into the queue.
func begun(st curfew.Snapshot) record.Change {
	return record.Change{
		From: st.Session, Guard: record.Guard{Overdue: record.Yes}, To: curfew.Waiting, Reason: "due", Actor: curfew.Sweeper,
		Deadline: curfew.Deadline{After: 15 * time.Minute}, Offer: newID(),
	}
}

func books(f *fixture) {
	a := booking("ada", 48*time.Hour)
	got, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	want := curfew.Snapshot{Session: a.Session, Now: got.Now}
	want.Status, want.Version, want.CreatedAt = curfew.Scheduled, 1, got.Now
	want.StartsAt = a.Session.StartsAt.UTC().Truncate(time.Microsecond)
	want.ExpiresAt = want.StartsAt
	f.same("the snapshot of an appointment", got, want)
	f.sameSnapshot("what is stored", f.read(got.ID), got)
	f.same("its requests", f.rows("SELECT id FROM {session_requests}"), []string(nil))
	f.history("ada", got.ID, curfew.Event{To: "scheduled", Actor: shop, Reason: "paid"})
	f.history("ada", got.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"})
	r, err := f.Store.Reference(f.Context(), a.Checkout.Ref)
	f.must(err)
	f.same("the session of its reference", r.Session, got.Session)
	f.same("a second one", f.scheduled("ada").Status, curfew.Scheduled)
	f.counted()
}

func refusesBooking(f *fixture) {
	a := booking("ada", time.Hour)
	_, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	again := booking("bob", time.Hour)
	again.Checkout.Ref = a.Checkout.Ref
	f.refused(curfew.Conflict, func() error {
		_, err := f.Store.Admit(f.Context(), again)
		return err
	})
}

func neverPicked(f *fixture) {
	appointment, err := f.Store.Admit(f.Context(), booking("ada", 7*24*time.Hour))
	f.must(err)
	_, err = f.Store.Open(f.Context(), "ada")
	f.kind(err, curfew.NotFound)
	today := f.admit("ada")
	got, err := f.Store.SessionOf(f.Context(), today.Request.ID)
	f.must(err)
	f.sameSnapshot("the session of today's request", got, today)
	queue, err := f.Store.Pending(f.Context(), curfew.Cursor{}, 9)
	f.must(err)
	f.same("the queue", ids(queue), []string{today.ID})
	f.change(accepting(today, "max"))
	f.sameSnapshot("next week's appointment", f.read(appointment.ID), appointment)
}

func begins(f *fixture) {
	st := f.aged(f.scheduled("ada"), 2*time.Minute)
	c := begun(st)
	got := f.change(c)
	want := st
	want.Status, want.Version, want.ExpiresAt = curfew.Waiting, 2, got.Now.Add(15*time.Minute)
	want.Request = curfew.Request{
		ID: c.Offer, SessionID: st.ID, CustomerID: "ada", CustomerName: "Ada", Status: curfew.Pending, CreatedAt: got.Now,
	}
	f.sameSnapshot("the begun appointment", got, want)
	f.same("its payment", f.paidBy(got).Version, int64(1))
	f.history("ada", st.ID, curfew.Event{To: "scheduled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "waiting", Actor: curfew.Sweeper, Reason: "due"})
	queue, err := f.Store.Pending(f.Context(), curfew.Cursor{}, 9)
	f.must(err)
	f.same("the queue", ids(queue), []string{st.ID})
	f.change(endChange(f.change(starting(f.change(accepting(got, "max")))), curfew.Completed, curfew.Finished))
	f.counted()
}

func beginsInTakenSlot(f *fixture) {
	st := f.aged(f.scheduled("ada"), 2*time.Minute)
	f.live("ada", "max")
	f.refused(curfew.SessionOpen, func() error {
		_, err := f.Store.Change(f.Context(), begun(st))
		return err
	})
}

func beginsUnmoved(f *fixture) {
	st := f.aged(f.scheduled("ada"), 2*time.Minute)
	f.change(postponing(st, time.Minute))
	f.refused(curfew.Conflict, func() error {
		_, err := f.Store.Change(f.Context(), begun(st))
		return err
	})
}

func beginsOverdueOnly(f *fixture) {
	st := f.scheduled("ada")
	f.refused(curfew.Conflict, func() error {
		_, err := f.Store.Change(f.Context(), begun(st))
		return err
	})
}

func postpones(f *fixture) {
	st := f.aged(f.scheduled("ada"), 2*time.Minute)
	f.same("its rule", ruleOf(st), curfew.Due)
	got := f.change(postponing(st, 15*time.Minute))
	want := st
	want.Version, want.ExpiresAt = 2, st.StartsAt.Add(15*time.Minute)
	f.sameSnapshot("the postponed appointment", got, want)
	f.same("its rule then", ruleOf(got), curfew.Misses)
	f.same("due", f.find(record.Search{Limit: 9}), []string(nil))
	f.endsNone("what waits for its second chance", batch(curfew.Credited, got))
	f.same("missed then", f.ended(batch(curfew.Credited, f.aged(got, 15*time.Minute))), []string{st.ID})
}

func ruleOf(st curfew.Snapshot) curfew.RuleName {
	rule, _ := record.RuleFor(st, record.Terms{})
	return rule.Name
}

func givesShares(f *fixture) {
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
		st, err := f.Store.Admit(f.Context(), a)
		f.must(err)
		c := endChange(st, curfew.Cancelled, curfew.ByRequest)
		c.Owed, c.Share = curfew.RefundDue, test.share
		f.change(c)
		f.same("what is given back of "+customer, f.paidBy(st).RefundAmount, test.want)
	}
}

func givesBack(f *fixture) {
	late := f.aged(f.admit("ada"), time.Hour)
	f.same("ended", f.ended(batch(curfew.RefundDue, late)), []string{late.ID})
	f.same("of a batch", f.paidBy(late).RefundAmount, int64(990))
	f.same("of a credit", f.credited("bob").RefundAmount, int64(0))

	st := f.scheduled("cyd")
	c := endChange(st, curfew.Cancelled, curfew.ByRequest)
	c.Owed, c.Share = curfew.RefundDue, 50
	f.change(c)
	paid := f.paidBy(st)
	for _, to := range []curfew.Outcome{curfew.Refunding, curfew.RefundDue, curfew.Refunding, curfew.Refunded} {
		paid = f.move(paid, to)
		f.same("while "+string(to), paid.RefundAmount, int64(495))
	}
	paid = f.move(f.move(f.deferred("dan", time.Hour), curfew.RefundDue), curfew.RefundDue)
	f.same("of a deferral", paid.RefundAmount, int64(990))
	_, err := f.Store.Admit(f.Context(), spending(paid))
	f.must(err)
	f.same("of what pays for a session after all", f.checkout("dan", paid.ID).RefundAmount, int64(0))
}

func countsOverdueScheduled(f *fixture) {
	f.scheduled("in time")
	f.aged(f.scheduled("just now"), time.Minute+time.Second)
	f.aged(f.scheduled("overdue"), 2*time.Minute)
	f.same("overdue appointments", f.sessionFigures().OverdueScheduled, 1)
}
