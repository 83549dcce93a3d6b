package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var extensions = contract{
	"an extension moves duration and deadline, with its payment":          extendsLive,
	"only a live session with that version is extended, and only in time": extendsUnmoved,
	"an extension's reference is claimed once":                            refusesExtension,
	"a payment is recorded with its outcome":                              records,
	"a recorded payment's reference is claimed once":                      refusesRecord,
	"extensions are settled with their session, and never as a credit":    settlesExtensions,
	"extensions of a completed session stay paid":                         keepsExtensions,
	"another program's cancellation also marks the money of extensions":   marksExtensions,
	"figures are the rows' counts after extensions were bought and ended": countsExtensions,
}

// extending returns an extension by ten minutes.
func extending(st curfew.Snapshot) record.Extension {
	c := admission(st.CustomerID).Checkout
	c.Plan = "more10"
	return record.Extension{Checkout: c, From: st.Session, By: 10 * time.Minute, Actor: shop, Reason: "extended by 10 minutes"}
}

func (f *paymentFixture) extended(st curfew.Snapshot) (curfew.Snapshot, curfew.Checkout) {
	f.Helper()
	x := extending(st)
	got, err := f.Store.Extend(f.Context(), x)
	f.must(err)
	return got, f.checkout(st.CustomerID, x.Checkout.ID)
}

func extendsLive(f *fixture) {
	st := f.aged(f.live("ada", "max"), 10*time.Minute)
	x := extending(st)
	got, err := f.Store.Extend(f.Context(), x)
	f.must(err)
	want := st
	want.Version, want.Duration, want.ExpiresAt = 4, st.Duration+10*time.Minute, st.ExpiresAt.Add(10*time.Minute)
	f.sameSnapshot("the extended session", got, want)
	f.sameSnapshot("what is stored", f.read(st.ID), got)
	bought := x.Checkout
	bought.Outcome, bought.Version, bought.SessionID = curfew.Fulfilled, 1, st.ID
	bought.CreatedAt, bought.UpdatedAt = got.Now, got.Now
	f.same("its payment", f.checkout("ada", x.Checkout.ID), bought)
	r, err := f.Store.Reference(f.Context(), x.Checkout.Ref)
	f.must(err)
	f.same("the session of its reference", r.Session, got.Session)
	f.history("ada", x.Checkout.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: x.Reason})
	events, err := f.Store.Events(f.Context(), "ada", st.ID)
	f.must(err)
	e := events[len(events)-1]
	f.same("the event", []any{e.Number, e.From, e.To, e.Reason}, []any{int64(4), "live", "live", x.Reason})
	got, _ = f.extended(got)
	f.same("extended twice", got.Duration, st.Duration+20*time.Minute)
}

func extendsUnmoved(f *fixture) {
	live := f.live("ada", "m1")
	moved := live
	moved.Version--
	another := live
	another.CustomerID = "bob"
	for _, st := range []curfew.Snapshot{
		moved, another, f.accepted("waiting", "m2"), f.aged(f.live("overdue", "m3"), time.Hour),
		f.change(endChange(f.live("ended", "m4"), curfew.Completed, curfew.Finished)), f.scheduled("scheduled"),
	} {
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Extend(f.Context(), extending(st))
			return err
		})
	}
}

func refusesExtension(f *fixture) {
	st := f.live("ada", "max")
	st, c := f.extended(st)
	for _, ref := range []string{c.Ref, f.paidBy(st).Ref} {
		x := extending(st)
		x.Checkout.Ref = ref
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Extend(f.Context(), x)
			return err
		})
	}
}

func records(f *fixture) {
	st := f.change(endChange(f.live("ada", "max"), curfew.Completed, curfew.Finished))
	for outcome, refund := range map[curfew.Outcome]int64{curfew.RefundDue: 990, curfew.Held: 0, curfew.Refunded: 990} {
		c := admission("ada").Checkout
		c.Outcome, c.SessionID = outcome, st.ID
		got, err := f.Store.Record(f.Context(), c, shop, "too late")
		f.must(err)
		want := c
		want.Version, want.RefundAmount, want.CreatedAt, want.UpdatedAt = 1, refund, got.Now, got.Now
		f.same("the receipt", got, record.Receipt{Checkout: want, Session: st.Session, RequestID: st.Request.ID, Now: got.Now})
		f.same("what is stored", f.checkout("ada", c.ID), want)
		f.history("ada", c.ID, curfew.Event{To: string(outcome), Actor: shop, Reason: "too late"})
	}
	f.counted()
}

func refusesRecord(f *fixture) {
	c := f.paidBy(f.admit("ada"))
	again := admission("ada").Checkout
	again.Ref, again.Outcome = c.Ref, curfew.Held
	f.refused(curfew.Conflict, func() error {
		_, err := f.Store.Record(f.Context(), again, shop, "again")
		return err
	})
}

func settlesExtensions(f *fixture) {
	for owed, want := range map[curfew.Outcome]curfew.Outcome{
		curfew.Credited: curfew.RefundDue, curfew.RefundDue: curfew.RefundDue, curfew.Forfeited: curfew.Forfeited,
		curfew.Refunded: curfew.RefundDue,
	} {
		before := f.credited(string(owed)) // of another session, and left alone
		st, first := f.extended(f.live(string(owed), "max"))
		st, second := f.extended(st)
		c := endChange(st, curfew.Cancelled, curfew.TooShort)
		c.Owed = owed
		f.change(c)
		own := f.paidBy(st)
		f.same("its own payment", own.Outcome, owed)
		f.same("what is given back of it", own.RefundAmount,
			map[curfew.Outcome]int64{curfew.RefundDue: own.Amount, curfew.Refunded: own.Amount}[owed])
		for _, x := range []curfew.Checkout{first, second} {
			now := f.checkout(st.CustomerID, x.ID)
			f.same("an extension's payment", now.Outcome, want)
			f.same("what is given back", now.RefundAmount, map[curfew.Outcome]int64{curfew.RefundDue: 990}[want])
			f.history(st.CustomerID, x.ID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "extended by 10 minutes"},
				curfew.Event{To: string(want), Actor: c.Actor, Reason: "too_short"})
		}
		f.same("an older payment", f.checkout(st.CustomerID, before.ID), before)
	}
}

func keepsExtensions(f *fixture) {
	st, x := f.extended(f.live("ada", "max"))
	st = f.aged(st, 2*time.Hour)
	f.same("ended", f.ended(batch(curfew.Fulfilled, st)), []string{st.ID})
	f.same("its payment", f.checkout("ada", x.ID).Outcome, curfew.Fulfilled)
	f.same("the end of what overran", f.read(st.ID).EndedAt, st.StartedAt.Add(40*time.Minute))
}

func marksExtensions(f *fixture) {
	st, x := f.extended(f.live("ada", "max"))
	f.exec("UPDATE {sessions} SET status = 'cancelled' WHERE id = $1", st.ID)
	all, err := f.Store.Unsettled(f.Context(), "ada", 9)
	f.must(err)
	f.same("unsettled", len(all), 2)
	for _, r := range all {
		f.same("whose session", r.Session.ID, st.ID)
		f.same("an extension", r.Extension(), r.Checkout.ID == x.ID)
	}
}

func countsExtensions(f *fixture) {
	st, _ := f.extended(f.live("ada", "m1"))
	f.counted()
	f.extended(st)
	f.extended(f.live("bob", "m2"))
	f.counted()
	f.change(endChange(f.read(st.ID), curfew.Cancelled, curfew.TooShort))
	f.counted()
}
