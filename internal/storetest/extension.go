package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
)

var extensions = contract{
	"an extension moves duration and deadline, with its payment":          extendsLive,
	"only a live session of that version, in time, is extended":           extendsUnmoved,
	"an extension's reference is claimed once":                            refusesExtension,
	"a payment is recorded with its outcome":                              records,
	"a recorded payment's reference is claimed once":                      refusesRecord,
	"extensions are settled with their session, and never as a credit":    settlesExtensions,
	"extensions of a completed session stay paid":                         keepsExtensions,
	"another program's cancellation marks the money of extensions too":    marksExtensions,
	"figures are the rows' counts after extensions were bought and ended": countsExtensions,
}

// extending buys ten minutes more.
func extending(st curfew.Standing) curfew.Extension {
	c := admission(st.CustomerID).Checkout
	c.Plan = "more10"
	return curfew.Extension{Checkout: c, From: st.Session, By: 10 * time.Minute, Actor: shop, Reason: "extended by 10 minutes"}
}

func (s *scene) extended(st curfew.Standing) (curfew.Standing, curfew.Checkout) {
	s.Helper()
	x := extending(st)
	got, err := s.Store.Extend(s.Context(), x)
	s.must(err)
	return got, s.checkout(st.CustomerID, x.Checkout.ID)
}

func extendsLive(s *scene) {
	st := s.aged(s.live("ada", "max"), 10*time.Minute)
	x := extending(st)
	got, err := s.Store.Extend(s.Context(), x)
	s.must(err)
	want := st
	want.Version, want.Duration, want.ExpiresAt = 4, st.Duration+10*time.Minute, st.ExpiresAt.Add(10*time.Minute)
	s.sameStanding("the extended session", got, want)
	s.sameStanding("what is stored", s.read(st.ID), got)
	bought := x.Checkout
	bought.Outcome, bought.Version, bought.SessionID = curfew.Fulfilled, 1, st.ID
	bought.CreatedAt, bought.UpdatedAt = got.Now, got.Now
	s.same("its payment", s.checkout("ada", x.Checkout.ID), bought)
	r, err := s.Store.Reference(s.Context(), x.Checkout.Ref)
	s.must(err)
	s.same("the session of its reference", r.Session, got.Session)
	s.history("ada", x.Checkout.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: x.Reason})
	events, err := s.Store.Events(s.Context(), "ada", st.ID)
	s.must(err)
	e := events[len(events)-1]
	s.same("the event", []any{e.Number, e.From, e.To, e.Reason}, []any{int64(4), "live", "live", x.Reason})
	got, _ = s.extended(got)
	s.same("extended twice", got.Duration, st.Duration+20*time.Minute)
}

func extendsUnmoved(s *scene) {
	live := s.live("ada", "m1")
	moved := live
	moved.Version--
	another := live
	another.CustomerID = "bob"
	for _, st := range []curfew.Standing{
		moved, another, s.accepted("waiting", "m2"), s.aged(s.live("overdue", "m3"), time.Hour),
		s.change(ending(s.live("ended", "m4"), curfew.Completed, curfew.Finished)), s.scheduled("scheduled"),
	} {
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Extend(s.Context(), extending(st))
			return err
		})
	}
}

func refusesExtension(s *scene) {
	st := s.live("ada", "max")
	st, c := s.extended(st)
	for _, ref := range []string{c.Ref, s.paidBy(st).Ref} {
		x := extending(st)
		x.Checkout.Ref = ref
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Extend(s.Context(), x)
			return err
		})
	}
}

func records(s *scene) {
	st := s.change(ending(s.live("ada", "max"), curfew.Completed, curfew.Finished))
	for outcome, refund := range map[curfew.Outcome]int64{curfew.RefundDue: 990, curfew.Held: 0, curfew.Refunded: 990} {
		c := admission("ada").Checkout
		c.Outcome, c.SessionID = outcome, st.ID
		got, err := s.Store.Record(s.Context(), c, shop, "too late")
		s.must(err)
		want := c
		want.Version, want.RefundAmount, want.CreatedAt, want.UpdatedAt = 1, refund, got.Now, got.Now
		s.same("the receipt", got, curfew.Receipt{Checkout: want, Session: st.Session, RequestID: st.Request.ID, Now: got.Now})
		s.same("what is stored", s.checkout("ada", c.ID), want)
		s.history("ada", c.ID, curfew.Event{To: string(outcome), Actor: shop, Reason: "too late"})
	}
	s.counted()
}

func refusesRecord(s *scene) {
	c := s.paidBy(s.admit("ada"))
	again := admission("ada").Checkout
	again.Ref, again.Outcome = c.Ref, curfew.Held
	s.refused(curfew.Conflict, func() error {
		_, err := s.Store.Record(s.Context(), again, shop, "again")
		return err
	})
}

func settlesExtensions(s *scene) {
	for owed, want := range map[curfew.Outcome]curfew.Outcome{
		curfew.Credited: curfew.RefundDue, curfew.RefundDue: curfew.RefundDue, curfew.Forfeited: curfew.Forfeited,
		curfew.Refunded: curfew.RefundDue,
	} {
		before := s.credited(string(owed)) // of another session, and left alone
		st, first := s.extended(s.live(string(owed), "max"))
		st, second := s.extended(st)
		c := ending(st, curfew.Cancelled, curfew.TooShort)
		c.Owed = owed
		s.change(c)
		own := s.paidBy(st)
		s.same("its own payment", own.Outcome, owed)
		s.same("what is given back of it", own.RefundAmount,
			map[curfew.Outcome]int64{curfew.RefundDue: own.Amount, curfew.Refunded: own.Amount}[owed])
		for _, x := range []curfew.Checkout{first, second} {
			now := s.checkout(st.CustomerID, x.ID)
			s.same("an extension's payment", now.Outcome, want)
			s.same("what is given back", now.RefundAmount, map[curfew.Outcome]int64{curfew.RefundDue: 990}[want])
			s.history(st.CustomerID, x.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "extended by 10 minutes"},
				curfew.Event{To: string(want), Actor: c.Actor, Reason: "too_short"})
		}
		s.same("an older payment", s.checkout(st.CustomerID, before.ID), before)
	}
}

func keepsExtensions(s *scene) {
	st, x := s.extended(s.live("ada", "max"))
	st = s.aged(st, 2*time.Hour)
	s.same("ended", s.ended(batch(curfew.Fulfilled, st)), []string{st.ID})
	s.same("its payment", s.checkout("ada", x.ID).Outcome, curfew.Fulfilled)
	s.same("the end of what overran", s.read(st.ID).EndedAt, st.StartedAt.Add(40*time.Minute))
}

func marksExtensions(s *scene) {
	st, x := s.extended(s.live("ada", "max"))
	s.exec("UPDATE {sessions} SET status = 'cancelled' WHERE id = $1", st.ID)
	all, err := s.Store.Unsettled(s.Context(), "ada", 9)
	s.must(err)
	s.same("unsettled", len(all), 2)
	for _, r := range all {
		s.same("whose session", r.Session.ID, st.ID)
		s.same("an extension", r.Extension(), r.Checkout.ID == x.ID)
	}
}

func countsExtensions(s *scene) {
	st, _ := s.extended(s.live("ada", "m1"))
	s.counted()
	s.extended(st)
	s.extended(s.live("bob", "m2"))
	s.counted()
	s.change(ending(s.read(st.ID), curfew.Cancelled, curfew.TooShort))
	s.counted()
}
