package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var cleanups = contract{
	"what is due is read as whole snapshots":                                          findSnapshots,
	"every session is due once it is past its deadline":                               findsOverdue,
	"what is due is in order of deadlines, page by page to the end":                   findPages,
	"deadlines of one moment are paged by their ids":                                  findTies,
	"at its exact deadline nothing is due yet":                                        findsNothingAtTheDeadline,
	"what cannot write its events changes nothing":                                    changesNothingWithoutEvents,
	"one customer's sessions are found alone":                                         findsCustomer,
	"orphans are also due by their age":                                               findsOrphans,
	"a max age replaces the deadline of unassigned sessions only":                     findsByAge,
	"lesson 1: each rule ends its own sessions, with everything that depends on them": endsByRule,
	"lesson 2: a batch ends unchanged sessions and leaves the rest":                   endsUnmoved,
	"lesson 4: a batch ends nothing that belongs to another rule":                     endsOwnRule,
	"a batch ends nothing before its deadline":                                        endsOverdueOnly,
	"an orphan's age ends it before its deadline":                                     endsOldOrphans,
	"sessions cleared by hand end by their age, the rest by deadline":                 endsCleared,
	"a batch settles each session as its own ending says":                             endsEach,
	"a note follows the reason in the events":                                         endsWithNote,
	"a second run ends nothing":                                                       endsTwice,
	"an empty batch ends nothing":                                                     endsNothing,
	"the results of a batch are in its own order":                                     endsMany,
	"the next deadline is the earliest one":                                           nextDeadline,
	"the next deadline after a given time can be read":                                nextDeadlineBehind,
}

// find returns the ids of one page of what is due.
func (f *sessionFixture) find(search record.Search) []string {
	f.Helper()
	page, err := f.Store.Find(f.Context(), search)
	f.must(err)
	return ids(page)
}

// due returns everything that is due, read page by page.
func (f *sessionFixture) due(search record.Search) []string {
	f.Helper()
	var all []string
	for {
		page, err := f.Store.Find(f.Context(), search)
		f.must(err)
		if len(page) == 0 {
			return all
		}
		if len(page) > search.Limit || len(all) > 1000 {
			f.Fatalf("a page of %d after %d sessions, with a limit of %d", len(page), len(all), search.Limit)
		}
		all = append(all, ids(page)...)
		last := page[len(page)-1]
		search.After = curfew.Cursor{At: last.ExpiresAt, ID: last.ID}
	}
}

// snapshots returns one session for every rule, each an hour past its deadline.
func (f *sessionFixture) snapshots() map[curfew.RuleName]curfew.Snapshot {
	f.Helper()
	all := map[curfew.RuleName]curfew.Snapshot{
		curfew.OldWaiting: f.admit("waiting"),
		curfew.Absences:   f.accepted("absent", "ann"),
		curfew.NoShows:    f.attended("assigned", "max"),
		curfew.Overruns:   f.live("live", "eve"),
		curfew.Due:        f.scheduled("due"),
		curfew.Misses:     f.postponed("postponed"),
		curfew.Orphans:    f.orphan("orphan"),
	}
	for rule, st := range all {
		all[rule] = f.aged(st, st.ExpiresAt.Sub(st.Now)+time.Hour)
	}
	return all
}

func findSnapshots(f *fixture) {
	st := f.aged(f.accepted("ada", "max"), time.Hour)
	page, err := f.Store.Find(f.Context(), record.Search{Limit: 9})
	f.must(err)
	f.same("sessions that are due", len(page), 1)
	f.sameSnapshot("the first", page[0], st)
	f.same("overdue as read", page[0].Overdue(), true)
}

func findsOverdue(f *fixture) {
	f.same("due in an empty store", f.find(record.Search{Limit: 9}), []string(nil))
	f.admit("fresh")
	f.accepted("accepted", "m1")
	f.live("running", "m2")
	f.aged(f.change(endChange(f.admit("ended"), curfew.Cancelled, curfew.ByRequest)), time.Hour)
	f.same("due in time", f.find(record.Search{Limit: 9}), []string(nil))
	var want []string
	for _, st := range f.snapshots() {
		want = append(want, st.ID)
	}
	got := f.find(record.Search{Limit: 9})
	slices.Sort(got)
	slices.Sort(want)
	f.same("due", got, want)
}

func findPages(f *fixture) {
	var want []string
	for i := range 7 {
		want = append(want, f.aged(f.admit(fmt.Sprint("customer-", i)), time.Duration(60+i)*time.Minute).ID)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 3, 7, 100} {
		for name, search := range map[string]record.Search{
			"sweep": {}, "orphans": {OrphanTTL: 20 * time.Minute}, "by age": {MaxAge: 30 * time.Minute},
		} {
			search.Limit = limit
			f.same(fmt.Sprintf("%s in pages of %d", name, limit), f.due(search), want)
		}
	}
}

func findTies(f *fixture) {
	var want []string
	for i := range 7 {
		want = append(want, f.admit(fmt.Sprint("customer-", i)).ID)
	}
	f.exec("UPDATE {sessions} SET expires_at = " + f.past(time.Minute) + " WHERE status = 'waiting'")
	slices.Sort(want)
	f.same("due at one moment", f.due(record.Search{Limit: 2}), want)
}

func findsCustomer(f *fixture) {
	ada := f.aged(f.admit("ada"), time.Hour)
	f.aged(f.admit("bob"), time.Hour)
	for name, search := range map[string]record.Search{
		"overdue": {}, "orphans": {OrphanTTL: 20 * time.Minute}, "by age": {MaxAge: 30 * time.Minute},
	} {
		search.CustomerID, search.Limit = "ada", 9
		f.same("Ada's, "+name, f.find(search), []string{ada.ID})
		search.CustomerID = "cyd"
		f.same("Cyd's, "+name, f.find(search), []string(nil))
	}
}

// longAdmission returns an admission whose session waits for two hours.
func (f *sessionFixture) longAdmission(customer string) curfew.Snapshot {
	f.Helper()
	a := admission(customer)
	a.Deadline.After = 2 * time.Hour
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	return st
}

// vanish deletes a session's request, which makes the session an orphan.
func (f *sessionFixture) vanish(st curfew.Snapshot) curfew.Snapshot {
	f.Helper()
	f.corrupt("UPDATE {session_requests} SET status = 'expired', ended_at = created_at WHERE session_id = $1", st.ID)
	return f.read(st.ID)
}

func findsOrphans(f *fixture) {
	old := f.aged(f.vanish(f.longAdmission("old")), 21*time.Minute)
	f.aged(f.vanish(f.longAdmission("young")), 19*time.Minute)
	f.aged(f.longAdmission("offered"), time.Hour)
	f.aged(f.vanish(f.accepted("assigned", "max")), 25*time.Minute)
	late := f.aged(f.admit("late"), 16*time.Minute)
	f.same("due by deadline", f.find(record.Search{Limit: 9}), []string{late.ID})
	f.same("due with orphans", f.find(record.Search{OrphanTTL: 20 * time.Minute, Limit: 9}), []string{late.ID, old.ID})
}

func findsByAge(f *fixture) {
	old := f.aged(f.longAdmission("old"), 31*time.Minute)
	orphan := f.aged(f.vanish(f.longAdmission("orphan")), 32*time.Minute)
	f.aged(f.vanish(f.longAdmission("young orphan")), 25*time.Minute)
	f.aged(f.admit("late but young"), 16*time.Minute)
	noShow := f.aged(f.accepted("no-show", "m1"), 31*time.Minute)
	live := f.aged(f.live("live", "m2"), time.Hour)
	f.change(accepting(f.aged(f.longAdmission("old but just assigned"), time.Hour), "m3"))
	brief := accepting(f.admit("young no-show"), "m4")
	brief.Deadline.After = time.Minute
	young := f.aged(f.change(brief), 90*time.Second)
	got := f.find(record.Search{MaxAge: 30 * time.Minute, OrphanTTL: 20 * time.Minute, Limit: 9})
	f.same("due by age", got, []string{live.ID, noShow.ID, young.ID, orphan.ID, old.ID})
}

// next returns how long after a moment the next deadline is, if there is one.
func (f *sessionFixture) next(after time.Time) (in time.Duration, ok bool) {
	f.Helper()
	at, now, err := f.Store.NextDeadline(f.Context(), after, nil)
	f.must(err)
	f.around("the store's clock", now, time.Now())
	return at.Sub(now), !at.IsZero()
}

// within fails unless the next deadline after the moment is within a minute of the expected time.
func (f *sessionFixture) within(after time.Time, want time.Duration) {
	f.Helper()
	if in, ok := f.next(after); !ok || in > want || in < want-time.Minute {
		f.Fatalf("the next deadline is in %s (%t), want %s", in, ok, want)
	}
}

func nextDeadline(f *fixture) {
	_, ok := f.next(time.Time{})
	f.same("a deadline in an empty store", ok, false)
	f.change(endChange(f.live("ended", "m1"), curfew.Completed, curfew.Finished))
	f.credited("credited")
	_, ok = f.next(time.Time{})
	f.same("a deadline where all has ended", ok, false)

	f.deferred("cyd", 2*time.Hour)
	f.within(time.Time{}, 2*time.Hour)
	f.live("bob", "m2")
	f.within(time.Time{}, 45*time.Minute)
	waiting := f.admit("ada")
	f.within(time.Time{}, 15*time.Minute)
	f.deferred("ada", 5*time.Minute)
	f.within(time.Time{}, 5*time.Minute)
	f.scheduled("dan")
	f.within(time.Time{}, time.Minute)
	f.aged(waiting, 25*time.Minute)
	f.within(time.Time{}, -10*time.Minute)
}

func nextDeadlineBehind(f *fixture) {
	overdue := f.aged(f.admit("ada"), time.Hour)
	f.within(overdue.ExpiresAt.Add(-time.Microsecond), -45*time.Minute)
	_, ok := f.next(overdue.ExpiresAt)
	f.same("a deadline behind the only one", ok, false)
	f.deferred("cyd", 2*time.Hour)
	bob := f.admit("bob")
	f.within(overdue.ExpiresAt, 15*time.Minute)
	f.within(bob.ExpiresAt, 2*time.Hour)
	_, ok = f.next(time.Now().Add(3 * time.Hour))
	f.same("a deadline behind all of them", ok, false)
}

// findsNothingAtTheDeadline tests that a session is still good at exactly its deadline.
func findsNothingAtTheDeadline(f *fixture) {
	if f.Freeze == nil {
		f.Skip("this store's clock cannot be stopped")
	}
	f.Freeze(f.T)
	a := admission("ada")
	a.Deadline = curfew.Deadline{}
	st, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	st = f.read(st.ID)
	f.same("the deadline is now", st.ExpiresAt, st.Now)
	for what, search := range map[string]record.Search{
		"all": {Limit: 9}, "with orphans": {Limit: 9, OrphanTTL: time.Hour}, "by age": {Limit: 9, MaxAge: time.Hour},
		"of the customer": {Limit: 9, CustomerID: "ada"},
	} {
		f.same("due of "+what, f.find(search), []string(nil))
	}
	f.endsNone("what is at its deadline", batch(curfew.Credited, st))
	f.Age(f.T, st.ID, time.Microsecond)
	f.same("due a microsecond later", f.find(record.Search{Limit: 9}), []string{st.ID})
}

// changesNothingWithoutEvents tests that an event and its change are committed together.
func changesNothingWithoutEvents(f *fixture) {
	late, waiting, credit := f.aged(f.admit("late"), time.Hour), f.admit("waiting"), f.credited("credited")
	deferred, held := f.deferred("deferred", time.Hour), f.record("held", curfew.Held)
	live, kept := f.live("live", "mia"), f.accepted("kept", "moe")
	for what, step := range map[string]func() error{
		"end":   func() error { _, err := f.Store.End(f.Context(), batch(curfew.Credited, late)); return err },
		"admit": func() error { _, err := f.Store.Admit(f.Context(), admission("ada")); return err },
		"spend": func() error { _, err := f.Store.Admit(f.Context(), spending(credit)); return err },
		"defer": func() error {
			_, err := f.Store.Defer(f.Context(), admission("bob").Checkout, shop, time.Hour)
			return err
		},
		"change": func() error { _, err := f.Store.Change(f.Context(), accepting(waiting, "max")); return err },
		"move": func() error {
			_, err := f.Store.ChangeCheckout(f.Context(), record.CheckoutChange{From: deferred, To: curfew.RefundDue, Actor: shop})
			return err
		},
		"remark": func() error {
			_, err := f.Store.Annotate(f.Context(), record.Annotation{From: deferred, Note: "n", Actor: shop})
			return err
		},
		"cancel": f.changing(endChange(kept, curfew.Cancelled, curfew.ByRequest)),
		"extend": func() error { return failed(f.Store.Extend(f.Context(), extending(live))) },
		"record": func() error {
			return failed(f.Store.Record(f.Context(), unrecorded("cyd", curfew.RefundDue), shop, "recorded"))
		},
		"repair": func() error {
			return failed(f.Store.Reassign(f.Context(), record.Reassignment{From: held, CustomerID: "dan", Plan: "video15", Retry: time.Hour, Actor: shop}))
		},
	} {
		f.changesNothingWithout("events", what, step)
	}
	f.changesNothingWithout("runs", "end", func() error {
		_, err := f.Store.End(f.Context(), batch(curfew.Credited, late))
		return err
	})
}

// changesNothingWithout checks that a step fails if the table is missing, and changes nothing.
func (f *fixture) changesNothingWithout(table, what string, step func() error) {
	f.Helper()
	before := f.dump()
	f.exec("ALTER TABLE {" + table + "} RENAME TO " + table + "_away")
	err := step()
	f.exec("ALTER TABLE {" + table + "_away} RENAME TO " + table)
	if err == nil {
		f.Errorf("%s does not need %s", what, table)
	}
	f.same("rows after "+what+" without "+table, f.dump(), before)
}
