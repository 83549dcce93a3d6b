package storetest

import (
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

var sessions = contract{
	"what is no id of a session is not found":                         notFound,
	"lesson 7: a request leads to its session":                        requestLeadsToSession,
	"the open session is the waiting or live one, overdue or not":     openSession,
	"what has not ended is listed oldest first":                       unendedOldestFirst,
	"accepting assigns session, request and slot":                     accepts,
	"a busy mechanic changes nothing":                                 acceptsWhileBusy,
	"lesson 11: releasing gives the request back and frees the slot":  releases,
	"the next mechanic has not joined yet":                            acceptsAfterRelease,
	"lesson 13: the first join keeps the session waiting":             joins,
	"lesson 13: the second join starts the clock":                     starts,
	"extending a live session leaves its start":                       extends,
	"lesson 1: a session ends with request, slot and payment":         endsAll,
	"a completed session stays paid":                                  completes,
	"an ended session keeps its mechanic and loses its deadline":      keepsHistory,
	"what overran is capped at what was bought":                       capsOverrun,
	"what did not overrun ends now":                                   endsNow,
	"only a fulfilled checkout takes what is owed":                    settlesOnce,
	"a session without a checkout can end":                            endsUnpaid,
	"an appointment can be cancelled":                                 cancelsScheduled,
	"a run's id stands in the events of its changes":                  runInEvents,
	"a history is its customer's":                                     historyIsPrivate,
	"lesson 15: a missed status, version or customer changes nothing": missesFrom,
	"lesson 12: an ended session never changes again":                 endedForEver,
	"a guard for overdue ones misses what is not":                     guardsOverdue,
	"a guard for old ones misses young ones":                          guardsOlder,
	"a guard for unoffered ones misses offered and assigned":          guardsUnoffered,
	"at the exact deadline a session is still good":                   exactDeadline,
}

func notFound(s *scene) {
	s.admit("ada")
	for _, id := range []string{"", "x", "'; DROP TABLE sessions; --", "fallback_1", newID(), strings.Repeat("9", 10_000)} {
		_, err := s.Store.Session(s.Context(), id)
		s.kind(err, curfew.NotFound)
		_, err = s.Store.SessionOf(s.Context(), id)
		s.kind(err, curfew.NotFound)
		_, err = s.Store.Open(s.Context(), "nobody"+id)
		s.kind(err, curfew.NotFound)
		all, err := s.Store.Unended(s.Context(), "nobody"+id)
		s.must(err)
		events, err := s.Store.Events(s.Context(), "ada", id)
		if err != nil {
			s.kind(err, curfew.NotFound)
		}
		if len(all)+len(events) > 0 {
			s.Errorf("%q has %d sessions and %d events", id, len(all), len(events))
		}
	}
}

func requestLeadsToSession(s *scene) {
	st := s.accepted("ada", "max")
	s.admit("bob")
	got, err := s.Store.SessionOf(s.Context(), st.Request.ID)
	s.must(err)
	s.sameStanding("the session of the request", got, st)

	ended := s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	got, err = s.Store.SessionOf(s.Context(), st.Request.ID)
	s.must(err)
	s.sameStanding("the ended session of the request", got, ended)
}

func openSession(s *scene) {
	open := func(want curfew.Standing) {
		s.Helper()
		got, err := s.Store.Open(s.Context(), "ada")
		s.must(err)
		s.sameStanding("the open session", got, want)
	}
	s.scheduled("ada")
	_, err := s.Store.Open(s.Context(), "ada")
	s.kind(err, curfew.NotFound)

	st := s.admit("ada")
	open(st)
	st = s.change(accepting(st, "max"))
	open(st)
	st = s.change(starting(st))
	open(st)
	st = s.aged(st, time.Hour)
	open(st)
	s.change(ending(st, curfew.Completed, curfew.Finished))
	_, err = s.Store.Open(s.Context(), "ada")
	s.kind(err, curfew.NotFound)
}

func unendedOldestFirst(s *scene) {
	s.change(ending(s.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	second := s.scheduled("ada")
	first := s.aged(s.admit("ada"), time.Minute)
	s.admit("bob")
	got, err := s.Store.Unended(s.Context(), "ada")
	s.must(err)
	s.same("unended", len(got), 2)
	s.sameStanding("the oldest", got[0], first)
	s.sameStanding("the youngest", got[1], second)
}

func cancelsScheduled(s *scene) {
	st := s.scheduled("ada")
	got, err := s.Store.Change(s.Context(), curfew.Change{
		From: st.Session, To: curfew.Cancelled, Reason: "changed mind", EndedBy: curfew.ByRequest,
		Actor: shop, RequestTo: curfew.RequestCancelled, Owed: curfew.Credited,
	})
	s.must(err)
	s.same("status", got.Status, curfew.Cancelled)
	s.same("starts at", got.StartsAt, st.StartsAt)
	s.history("ada", st.ID, curfew.Event{To: "scheduled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "cancelled", Actor: shop, Reason: "changed mind"})
}

func runInEvents(s *scene) {
	st := s.admit("ada")
	c := ending(st, curfew.Cancelled, curfew.Cleared)
	c.RunID = newID()
	s.change(c)
	s.history("ada", st.ID, curfew.Event{To: "waiting", Actor: shop, Reason: "paid"},
		curfew.Event{To: "cancelled", Actor: c.Actor, Reason: "cleared", RunID: c.RunID})
	s.history("ada", st.CheckoutID, curfew.Event{To: "fulfilled", Actor: shop, Reason: "paid"},
		curfew.Event{To: "credited", Actor: c.Actor, Reason: "cleared", RunID: c.RunID})
}

func historyIsPrivate(s *scene) {
	st := s.admit("ada")
	s.admit("bob")
	events, err := s.Store.Events(s.Context(), "bob", st.ID)
	if err != nil {
		s.kind(err, curfew.NotFound)
	}
	s.same("another's events", len(events), 0)
}

func missesFrom(s *scene) {
	st := s.accepted("ada", "max")
	for _, miss := range []func(*curfew.Session){
		func(f *curfew.Session) { f.Version-- },
		func(f *curfew.Session) { f.Version++ },
		func(f *curfew.Session) { f.Status = curfew.Live },
		func(f *curfew.Session) { f.CustomerID = "bob" },
		func(f *curfew.Session) { f.ID = newID() },
	} {
		for _, c := range []curfew.Change{
			accepting(st, "eve"), releasing(st), starting(st), ending(st, curfew.Cancelled, curfew.ByRequest),
		} {
			miss(&c.From)
			s.refused(curfew.Conflict, func() error {
				_, err := s.Store.Change(s.Context(), c)
				return err
			})
		}
	}
}

func endedForEver(s *scene) {
	st := s.live("ada", "max")
	s.change(ending(st, curfew.Completed, curfew.Finished))
	for _, c := range []curfew.Change{
		starting(st), ending(st, curfew.Completed, curfew.Finished), ending(st, curfew.Cancelled, curfew.TooShort),
	} {
		s.refused(curfew.Conflict, func() error {
			_, err := s.Store.Change(s.Context(), c)
			return err
		})
	}
}
