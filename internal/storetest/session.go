package storetest

import (
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var sessions = contract{
	"an id that no session has is not found":                         notFound,
	"lesson 7: a request leads to its session":                       requestLeadsToSession,
	"the open session is the waiting or live one, overdue or not":    openSession,
	"sessions that have not ended are listed oldest first":           unendedOldestFirst,
	"accepting assigns session, request and slot":                    accepts,
	"a busy mechanic changes nothing":                                acceptsWhileBusy,
	"lesson 11: releasing gives the request back and frees the slot": releases,
	"the next mechanic has not joined yet":                           acceptsAfterRelease,
	"lesson 13: the first join keeps the session waiting":            joins,
	"lesson 13: the second join starts the clock":                    starts,
	"extending a live session leaves its start":                      extends,
	"lesson 1: a session ends with request, slot and payment":        endsAll,
	"a completed session stays paid":                                 completes,
	"an ended session keeps its mechanic and loses its deadline":     keepsHistory,
	"an overrun is capped at the time that was bought":               capsOverrun,
	"a session that did not overrun ends now":                        endsNow,
	"only a fulfilled checkout is settled":                           settlesOnce,
	"a session without a checkout can end":                           endsUnpaid,
	"an appointment can be cancelled":                                cancelsScheduled,
	"a run's id is in the events of its changes":                     runInEvents,
	"a history belongs to its customer":                              historyIsPrivate,
	"lesson 15: a wrong status, version or customer changes nothing": missesFrom,
	"lesson 12: an ended session never changes again":                endedForEver,
	"a guard for overdue sessions skips others":                      guardsOverdue,
	"a guard for old sessions skips young ones":                      guardsOlder,
	"a guard for unoffered sessions skips offered and assigned ones": guardsUnoffered,
	"at the exact deadline a session is still good":                  exactDeadline,
}

func notFound(f *fixture) {
	f.admit("ada")
	for _, id := range []string{"", "x", "'; DROP TABLE sessions; --", "fallback_1", newID(), strings.Repeat("9", 10_000)} {
		_, err := f.Store.Session(f.Context(), id)
		f.kind(err, curfew.NotFound)
		_, err = f.Store.SessionOf(f.Context(), id)
		f.kind(err, curfew.NotFound)
		_, err = f.Store.Open(f.Context(), "nobody"+id)
		f.kind(err, curfew.NotFound)
		all, err := f.Store.Unended(f.Context(), "nobody"+id)
		f.must(err)
		events, err := f.Store.Events(f.Context(), "ada", id)
		if err != nil {
			f.kind(err, curfew.NotFound)
		}
		if len(all)+len(events) > 0 {
			f.Errorf("%q has %d sessions and %d events", id, len(all), len(events))
		}
	}
}

func requestLeadsToSession(f *fixture) {
	st := f.accepted("ada", "max")
	f.admit("bob")
	got, err := f.Store.SessionOf(f.Context(), st.Request.ID)
	f.must(err)
	f.sameSnapshot("the session of the request", got, st)

	ended := f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	got, err = f.Store.SessionOf(f.Context(), st.Request.ID)
	f.must(err)
	f.sameSnapshot("the ended session of the request", got, ended)
}

func openSession(f *fixture) {
	open := func(want curfew.Snapshot) {
		f.Helper()
		got, err := f.Store.Open(f.Context(), "ada")
		f.must(err)
		f.sameSnapshot("the open session", got, want)
	}
	f.scheduled("ada")
	_, err := f.Store.Open(f.Context(), "ada")
	f.kind(err, curfew.NotFound)

	st := f.admit("ada")
	open(st)
	st = f.change(accepting(st, "max"))
	open(st)
	st = f.change(starting(st))
	open(st)
	st = f.aged(st, time.Hour)
	open(st)
	f.change(endChange(st, curfew.Completed, curfew.Finished))
	_, err = f.Store.Open(f.Context(), "ada")
	f.kind(err, curfew.NotFound)
}

func unendedOldestFirst(f *fixture) {
	f.change(endChange(f.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	second := f.scheduled("ada")
	first := f.aged(f.admit("ada"), time.Minute)
	f.admit("bob")
	got, err := f.Store.Unended(f.Context(), "ada")
	f.must(err)
	f.same("unended", len(got), 2)
	f.sameSnapshot("the oldest", got[0], first)
	f.sameSnapshot("the youngest", got[1], second)
}

func cancelsScheduled(f *fixture) {
	st := f.scheduled("ada")
	got, err := f.Store.Change(f.Context(), record.Change{
		From: st.Session, To: curfew.Cancelled, Reason: "changed mind", EndedBy: curfew.ByRequest,
		Actor: shop, RequestTo: curfew.RequestCancelled, Owed: curfew.Credited,
	})
	f.must(err)
	f.same("status", got.Status, curfew.Cancelled)
	f.same("starts at", got.StartsAt, st.StartsAt)
	f.history("ada", st.ID, curfew.Event{To: "scheduled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "cancelled", Actor: shop, Reason: "changed mind"})
}

func runInEvents(f *fixture) {
	st := f.admit("ada")
	c := endChange(st, curfew.Cancelled, curfew.Cleared)
	c.RunID = newID()
	f.change(c)
	f.history("ada", st.ID, curfew.Event{To: "waiting", Actor: shop, Reason: "paid"},
		curfew.Event{To: "cancelled", Actor: c.Actor, Reason: "cleared", RunID: c.RunID})
	f.history("ada", st.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "credited", Actor: c.Actor, Reason: "cleared", RunID: c.RunID})
}

func historyIsPrivate(f *fixture) {
	st := f.admit("ada")
	f.admit("bob")
	events, err := f.Store.Events(f.Context(), "bob", st.ID)
	if err != nil {
		f.kind(err, curfew.NotFound)
	}
	f.same("another's events", len(events), 0)
}

func missesFrom(f *fixture) {
	st := f.accepted("ada", "max")
	for _, miss := range []func(*curfew.Session){
		func(s *curfew.Session) { s.Version-- },
		func(s *curfew.Session) { s.Version++ },
		func(s *curfew.Session) { s.Status = curfew.Live },
		func(s *curfew.Session) { s.CustomerID = "bob" },
		func(s *curfew.Session) { s.ID = newID() },
	} {
		for _, c := range []record.Change{
			accepting(st, "eve"), releasing(st), starting(st), endChange(st, curfew.Cancelled, curfew.ByRequest),
		} {
			miss(&c.From)
			f.refused(curfew.Conflict, func() error {
				_, err := f.Store.Change(f.Context(), c)
				return err
			})
		}
	}
}

func endedForEver(f *fixture) {
	st := f.live("ada", "max")
	f.change(endChange(st, curfew.Completed, curfew.Finished))
	for _, c := range []record.Change{
		starting(st), endChange(st, curfew.Completed, curfew.Finished), endChange(st, curfew.Cancelled, curfew.TooShort),
	} {
		f.refused(curfew.Conflict, func() error {
			_, err := f.Store.Change(f.Context(), c)
			return err
		})
	}
}
