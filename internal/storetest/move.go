package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// accepts covers lessons 4 and 10: one write gives session, request and slot to the mechanic.
func accepts(f *fixture) {
	before := f.admit("ada")
	got := f.change(accepting(before, "max"))
	want := before
	want.MechanicID, want.Version, want.AcceptedAt, want.ExpiresAt = "max", 2, got.Now, got.Now.Add(30*time.Minute)
	want.Request.Status, want.Request.MechanicID = curfew.Accepted, "max"
	f.sameSnapshot("the accepted session", got, want)

	slot, err := f.Store.Slot(f.Context(), "max")
	f.must(err)
	f.same("the slot", slot, record.Slot{MechanicID: "max", CustomerID: "ada", SessionID: got.ID})
	f.history("ada", got.ID, curfew.Event{To: "waiting", Actor: shop, Reason: "paid"},
		curfew.Event{To: "waiting", Actor: curfew.Actor{Role: curfew.Mechanic, ID: "max"}, Reason: "accepted"})
}

func acceptsWhileBusy(f *fixture) {
	f.accepted("ada", "max")
	other := f.admit("bob")
	f.refused(curfew.MechanicBusy, func() error {
		_, err := f.Store.Change(f.Context(), accepting(other, "max"))
		return err
	})
	f.change(accepting(other, "eve"))
}

func releases(f *fixture) {
	st := f.accepted("ada", "max")
	st = f.change(record.Change{
		From: st.Session, To: curfew.Waiting, Reason: "joined", Actor: shop, CustomerJoins: true,
	})
	got := f.change(releasing(st))
	want := st
	want.MechanicID, want.Version, want.AcceptedAt, want.ExpiresAt = "", 4, time.Time{}, got.Now.Add(15*time.Minute)
	want.Request.Status, want.Request.MechanicID = curfew.Pending, ""
	f.sameSnapshot("the released session", got, want)

	_, err := f.Store.Slot(f.Context(), "max")
	f.kind(err, curfew.NotFound)
	f.same("its payment", f.paidBy(got).Outcome, curfew.Fulfilled)
	f.change(accepting(f.admit("bob"), "max"))
	f.change(accepting(got, "eve"))
}

func acceptsAfterRelease(f *fixture) {
	st := f.accepted("ada", "max")
	for _, c := range []record.Change{{CustomerJoins: true}, {MechanicJoins: true}} {
		c.From, c.To, c.Reason, c.Actor = st.Session, curfew.Waiting, "joined", shop
		st = f.change(c)
	}
	st = f.aged(st, 50*time.Minute)
	st = f.change(releasing(st))
	f.same("the mechanic's join after the release", st.MechanicJoinedAt, time.Time{})
	f.same("a release's deadline has its limit", st.ExpiresAt, st.CreatedAt.Add(time.Hour))
	st = f.change(accepting(st, "eve"))
	f.same("the next mechanic's join", st.MechanicJoinedAt, time.Time{})
}

func joins(f *fixture) {
	st := f.accepted("ada", "max")
	got := f.change(record.Change{
		From: st.Session, To: curfew.Waiting, Reason: "mechanic joined", Actor: shop, MechanicJoins: true,
	})
	want := st
	want.Version, want.MechanicJoinedAt = 3, got.Now
	f.sameSnapshot("after the first join", got, want)
}

func starts(f *fixture) {
	st := f.accepted("ada", "max")
	got := f.change(starting(st))
	want := st
	want.Status, want.Version = curfew.Live, 3
	want.CustomerJoinedAt, want.MechanicJoinedAt, want.StartedAt = got.Now, got.Now, got.Now
	want.ExpiresAt = got.Now.Add(45 * time.Minute)
	f.sameSnapshot("the live session", got, want)
}

func extends(f *fixture) {
	st := f.aged(f.live("ada", "max"), 10*time.Minute)
	got := f.change(record.Change{
		From: st.Session, To: curfew.Live, Reason: "extended", Actor: shop, Deadline: curfew.Deadline{After: time.Hour},
	})
	want := st
	want.Version, want.ExpiresAt = 4, got.Now.Add(time.Hour)
	f.sameSnapshot("the extended session", got, want)
}

func endsAll(f *fixture) {
	st := f.accepted("ada", "max")
	c := endChange(st, curfew.Cancelled, curfew.NoShow)
	got := f.change(c)
	want := st
	want.Status, want.Version, want.EndReason = curfew.Cancelled, 3, curfew.NoShow
	want.EndedAt, want.ExpiresAt = got.Now, time.Time{}
	want.Request.Status = curfew.RequestCancelled
	f.sameSnapshot("the cancelled session", got, want)

	_, err := f.Store.Slot(f.Context(), "max")
	f.kind(err, curfew.NotFound)
	paid := f.paidBy(got)
	f.same("the payment", paid.Outcome, curfew.Credited)
	f.same("the payment's version", paid.Version, int64(2))
	f.same("the payment moved", paid.UpdatedAt, got.Now)
	f.history("ada", got.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "credited", Actor: c.Actor, Reason: "no_show"})
}

func completes(f *fixture) {
	for customer, owed := range map[string]curfew.Outcome{"ada": curfew.Fulfilled, "bob": ""} {
		st := f.live(customer, "m-"+customer)
		before := f.paidBy(st)
		c := endChange(st, curfew.Completed, curfew.Finished)
		c.Owed = owed
		got := f.change(c)
		f.same("the request", got.Request.Status, curfew.RequestCompleted)
		f.same("the payment", f.paidBy(got), before)
	}
}

func keepsHistory(f *fixture) {
	st := f.live("ada", "max")
	got := f.change(endChange(st, curfew.Cancelled, curfew.TooShort))
	want := st
	want.Status, want.Version, want.EndReason = curfew.Cancelled, 4, curfew.TooShort
	want.EndedAt, want.ExpiresAt = got.Now, time.Time{}
	want.Request.Status = curfew.RequestCancelled
	f.sameSnapshot("the session that was too short", got, want)
}

func capsOverrun(f *fixture) {
	st := f.aged(f.live("ada", "max"), time.Hour)
	got := f.change(endChange(st, curfew.Completed, curfew.Overran))
	f.same("the end of what overran", got.EndedAt, st.StartedAt.Add(st.Duration))
}

func endsNow(f *fixture) {
	st := f.aged(f.live("ada", "max"), 10*time.Minute)
	got := f.change(endChange(st, curfew.Completed, curfew.Overran))
	f.same("the end of what did not overrun", got.EndedAt, got.Now)
	st = f.aged(f.live("bob", "max"), time.Hour)
	got = f.change(endChange(st, curfew.Completed, curfew.Finished))
	f.same("the end of what somebody ended late", got.EndedAt, got.Now)
}

func settlesOnce(f *fixture) {
	st := f.admit("ada")
	f.corrupt("UPDATE {checkouts} SET money_due = true WHERE id = $1", st.CheckoutID)
	c := endChange(st, curfew.Cancelled, curfew.ByRequest)
	c.Owed = curfew.RefundDue
	f.change(c)
	paid := f.paidBy(st)
	f.same("what was marked is settled", paid.MoneyDue, false)
	f.same("the payment", paid.Outcome, curfew.RefundDue)

	st = f.admit("bob")
	due := f.move(f.paidBy(st), curfew.RefundDue)
	f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	f.same("a payment that is refund due", f.paidBy(st), due)
}

func endsUnpaid(f *fixture) {
	st := f.admit("ada")
	f.corrupt("UPDATE {sessions} SET checkout_id = NULL WHERE id = $1", st.ID)
	paid := f.paidBy(st)
	got := f.change(endChange(f.read(st.ID), curfew.Cancelled, curfew.ByRequest))
	f.same("its checkout", got.CheckoutID, "")
	f.same("a payment that is not its", f.paidBy(st), paid)
}
