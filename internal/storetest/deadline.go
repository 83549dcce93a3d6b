package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

// deadlines: at its exact deadline a session is still good, a microsecond later
// it is overdue, whatever the store is asked. Its clock stands still.
var deadlines = func() contract {
	all := contract{
		"a deadline is not behind itself":                       passesDeadlines,
		"a deferral is kept until its exact end, and no longer": unsettlesAtTheEnd,
	}
	for name, q := range questions {
		all[name+" at the exact deadline, and a microsecond later"] = q.asked
	}
	return all
}()

// question is one way to learn whether a session is still good.
type question struct {
	session func(s *scene, name string) curfew.Standing // of a customer and a mechanic of that name
	grace   time.Duration                               // how long it counts as good behind its deadline
	good    func(s *scene, st curfew.Standing) bool
}

func (q question) asked(s *scene) {
	if s.Freeze == nil {
		s.Skip("this store's clock cannot be stopped")
	}
	s.Freeze(s.T)
	for _, over := range []time.Duration{0, time.Microsecond} {
		st := q.session(s, fmt.Sprint("ada-", over))
		st = s.aged(st, s.read(st.ID).ExpiresAt.Sub(s.read(st.ID).Now)+q.grace+over)
		s.same("how long it is overdue", st.Now.Sub(st.ExpiresAt), q.grace+over)
		s.same(fmt.Sprintf("good %s behind its end", over), q.good(s, st), over == 0)
	}
}

var questions = map[string]question{
	"accepting": {session: (*scene).admit, good: func(s *scene, st curfew.Standing) bool {
		return s.done(failed(s.Store.Change(s.Context(), accepting(st, st.CustomerID))))
	}},
	"extending": {session: assigned((*scene).live), good: func(s *scene, st curfew.Standing) bool {
		return s.done(failed(s.Store.Extend(s.Context(), extending(st))))
	}},
	"beginning an appointment": {session: (*scene).scheduled, good: func(s *scene, st curfew.Standing) bool {
		return !s.done(failed(s.Store.Change(s.Context(), begun(st))))
	}},
	"the queue": {session: (*scene).admit, good: func(s *scene, st curfew.Standing) bool {
		return slices.Contains(s.pending(curfew.Cursor{}, 9), st.ID)
	}},

	"finding":                {session: (*scene).scheduled, good: unfound(curfew.Search{})},
	"finding with orphans":   {session: (*scene).admit, good: unfound(curfew.Search{OrphanTTL: time.Hour})},
	"finding by age":         {session: assigned((*scene).live), good: unfound(curfew.Search{MaxAge: time.Microsecond})},
	"ending what waits":      {session: (*scene).admit, good: unended},
	"ending no-shows":        {session: assigned((*scene).accepted), good: unended},
	"ending overruns":        {session: assigned((*scene).live), good: unended},
	"ending a second chance": {session: (*scene).postponed, good: unended},
	"finding a customer's": {session: (*scene).admit, good: func(s *scene, st curfew.Standing) bool {
		return unfound(curfew.Search{CustomerID: st.CustomerID})(s, st)
	}},

	"the figure of no-shows":     {session: assigned((*scene).accepted), good: func(s *scene, _ curfew.Standing) bool { return s.sessionFigures().OverdueAssigned == 0 }},
	"the figure of overruns":     {session: assigned((*scene).live), good: func(s *scene, _ curfew.Standing) bool { return s.sessionFigures().OverdueLive == 0 }},
	"the figure of orphans":      {session: (*scene).orphan, good: func(s *scene, _ curfew.Standing) bool { return s.sessionFigures().Orphaned == 0 }},
	"the list of orphans":        {session: (*scene).orphan, good: func(s *scene, _ curfew.Standing) bool { return len(s.details().Orphans) == 0 }},
	"the figure of appointments": {session: (*scene).scheduled, grace: curfew.StaleAfter, good: func(s *scene, _ curfew.Standing) bool { return s.sessionFigures().OverdueScheduled == 0 }},
	"the figure of stale ones":   {session: (*scene).admit, grace: curfew.StaleAfter, good: func(s *scene, _ curfew.Standing) bool { return s.sessionFigures().Stale == 0 }},
	"the list of stale ones":     {session: (*scene).admit, grace: curfew.StaleAfter, good: func(s *scene, _ curfew.Standing) bool { return len(s.details().Stale) == 0 }},
	"the figure of requests":     {session: (*scene).admit, grace: curfew.StaleAfter, good: func(s *scene, _ curfew.Standing) bool { return s.requestFigures().Stale == 0 }},
}

// assigned is a session whose mechanic has its customer's name.
func assigned(step func(s *scene, customer, mechanic string) curfew.Standing) func(*scene, string) curfew.Standing {
	return func(s *scene, name string) curfew.Standing { return step(s, name, name) }
}

// done reports whether a step was not refused as a conflict.
func (s *scene) done(err error) bool {
	s.Helper()
	if errors.Is(err, curfew.Conflict) {
		return false
	}
	s.must(err)
	return true
}

func unfound(search curfew.Search) func(*scene, curfew.Standing) bool {
	search.Limit = 9
	return func(s *scene, st curfew.Standing) bool { return !slices.Contains(s.find(search), st.ID) }
}

func unended(s *scene, st curfew.Standing) bool {
	owed := curfew.Credited
	if st.Status == curfew.Live {
		owed = curfew.Fulfilled
	}
	return len(s.end(batch(owed, st))) == 0
}

func (s *scene) details() curfew.HealthDetails {
	s.Helper()
	d, err := s.Store.HealthDetails(s.Context(), curfew.DefaultPolicy(), 9)
	s.must(err)
	return d
}

// passesDeadlines: who asks for the next deadline behind one gets another.
func passesDeadlines(s *scene) {
	for _, deadline := range []time.Time{s.admit("ada").ExpiresAt, s.deferred("bob", time.Hour).RetryUntil} {
		at, _, err := s.Store.NextDeadline(s.Context(), deadline.Add(-time.Microsecond))
		s.must(err)
		s.same("the deadline behind the moment before it", at, deadline)
		at, _, err = s.Store.NextDeadline(s.Context(), deadline)
		s.must(err)
		s.same("another deadline behind it", at.After(deadline) || at.IsZero(), true)
	}
}

func unsettlesAtTheEnd(s *scene) {
	if s.Freeze == nil {
		s.Skip("this store's clock cannot be stopped")
	}
	s.Freeze(s.T)
	c := s.deferred("ada", 0)
	for _, customer := range []string{"", "ada"} {
		s.same("unsettled at the exact end", s.unsettled(customer, 9), []string(nil))
	}
	s.exec("UPDATE {checkouts} SET retry_until = "+s.past(time.Microsecond)+" WHERE id = $1", c.ID)
	for _, customer := range []string{"", "ada"} {
		s.same("unsettled a microsecond later", s.unsettled(customer, 9), []string{c.ID})
	}
}
