package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// end ends a batch.
func (f *sessionFixture) end(b record.Batch) []record.Ended {
	f.Helper()
	got, err := f.Store.End(f.Context(), b)
	f.must(err)
	return got
}

// ended ends a batch and returns the ids of the sessions that ended.
func (f *sessionFixture) ended(b record.Batch) []string {
	f.Helper()
	var all []string
	for _, e := range f.end(b) {
		all = append(all, e.Session.ID)
	}
	return all
}

// endsNone ends a batch that must change nothing.
func (f *sessionFixture) endsNone(what string, b record.Batch) {
	f.Helper()
	before := f.dump()
	f.same("ended of "+what, f.ended(b), []string(nil))
	f.same("rows after ending nothing of "+what, f.dump(), before)
}

func endsByRule(f *fixture) {
	for name, st := range f.snapshots() {
		rule, _ := record.RuleFor(st, record.Terms{Offer: true, Spent: true})
		f.same("the rule of "+string(name), rule.Name, name)
		if !rule.To.Ended() {
			continue
		}
		owed := curfew.Credited
		if rule.To == curfew.Completed {
			owed = curfew.Fulfilled
		}
		b := batch(owed, st)
		b.Rule, b.Ends[0].Reason = rule, rule.Reason
		got := f.end(b)
		f.same("ended by "+string(name), len(got), 1)
		f.sameEnd(rule, st, got[0])
		f.follows(rule, b, st)
	}
	f.same("slots", f.rows("SELECT * FROM {mechanic_slots}"), []string(nil))
}

// sameEnd compares the result of a batch with the expected one.
func (f *sessionFixture) sameEnd(rule record.Rule, before curfew.Snapshot, got record.Ended) {
	f.Helper()
	after := f.read(before.ID)
	want := before.Session
	want.Status, want.EndReason = rule.To, rule.Reason
	want.Version++
	want.ExpiresAt, want.EndedAt = time.Time{}, after.EndedAt
	f.same("the ended session", got, record.Ended{Session: want, Deadline: before.ExpiresAt, RequestEnded: before.Offered()})
	f.same("what is stored", after.Session, want)
	if before.Offered() {
		f.same("its request", after.Request.Status, rule.RequestTo)
	}
	if rule.Reason == curfew.Overran {
		f.same("the end of what overran", want.EndedAt, before.StartedAt.Add(before.Duration))
	} else {
		f.around("the end", want.EndedAt, after.Now)
	}
}

// follows checks the newest events of the session and its payment.
func (f *paymentFixture) follows(rule record.Rule, b record.Batch, before curfew.Snapshot) {
	f.Helper()
	events, err := f.Store.Events(f.Context(), before.CustomerID, before.ID)
	f.must(err)
	e := events[len(events)-1]
	f.same("the event", []any{e.Number, e.From, e.To, e.Reason, e.Actor, e.RunID},
		[]any{before.Version + 1, string(rule.From), string(rule.To), string(rule.Reason), b.Actor, b.RunID})
	if before.CheckoutID == "" {
		return
	}
	paid, want := f.paidBy(before), b.Ends[0].Owed
	f.same("the payment", paid.Outcome, want)
	if want == curfew.Fulfilled {
		f.same("the payment's version", paid.Version, int64(1))
		return
	}
	f.history(before.CustomerID, before.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: string(want), Actor: b.Actor, Reason: string(rule.Reason), RunID: b.RunID})
}

func endsUnmoved(f *fixture) {
	late := func(customer string) curfew.Snapshot { return f.aged(f.admit(customer), time.Hour) }
	first, moved, ended, last := late("first"), late("moved"), late("ended"), late("last")
	f.change(record.Change{From: moved.Session, To: curfew.Waiting, Reason: "moved", Actor: shop})
	f.change(endChange(ended, curfew.Cancelled, curfew.ByRequest))
	missing, another := late("missing"), late("another's")
	b := batch(curfew.Credited, last, moved, missing, ended, another, first)
	b.Ends[2].SessionID = newID()
	b.Ends[4].CustomerID = "somebody"
	f.same("ended, in the order of the batch", f.ended(b), []string{last.ID, first.ID})
	f.same("still due", len(f.find(record.Search{Limit: 9})), 3)
}

// endsOwnRule covers lesson 4: whatever a batch says, each row must satisfy its rule's whole
// condition.
func endsOwnRule(f *fixture) {
	all := f.snapshots()
	for _, rule := range record.Rules() {
		for name, st := range all {
			if name == rule.Name || !rule.To.Ended() || name == curfew.Absences && rule.Name == curfew.NoShows {
				continue // where mechanics have no time of their own, who did not come is a no-show
			}
			b := batch(curfew.Credited, st)
			b.Rule = rule
			b.Ends[0].Reason = rule.Reason
			f.endsNone(fmt.Sprintf("%s by %s", name, rule.Name), b)
			b.Guard.OlderThan = time.Minute
			b.Ends[0].Reason = curfew.Cleared
			f.endsNone(fmt.Sprintf("%s cleared by %s", name, rule.Name), b)
		}
	}
}

func endsOverdueOnly(f *fixture) {
	for _, st := range []curfew.Snapshot{
		f.admit("waiting"), f.accepted("assigned", "max"), f.live("live", "eve"), f.postponed("postponed"), f.orphan("orphan"),
	} {
		st = f.aged(st, st.ExpiresAt.Sub(st.Now)-30*time.Second)
		b := batch(curfew.Credited, st)
		f.endsNone(st.CustomerID, b)
		if b.Rule.Name != curfew.Orphans {
			b.Guard.OlderThan = 10 * time.Second
			f.endsNone(st.CustomerID+" by its age", b)
		}
	}
}

func endsOldOrphans(f *fixture) {
	young := f.aged(f.vanish(f.longAdmission("young")), 19*time.Minute)
	old := f.aged(f.vanish(f.longAdmission("old")), 21*time.Minute)
	late := f.aged(f.orphan("late"), 16*time.Minute)
	f.endsNone("an orphan without its guard", batch(curfew.Credited, old))
	b := batch(curfew.Credited, young, old, late)
	b.Guard.OlderThan = 20 * time.Minute
	f.same("ended", f.ended(b), []string{old.ID, late.ID})
}

func endsCleared(f *fixture) {
	young := f.aged(f.longAdmission("young"), 29*time.Minute)
	old := f.aged(f.longAdmission("old"), 31*time.Minute)
	unnamed := f.aged(f.longAdmission("unnamed"), 31*time.Minute)
	late := f.aged(f.admit("late"), 31*time.Minute)
	b := batch(curfew.RefundDue, young, old, unnamed, late)
	b.Guard.OlderThan = 30 * time.Minute
	b.Ends[0].Reason, b.Ends[1].Reason = curfew.Cleared, curfew.Cleared
	f.same("ended", f.ended(b), []string{old.ID, late.ID})
	f.same("the reason by hand", f.read(old.ID).EndReason, curfew.Cleared)
	f.same("the reason by deadline", f.read(late.ID).EndReason, curfew.Expired)
	b.Guard.OlderThan = 0
	f.endsNone("what is cleared without an age", b)
}

func endsEach(f *fixture) {
	outcomes := []curfew.Outcome{curfew.Credited, curfew.RefundDue, curfew.Forfeited, curfew.Fulfilled, ""}
	var all []curfew.Snapshot
	for i := range outcomes {
		all = append(all, f.aged(f.accepted(fmt.Sprint("customer-", i), fmt.Sprint("mechanic-", i)), time.Hour))
	}
	b := batch("", all...)
	for i, owed := range outcomes {
		b.Ends[i].Owed = owed
	}
	f.corrupted = true // Two cancelled ones stay fulfilled.
	f.same("ended", f.ended(b), ids(all))
	want := []curfew.Outcome{curfew.Credited, curfew.RefundDue, curfew.Forfeited, curfew.Fulfilled, curfew.Fulfilled}
	for i, st := range all {
		paid := f.paidBy(st)
		f.same("the payment", paid.Outcome, want[i])
		if changed := want[i] != curfew.Fulfilled; (paid.Version == 2) != changed {
			f.Errorf("a payment that is %s has version %d", paid.Outcome, paid.Version)
		}
	}
}

func endsWithNote(f *fixture) {
	st := f.aged(f.admit("ada"), time.Hour)
	b := batch(curfew.Credited, st)
	b.Note = awkward
	f.same("ended", f.ended(b), []string{st.ID})
	for _, subject := range []string{st.ID, st.CheckoutID} {
		events, err := f.Store.Events(f.Context(), "ada", subject)
		f.must(err)
		f.same("the event's reason", events[1].Reason, "expired: "+awkward)
	}
	f.same("the session's reason", f.read(st.ID).EndReason, curfew.Expired)
}

func endsTwice(f *fixture) {
	st := f.aged(f.admit("ada"), time.Hour)
	b := batch(curfew.Credited, st)
	f.same("ended", f.ended(b), []string{st.ID})
	f.endsNone("what has ended", b)
	b.Ends[0].Version++
	f.endsNone("what has ended, by its new version", b)
	f.same("due", f.find(record.Search{Limit: 9}), []string(nil))
}

func endsNothing(f *fixture) {
	b := batch(curfew.Credited, f.aged(f.admit("ada"), time.Hour))
	b.Ends = nil
	f.endsNone("nothing", b)
}

func endsMany(f *fixture) {
	var all []curfew.Snapshot
	for i := range 60 {
		all = append(all, f.aged(f.admit(fmt.Sprint("customer-", i)), time.Hour))
	}
	slices.Reverse(all)
	got := f.end(batch(curfew.Credited, all...))
	var stats curfew.Stats
	for i, e := range got {
		stats.Count(curfew.OldWaiting, e.RequestEnded)
		f.same("the order", e.Session.ID, all[i].ID)
	}
	f.same("counted", stats, curfew.Stats{OldWaitingSessions: 60, ExpiredRequests: 60, TotalCleaned: 120})
	f.same("stored", f.rows("SELECT end_reason, count(*) FROM {sessions} GROUP BY end_reason"), []string{"expired|60"})
}
