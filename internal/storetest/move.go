package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
)

// accepts is lesson 10's and 4's ground: one write gives session, request and
// slot to the mechanic.
func accepts(s *scene) {
	before := s.admit("ada")
	got := s.change(accepting(before, "max"))
	want := before
	want.MechanicID, want.Version, want.AcceptedAt, want.ExpiresAt = "max", 2, got.Now, got.Now.Add(30*time.Minute)
	want.Request.Status, want.Request.MechanicID = curfew.Accepted, "max"
	s.sameStanding("the accepted session", got, want)

	slot, err := s.Store.Slot(s.Context(), "max")
	s.must(err)
	s.same("the slot", slot, curfew.Slot{MechanicID: "max", CustomerID: "ada", SessionID: got.ID})
	s.history("ada", got.ID, curfew.Event{To: "waiting", Actor: shop, Reason: "paid"},
		curfew.Event{To: "waiting", Actor: curfew.Actor{Role: curfew.Mechanic, ID: "max"}, Reason: "accepted"})
}

func acceptsWhileBusy(s *scene) {
	s.accepted("ada", "max")
	other := s.admit("bob")
	s.refused(curfew.MechanicBusy, func() error {
		_, err := s.Store.Change(s.Context(), accepting(other, "max"))
		return err
	})
	s.change(accepting(other, "eve"))
}

func releases(s *scene) {
	st := s.accepted("ada", "max")
	st = s.change(curfew.Change{
		From: st.Session, To: curfew.Waiting, Reason: "joined", Actor: shop, CustomerJoins: true,
	})
	got := s.change(releasing(st))
	want := st
	want.MechanicID, want.Version, want.AcceptedAt, want.ExpiresAt = "", 4, time.Time{}, got.Now.Add(15*time.Minute)
	want.Request.Status, want.Request.MechanicID = curfew.Pending, ""
	s.sameStanding("the released session", got, want)

	_, err := s.Store.Slot(s.Context(), "max")
	s.kind(err, curfew.NotFound)
	s.same("its payment", s.paidBy(got).Outcome, curfew.Fulfilled)
	s.change(accepting(s.admit("bob"), "max"))
	s.change(accepting(got, "eve"))
}

func acceptsAfterRelease(s *scene) {
	st := s.accepted("ada", "max")
	for _, c := range []curfew.Change{{CustomerJoins: true}, {MechanicJoins: true}} {
		c.From, c.To, c.Reason, c.Actor = st.Session, curfew.Waiting, "joined", shop
		st = s.change(c)
	}
	st = s.aged(st, 50*time.Minute)
	st = s.change(releasing(st))
	s.same("the mechanic's join after the release", st.MechanicJoinedAt, time.Time{})
	s.same("a release's deadline has its limit", st.ExpiresAt, st.CreatedAt.Add(time.Hour))
	st = s.change(accepting(st, "eve"))
	s.same("the next mechanic's join", st.MechanicJoinedAt, time.Time{})
}

func joins(s *scene) {
	st := s.accepted("ada", "max")
	got := s.change(curfew.Change{
		From: st.Session, To: curfew.Waiting, Reason: "mechanic joined", Actor: shop, MechanicJoins: true,
	})
	want := st
	want.Version, want.MechanicJoinedAt = 3, got.Now
	s.sameStanding("after the first join", got, want)
}

func starts(s *scene) {
	st := s.accepted("ada", "max")
	got := s.change(starting(st))
	want := st
	want.Status, want.Version = curfew.Live, 3
	want.CustomerJoinedAt, want.MechanicJoinedAt, want.StartedAt = got.Now, got.Now, got.Now
	want.ExpiresAt = got.Now.Add(45 * time.Minute)
	s.sameStanding("the live session", got, want)
}

func extends(s *scene) {
	st := s.aged(s.live("ada", "max"), 10*time.Minute)
	got := s.change(curfew.Change{
		From: st.Session, To: curfew.Live, Reason: "extended", Actor: shop, Deadline: curfew.Deadline{After: time.Hour},
	})
	want := st
	want.Version, want.ExpiresAt = 4, got.Now.Add(time.Hour)
	s.sameStanding("the extended session", got, want)
}

func endsAll(s *scene) {
	st := s.accepted("ada", "max")
	c := ending(st, curfew.Cancelled, curfew.NoShow)
	got := s.change(c)
	want := st
	want.Status, want.Version, want.EndReason = curfew.Cancelled, 3, curfew.NoShow
	want.EndedAt, want.ExpiresAt = got.Now, time.Time{}
	want.Request.Status = curfew.RequestCancelled
	s.sameStanding("the cancelled session", got, want)

	_, err := s.Store.Slot(s.Context(), "max")
	s.kind(err, curfew.NotFound)
	paid := s.paidBy(got)
	s.same("the payment", paid.Outcome, curfew.Credited)
	s.same("the payment's version", paid.Version, int64(2))
	s.same("the payment moved", paid.UpdatedAt, got.Now)
	s.history("ada", got.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "credited", Actor: c.Actor, Reason: "no_show"})
}

func completes(s *scene) {
	for customer, owed := range map[string]curfew.Outcome{"ada": curfew.Fulfilled, "bob": ""} {
		st := s.live(customer, "m-"+customer)
		before := s.paidBy(st)
		c := ending(st, curfew.Completed, curfew.Finished)
		c.Owed = owed
		got := s.change(c)
		s.same("the request", got.Request.Status, curfew.RequestCompleted)
		s.same("the payment", s.paidBy(got), before)
	}
}

func keepsHistory(s *scene) {
	st := s.live("ada", "max")
	got := s.change(ending(st, curfew.Cancelled, curfew.TooShort))
	want := st
	want.Status, want.Version, want.EndReason = curfew.Cancelled, 4, curfew.TooShort
	want.EndedAt, want.ExpiresAt = got.Now, time.Time{}
	want.Request.Status = curfew.RequestCancelled
	s.sameStanding("the session that was too short", got, want)
}

func capsOverrun(s *scene) {
	st := s.aged(s.live("ada", "max"), time.Hour)
	got := s.change(ending(st, curfew.Completed, curfew.Overran))
	s.same("the end of what overran", got.EndedAt, st.StartedAt.Add(st.Duration))
}

func endsNow(s *scene) {
	st := s.aged(s.live("ada", "max"), 10*time.Minute)
	got := s.change(ending(st, curfew.Completed, curfew.Overran))
	s.same("the end of what did not overrun", got.EndedAt, got.Now)
	st = s.aged(s.live("bob", "max"), time.Hour)
	got = s.change(ending(st, curfew.Completed, curfew.Finished))
	s.same("the end of what somebody ended late", got.EndedAt, got.Now)
}

func settlesOnce(s *scene) {
	st := s.admit("ada")
	s.spoil("UPDATE {checkouts} SET money_due = true WHERE id = $1", st.CheckoutID)
	c := ending(st, curfew.Cancelled, curfew.ByRequest)
	c.Owed = curfew.RefundDue
	s.change(c)
	paid := s.paidBy(st)
	s.same("what was marked is settled", paid.MoneyDue, false)
	s.same("the payment", paid.Outcome, curfew.RefundDue)

	st = s.admit("bob")
	due := s.move(s.paidBy(st), curfew.RefundDue)
	s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	s.same("a payment that is refund due", s.paidBy(st), due)
}

func endsUnpaid(s *scene) {
	st := s.admit("ada")
	s.spoil("UPDATE {sessions} SET checkout_id = NULL WHERE id = $1", st.ID)
	paid := s.paidBy(st)
	got := s.change(ending(s.read(st.ID), curfew.Cancelled, curfew.ByRequest))
	s.same("its checkout", got.CheckoutID, "")
	s.same("a payment that is not its", s.paidBy(st), paid)
}
