package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

// end ends a batch.
func (s *scene) end(b curfew.Batch) []curfew.Ended {
	s.Helper()
	got, err := s.Store.End(s.Context(), b)
	s.must(err)
	return got
}

// ended ends a batch and is the ids of what ended.
func (s *scene) ended(b curfew.Batch) []string {
	s.Helper()
	var all []string
	for _, e := range s.end(b) {
		all = append(all, e.Session.ID)
	}
	return all
}

// endsNone ends a batch that must change nothing.
func (s *scene) endsNone(what string, b curfew.Batch) {
	s.Helper()
	before := s.dump()
	s.same("ended of "+what, s.ended(b), []string(nil))
	s.same("rows after ending nothing of "+what, s.dump(), before)
}

func endsByRule(s *scene) {
	for name, st := range s.standings() {
		rule, _ := curfew.RuleFor(st)
		s.same("the rule of "+string(name), rule.Name, name)
		if !rule.To.Ended() {
			continue
		}
		owed := curfew.Credited
		if rule.To == curfew.Completed {
			owed = curfew.Fulfilled
		}
		b := batch(owed, st)
		got := s.end(b)
		s.same("ended by "+string(name), len(got), 1)
		s.sameEnding(rule, st, got[0])
		s.follows(rule, b, st)
	}
	s.same("slots", s.rows("SELECT * FROM {mechanic_slots}"), []string(nil))
}

// sameEnding compares what a batch answers with what it should have done.
func (s *scene) sameEnding(rule curfew.Rule, before curfew.Standing, got curfew.Ended) {
	s.Helper()
	after := s.read(before.ID)
	want := before.Session
	want.Status, want.EndReason = rule.To, rule.Reason
	want.Version++
	want.ExpiresAt, want.EndedAt = time.Time{}, after.EndedAt
	s.same("the ended session", got, curfew.Ended{Session: want, Deadline: before.ExpiresAt, RequestEnded: before.Offered()})
	s.same("what is stored", after.Session, want)
	if before.Offered() {
		s.same("its request", after.Request.Status, rule.RequestTo)
	}
	if rule.Reason == curfew.Overran {
		s.same("the end of what overran", want.EndedAt, before.StartedAt.Add(before.Duration))
	} else {
		s.around("the end", want.EndedAt, after.Now)
	}
}

// follows compares the newest events of session and payment.
func (s *scene) follows(rule curfew.Rule, b curfew.Batch, before curfew.Standing) {
	s.Helper()
	events, err := s.Store.Events(s.Context(), before.CustomerID, before.ID)
	s.must(err)
	e := events[len(events)-1]
	s.same("the event", []any{e.Number, e.From, e.To, e.Reason, e.Actor, e.RunID},
		[]any{before.Version + 1, string(rule.From), string(rule.To), string(rule.Reason), b.Actor, b.RunID})
	if before.CheckoutID == "" {
		return
	}
	paid, want := s.paidBy(before), b.Endings[0].Owed
	s.same("the payment", paid.Outcome, want)
	if want == curfew.Fulfilled {
		s.same("the payment's version", paid.Version, int64(1))
		return
	}
	s.history(before.CustomerID, before.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: string(want), Actor: b.Actor, Reason: string(rule.Reason), RunID: b.RunID})
}

func endsUnmoved(s *scene) {
	late := func(customer string) curfew.Standing { return s.aged(s.admit(customer), time.Hour) }
	first, moved, ended, last := late("first"), late("moved"), late("ended"), late("last")
	s.change(curfew.Change{From: moved.Session, To: curfew.Waiting, Reason: "moved", Actor: shop})
	s.change(ending(ended, curfew.Cancelled, curfew.ByRequest))
	missing, another := late("missing"), late("another's")
	b := batch(curfew.Credited, last, moved, missing, ended, another, first)
	b.Endings[2].SessionID = newID()
	b.Endings[4].CustomerID = "somebody"
	s.same("ended, in the order of the batch", s.ended(b), []string{last.ID, first.ID})
	s.same("still due", len(s.find(curfew.Search{Limit: 9})), 3)
}

// endsOwnRule is lesson 4's ground: whatever a batch says, its rule's whole
// condition is asked of the row.
func endsOwnRule(s *scene) {
	all := s.standings()
	for _, rule := range curfew.Rules() {
		for name, st := range all {
			if name == rule.Name || !rule.To.Ended() {
				continue
			}
			b := batch(curfew.Credited, st)
			b.Rule = rule
			b.Endings[0].Reason = rule.Reason
			s.endsNone(fmt.Sprintf("%s by %s", name, rule.Name), b)
			b.Guard.OlderThan = time.Minute
			b.Endings[0].Reason = curfew.Cleared
			s.endsNone(fmt.Sprintf("%s cleared by %s", name, rule.Name), b)
		}
	}
}

func endsOverdueOnly(s *scene) {
	for _, st := range []curfew.Standing{
		s.admit("waiting"), s.accepted("assigned", "max"), s.live("live", "eve"), s.postponed("postponed"), s.orphan("orphan"),
	} {
		st = s.aged(st, st.ExpiresAt.Sub(st.Now)-30*time.Second)
		b := batch(curfew.Credited, st)
		s.endsNone(st.CustomerID, b)
		if b.Rule.Name != curfew.Orphans {
			b.Guard.OlderThan = 10 * time.Second
			s.endsNone(st.CustomerID+" by its age", b)
		}
	}
}

func endsOldOrphans(s *scene) {
	young := s.aged(s.vanish(s.patientAdmission("young")), 19*time.Minute)
	old := s.aged(s.vanish(s.patientAdmission("old")), 21*time.Minute)
	late := s.aged(s.orphan("late"), 16*time.Minute)
	s.endsNone("an orphan without its guard", batch(curfew.Credited, old))
	b := batch(curfew.Credited, young, old, late)
	b.Guard.OlderThan = 20 * time.Minute
	s.same("ended", s.ended(b), []string{old.ID, late.ID})
}

func endsCleared(s *scene) {
	young := s.aged(s.patientAdmission("young"), 29*time.Minute)
	old := s.aged(s.patientAdmission("old"), 31*time.Minute)
	unnamed := s.aged(s.patientAdmission("unnamed"), 31*time.Minute)
	late := s.aged(s.admit("late"), 31*time.Minute)
	b := batch(curfew.RefundDue, young, old, unnamed, late)
	b.Guard.OlderThan = 30 * time.Minute
	b.Endings[0].Reason, b.Endings[1].Reason = curfew.Cleared, curfew.Cleared
	s.same("ended", s.ended(b), []string{old.ID, late.ID})
	s.same("the reason by hand", s.read(old.ID).EndReason, curfew.Cleared)
	s.same("the reason by deadline", s.read(late.ID).EndReason, curfew.Expired)
	b.Guard.OlderThan = 0
	s.endsNone("what is cleared without an age", b)
}

func endsEach(s *scene) {
	outcomes := []curfew.Outcome{curfew.Credited, curfew.RefundDue, curfew.Forfeited, curfew.Fulfilled, ""}
	var all []curfew.Standing
	for i := range outcomes {
		all = append(all, s.aged(s.accepted(fmt.Sprint("customer-", i), fmt.Sprint("mechanic-", i)), time.Hour))
	}
	b := batch("", all...)
	for i, owed := range outcomes {
		b.Endings[i].Owed = owed
	}
	s.spoiled = true // Two cancelled ones stay fulfilled.
	s.same("ended", s.ended(b), ids(all))
	want := []curfew.Outcome{curfew.Credited, curfew.RefundDue, curfew.Forfeited, curfew.Fulfilled, curfew.Fulfilled}
	for i, st := range all {
		paid := s.paidBy(st)
		s.same("the payment", paid.Outcome, want[i])
		if changed := want[i] != curfew.Fulfilled; (paid.Version == 2) != changed {
			s.Errorf("a payment that is %s has version %d", paid.Outcome, paid.Version)
		}
	}
}

func endsWithNote(s *scene) {
	st := s.aged(s.admit("ada"), time.Hour)
	b := batch(curfew.Credited, st)
	b.Note = awkward
	s.same("ended", s.ended(b), []string{st.ID})
	for _, subject := range []string{st.ID, st.CheckoutID} {
		events, err := s.Store.Events(s.Context(), "ada", subject)
		s.must(err)
		s.same("the event's reason", events[1].Reason, "expired: "+awkward)
	}
	s.same("the session's reason", s.read(st.ID).EndReason, curfew.Expired)
}

func endsTwice(s *scene) {
	st := s.aged(s.admit("ada"), time.Hour)
	b := batch(curfew.Credited, st)
	s.same("ended", s.ended(b), []string{st.ID})
	s.endsNone("what has ended", b)
	b.Endings[0].Version++
	s.endsNone("what has ended, by its new version", b)
	s.same("due", s.find(curfew.Search{Limit: 9}), []string(nil))
}

func endsNothing(s *scene) {
	b := batch(curfew.Credited, s.aged(s.admit("ada"), time.Hour))
	b.Endings = nil
	s.endsNone("nothing", b)
}

func endsMany(s *scene) {
	var all []curfew.Standing
	for i := range 60 {
		all = append(all, s.aged(s.admit(fmt.Sprint("customer-", i)), time.Hour))
	}
	slices.Reverse(all)
	got := s.end(batch(curfew.Credited, all...))
	var stats curfew.Stats
	for i, e := range got {
		stats.Count(curfew.OldWaiting, e.RequestEnded)
		s.same("the order", e.Session.ID, all[i].ID)
	}
	s.same("counted", stats, curfew.Stats{OldWaitingSessions: 60, ExpiredRequests: 60, TotalCleaned: 120})
	s.same("stored", s.rows("SELECT end_reason, count(*) FROM {sessions} GROUP BY end_reason"), []string{"expired|60"})
}
