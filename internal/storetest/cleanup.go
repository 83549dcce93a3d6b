package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

var cleanups = contract{
	"what is due is whole standings":                                      findStandings,
	"every standing is due once it is past its deadline":                  findsOverdue,
	"what is due is in order of deadlines, page by page to the end":       findPages,
	"deadlines of one moment are paged by their ids":                      findTies,
	"at its exact deadline nothing is due yet":                            findsNothingAtTheDeadline,
	"what cannot write its events changes nothing":                        changesNothingWithoutEvents,
	"one customer's are found alone":                                      findsCustomer,
	"orphans are due by their age too":                                    findsOrphans,
	"a max age replaces the deadline of unassigned ones only":             findsByAge,
	"lesson 1: each rule ends what is its own, with all that hangs on it": endsByRule,
	"lesson 2: a batch ends what has not moved and leaves the rest":       endsUnmoved,
	"lesson 4: a batch ends nothing of another rule's":                    endsOwnRule,
	"a batch ends nothing before its deadline":                            endsOverdueOnly,
	"an orphan's age ends it before its deadline":                         endsOldOrphans,
	"what is cleared by hand ends by its age, the rest by deadline":       endsCleared,
	"a batch takes what each of its endings says":                         endsEach,
	"a note stands behind the reason in the events":                       endsWithNote,
	"a second run ends nothing":                                           endsTwice,
	"an empty batch ends nothing":                                         endsNothing,
	"a batch of many answers in its own order":                            endsMany,
	"the next deadline is the earliest there is":                          nextDeadline,
	"the next deadline may be asked for behind a moment":                  nextDeadlineBehind,
}

// find is the ids of one page of what is due.
func (s *scene) find(search curfew.Search) []string {
	s.Helper()
	page, err := s.Store.Find(s.Context(), search)
	s.must(err)
	return ids(page)
}

// due is everything that is due, read page by page.
func (s *scene) due(search curfew.Search) []string {
	s.Helper()
	var all []string
	for {
		page, err := s.Store.Find(s.Context(), search)
		s.must(err)
		if len(page) == 0 {
			return all
		}
		if len(page) > search.Limit || len(all) > 1000 {
			s.Fatalf("a page of %d after %d sessions, with a limit of %d", len(page), len(all), search.Limit)
		}
		all = append(all, ids(page)...)
		last := page[len(page)-1]
		search.After = curfew.Cursor{At: last.ExpiresAt, ID: last.ID}
	}
}

// standings is one session of every sort that has not ended, by its rule: each
// an hour past its deadline.
func (s *scene) standings() map[curfew.RuleName]curfew.Standing {
	s.Helper()
	all := map[curfew.RuleName]curfew.Standing{
		curfew.OldWaiting: s.admit("waiting"),
		curfew.NoShows:    s.accepted("assigned", "max"),
		curfew.Overruns:   s.live("live", "eve"),
		curfew.Due:        s.scheduled("due"),
		curfew.Misses:     s.postponed("postponed"),
		curfew.Orphans:    s.orphan("orphan"),
	}
	for rule, st := range all {
		all[rule] = s.aged(st, st.ExpiresAt.Sub(st.Now)+time.Hour)
	}
	return all
}

func findStandings(s *scene) {
	st := s.aged(s.accepted("ada", "max"), time.Hour)
	page, err := s.Store.Find(s.Context(), curfew.Search{Limit: 9})
	s.must(err)
	s.same("sessions that are due", len(page), 1)
	s.sameStanding("the first", page[0], st)
	s.same("overdue as read", page[0].Overdue(), true)
}

func findsOverdue(s *scene) {
	s.same("due in an empty store", s.find(curfew.Search{Limit: 9}), []string(nil))
	s.admit("fresh")
	s.accepted("accepted", "m1")
	s.live("running", "m2")
	s.aged(s.change(ending(s.admit("ended"), curfew.Cancelled, curfew.ByRequest)), time.Hour)
	s.same("due in time", s.find(curfew.Search{Limit: 9}), []string(nil))
	var want []string
	for _, st := range s.standings() {
		want = append(want, st.ID)
	}
	got := s.find(curfew.Search{Limit: 9})
	slices.Sort(got)
	slices.Sort(want)
	s.same("due", got, want)
}

func findPages(s *scene) {
	var want []string
	for i := range 7 {
		want = append(want, s.aged(s.admit(fmt.Sprint("customer-", i)), time.Duration(60+i)*time.Minute).ID)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 7, 100} {
		for name, search := range map[string]curfew.Search{
			"sweep": {}, "orphans": {OrphanTTL: 20 * time.Minute}, "by age": {MaxAge: 30 * time.Minute},
		} {
			search.Limit = limit
			s.same(fmt.Sprintf("%s in pages of %d", name, limit), s.due(search), want)
		}
	}
}

func findTies(s *scene) {
	var want []string
	for i := range 7 {
		want = append(want, s.admit(fmt.Sprint("customer-", i)).ID)
	}
	s.exec("UPDATE {sessions} SET expires_at = " + s.past(time.Minute) + " WHERE status = 'waiting'")
	slices.Sort(want)
	s.same("due at one moment", s.due(curfew.Search{Limit: 2}), want)
}

func findsCustomer(s *scene) {
	ada := s.aged(s.admit("ada"), time.Hour)
	s.aged(s.admit("bob"), time.Hour)
	for name, search := range map[string]curfew.Search{
		"overdue": {}, "orphans": {OrphanTTL: 20 * time.Minute}, "by age": {MaxAge: 30 * time.Minute},
	} {
		search.CustomerID, search.Limit = "ada", 9
		s.same("Ada's, "+name, s.find(search), []string{ada.ID})
		search.CustomerID = "cyd"
		s.same("Cyd's, "+name, s.find(search), []string(nil))
	}
}

// patientAdmission is one whose session waits for two hours.
func (s *scene) patientAdmission(customer string) curfew.Standing {
	s.Helper()
	a := admission(customer)
	a.Deadline.After = 2 * time.Hour
	st, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	return st
}

// vanish takes a session's request away, which makes it an orphan.
func (s *scene) vanish(st curfew.Standing) curfew.Standing {
	s.Helper()
	s.spoil("UPDATE {session_requests} SET status = 'expired', ended_at = created_at WHERE session_id = $1", st.ID)
	return s.read(st.ID)
}

func findsOrphans(s *scene) {
	old := s.aged(s.vanish(s.patientAdmission("old")), 21*time.Minute)
	s.aged(s.vanish(s.patientAdmission("young")), 19*time.Minute)
	s.aged(s.patientAdmission("offered"), time.Hour)
	s.aged(s.vanish(s.accepted("assigned", "max")), 25*time.Minute)
	late := s.aged(s.admit("late"), 16*time.Minute)
	s.same("due by deadline", s.find(curfew.Search{Limit: 9}), []string{late.ID})
	s.same("due with orphans", s.find(curfew.Search{OrphanTTL: 20 * time.Minute, Limit: 9}), []string{late.ID, old.ID})
}

func findsByAge(s *scene) {
	old := s.aged(s.patientAdmission("old"), 31*time.Minute)
	orphan := s.aged(s.vanish(s.patientAdmission("orphan")), 32*time.Minute)
	s.aged(s.vanish(s.patientAdmission("young orphan")), 25*time.Minute)
	s.aged(s.admit("late but young"), 16*time.Minute)
	noShow := s.aged(s.accepted("no-show", "m1"), 31*time.Minute)
	live := s.aged(s.live("live", "m2"), time.Hour)
	s.change(accepting(s.aged(s.patientAdmission("old but just assigned"), time.Hour), "m3"))
	brief := accepting(s.admit("young no-show"), "m4")
	brief.Deadline.After = time.Minute
	young := s.aged(s.change(brief), 90*time.Second)
	got := s.find(curfew.Search{MaxAge: 30 * time.Minute, OrphanTTL: 20 * time.Minute, Limit: 9})
	s.same("due by age", got, []string{live.ID, noShow.ID, young.ID, orphan.ID, old.ID})
}

// next is how far ahead the next deadline behind a moment lies.
func (s *scene) next(after time.Time) (in time.Duration, ok bool) {
	s.Helper()
	at, now, err := s.Store.NextDeadline(s.Context(), after)
	s.must(err)
	s.around("the store's clock", now, time.Now())
	return at.Sub(now), !at.IsZero()
}

// within fails unless the next deadline behind the moment is at most a minute
// before what was meant.
func (s *scene) within(after time.Time, want time.Duration) {
	s.Helper()
	if in, ok := s.next(after); !ok || in > want || in < want-time.Minute {
		s.Fatalf("the next deadline is in %s (%t), want %s", in, ok, want)
	}
}

func nextDeadline(s *scene) {
	_, ok := s.next(time.Time{})
	s.same("a deadline in an empty store", ok, false)
	s.change(ending(s.live("ended", "m1"), curfew.Completed, curfew.Finished))
	s.credited("credited")
	_, ok = s.next(time.Time{})
	s.same("a deadline where all has ended", ok, false)

	s.deferred("cyd", 2*time.Hour)
	s.within(time.Time{}, 2*time.Hour)
	s.live("bob", "m2")
	s.within(time.Time{}, 45*time.Minute)
	waiting := s.admit("ada")
	s.within(time.Time{}, 15*time.Minute)
	s.deferred("ada", 5*time.Minute)
	s.within(time.Time{}, 5*time.Minute)
	s.scheduled("dan")
	s.within(time.Time{}, time.Minute)
	s.aged(waiting, 25*time.Minute)
	s.within(time.Time{}, -10*time.Minute)
}

func nextDeadlineBehind(s *scene) {
	overdue := s.aged(s.admit("ada"), time.Hour)
	s.within(overdue.ExpiresAt.Add(-time.Microsecond), -45*time.Minute)
	_, ok := s.next(overdue.ExpiresAt)
	s.same("a deadline behind the only one", ok, false)
	s.deferred("cyd", 2*time.Hour)
	bob := s.admit("bob")
	s.within(overdue.ExpiresAt, 15*time.Minute)
	s.within(bob.ExpiresAt, 2*time.Hour)
	_, ok = s.next(time.Now().Add(3 * time.Hour))
	s.same("a deadline behind all of them", ok, false)
}

// findsNothingAtTheDeadline: what expires at this very moment is still good.
func findsNothingAtTheDeadline(s *scene) {
	if s.Freeze == nil {
		s.Skip("this store's clock cannot be stopped")
	}
	s.Freeze(s.T)
	a := admission("ada")
	a.Deadline = curfew.Deadline{}
	st, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	st = s.read(st.ID)
	s.same("the deadline is now", st.ExpiresAt, st.Now)
	for what, search := range map[string]curfew.Search{
		"all": {Limit: 9}, "with orphans": {Limit: 9, OrphanTTL: time.Hour}, "by age": {Limit: 9, MaxAge: time.Hour},
		"of the customer": {Limit: 9, CustomerID: "ada"},
	} {
		s.same("due of "+what, s.find(search), []string(nil))
	}
	s.endsNone("what is at its deadline", batch(curfew.Credited, st))
	s.Age(s.T, st.ID, time.Microsecond)
	s.same("due a microsecond later", s.find(curfew.Search{Limit: 9}), []string{st.ID})
}

// changesNothingWithoutEvents: an event and its change are committed together.
func changesNothingWithoutEvents(s *scene) {
	late, waiting, credit := s.aged(s.admit("late"), time.Hour), s.admit("waiting"), s.credited("credited")
	deferred, held := s.deferred("deferred", time.Hour), s.record("held", curfew.Held)
	live, kept := s.live("live", "mia"), s.accepted("kept", "moe")
	for what, step := range map[string]func() error{
		"end":   func() error { _, err := s.Store.End(s.Context(), batch(curfew.Credited, late)); return err },
		"admit": func() error { _, err := s.Store.Admit(s.Context(), admission("ada")); return err },
		"spend": func() error { _, err := s.Store.Admit(s.Context(), spending(credit)); return err },
		"defer": func() error {
			_, err := s.Store.Defer(s.Context(), admission("bob").Checkout, shop, time.Hour)
			return err
		},
		"change": func() error { _, err := s.Store.Change(s.Context(), accepting(waiting, "max")); return err },
		"move": func() error {
			_, err := s.Store.ChangeCheckout(s.Context(), curfew.CheckoutChange{From: deferred, To: curfew.RefundDue, Actor: shop})
			return err
		},
		"remark": func() error {
			_, err := s.Store.Remark(s.Context(), curfew.Remark{From: deferred, Note: "n", Actor: shop})
			return err
		},
		"cancel": s.changing(ending(kept, curfew.Cancelled, curfew.ByRequest)),
		"extend": func() error { return failed(s.Store.Extend(s.Context(), extending(live))) },
		"record": func() error {
			return failed(s.Store.Record(s.Context(), unrecorded("cyd", curfew.RefundDue), shop, "recorded"))
		},
		"repair": func() error {
			return failed(s.Store.Repair(s.Context(), curfew.Repair{From: held, CustomerID: "dan", Plan: "video15", Retry: time.Hour, Actor: shop}))
		},
	} {
		s.changesNothingWithout("events", what, step)
	}
	s.changesNothingWithout("runs", "end", func() error {
		_, err := s.Store.End(s.Context(), batch(curfew.Credited, late))
		return err
	})
}

// changesNothingWithout: a step fails without the table, and leaves nothing.
func (s *scene) changesNothingWithout(table, what string, step func() error) {
	s.Helper()
	before := s.dump()
	s.exec("ALTER TABLE {" + table + "} RENAME TO " + table + "_away")
	err := step()
	s.exec("ALTER TABLE {" + table + "_away} RENAME TO " + table)
	if err == nil {
		s.Errorf("%s does not need %s", what, table)
	}
	s.same("rows after "+what+" without "+table, s.dump(), before)
}
