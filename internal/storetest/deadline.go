package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// deadlines checks with a stopped clock that, in every query, a session is still good exactly at
// its deadline and overdue a microsecond later.
var deadlines = func() contract {
	all := contract{
		"the deadline after a deadline is another one":          passesDeadlines,
		"a deferral is kept until its exact end, and no longer": unsettlesAtTheEnd,
	}
	for name, q := range questions {
		all[name+" at the exact deadline, and a microsecond later"] = q.asked
	}
	return all
}()

// question is one way to find out whether a session is still good.
type question struct {
	session func(f *fixture, name string) curfew.Snapshot // of a customer and of a mechanic with the same name
	grace   time.Duration                                 // how long after its deadline it still counts as good
	good    func(f *fixture, st curfew.Snapshot) bool
}

func (q question) asked(f *fixture) {
	if f.Freeze == nil {
		f.Skip("this store's clock cannot be stopped")
	}
	f.Freeze(f.T)
	for _, over := range []time.Duration{0, time.Microsecond} {
		st := q.session(f, fmt.Sprint("ada-", over))
		st = f.aged(st, f.read(st.ID).ExpiresAt.Sub(f.read(st.ID).Now)+q.grace+over)
		f.same("how long it is overdue", st.Now.Sub(st.ExpiresAt), q.grace+over)
		f.same(fmt.Sprintf("good %s behind its end", over), q.good(f, st), over == 0)
	}
}

var questions = map[string]question{
	"accepting": {session: (*fixture).admit, good: func(f *fixture, st curfew.Snapshot) bool {
		return f.done(failed(f.Store.Change(f.Context(), accepting(st, st.CustomerID))))
	}},
	"extending": {session: assigned((*fixture).live), good: func(f *fixture, st curfew.Snapshot) bool {
		return f.done(failed(f.Store.Extend(f.Context(), extending(st))))
	}},
	"beginning an appointment": {session: (*fixture).scheduled, good: func(f *fixture, st curfew.Snapshot) bool {
		return !f.done(failed(f.Store.Change(f.Context(), begun(st))))
	}},
	"the queue": {session: (*fixture).admit, good: func(f *fixture, st curfew.Snapshot) bool {
		return slices.Contains(f.pending(curfew.Cursor{}, 9), st.ID)
	}},

	"finding":                {session: (*fixture).scheduled, good: unfound(record.Search{})},
	"finding with orphans":   {session: (*fixture).admit, good: unfound(record.Search{OrphanTTL: time.Hour})},
	"finding by age":         {session: assigned((*fixture).live), good: unfound(record.Search{MaxAge: time.Microsecond})},
	"ending what waits":      {session: (*fixture).admit, good: unended},
	"ending no-shows":        {session: assigned((*fixture).accepted), good: unended},
	"ending overruns":        {session: assigned((*fixture).live), good: unended},
	"ending a second chance": {session: (*fixture).postponed, good: unended},
	"finding a customer's": {session: (*fixture).admit, good: func(f *fixture, st curfew.Snapshot) bool {
		return unfound(record.Search{CustomerID: st.CustomerID})(f, st)
	}},

	"the figure of no-shows":     {session: assigned((*fixture).accepted), good: func(f *fixture, _ curfew.Snapshot) bool { return f.sessionFigures().OverdueAssigned == 0 }},
	"the figure of overruns":     {session: assigned((*fixture).live), good: func(f *fixture, _ curfew.Snapshot) bool { return f.sessionFigures().OverdueLive == 0 }},
	"the figure of orphans":      {session: (*fixture).orphan, good: func(f *fixture, _ curfew.Snapshot) bool { return f.sessionFigures().Orphaned == 0 }},
	"the list of orphans":        {session: (*fixture).orphan, good: func(f *fixture, _ curfew.Snapshot) bool { return len(f.details().Orphans) == 0 }},
	"the figure of appointments": {session: (*fixture).scheduled, grace: record.StaleAfter, good: func(f *fixture, _ curfew.Snapshot) bool { return f.sessionFigures().OverdueScheduled == 0 }},
	"the figure of stale ones":   {session: (*fixture).admit, grace: record.StaleAfter, good: func(f *fixture, _ curfew.Snapshot) bool { return f.sessionFigures().Stale == 0 }},
	"the list of stale ones":     {session: (*fixture).admit, grace: record.StaleAfter, good: func(f *fixture, _ curfew.Snapshot) bool { return len(f.details().Stale) == 0 }},
	"the figure of requests":     {session: (*fixture).admit, grace: record.StaleAfter, good: func(f *fixture, _ curfew.Snapshot) bool { return f.requestFigures().Stale == 0 }},
}

// assigned returns a session whose mechanic has the same name as its customer.
func assigned(step func(f *fixture, customer, mechanic string) curfew.Snapshot) func(*fixture, string) curfew.Snapshot {
	return func(f *fixture, name string) curfew.Snapshot { return step(f, name, name) }
}

// done reports whether a step succeeded; if not, it must have failed with a conflict.
func (f *operationFixture) done(err error) bool {
	f.Helper()
	if errors.Is(err, curfew.Conflict) {
		return false
	}
	f.must(err)
	return true
}

func unfound(search record.Search) func(*fixture, curfew.Snapshot) bool {
	search.Limit = 9
	return func(f *fixture, st curfew.Snapshot) bool { return !slices.Contains(f.find(search), st.ID) }
}

func unended(f *fixture, st curfew.Snapshot) bool {
	owed := curfew.Credited
	if st.Status == curfew.Live {
		owed = curfew.Fulfilled
	}
	return len(f.end(batch(owed, st))) == 0
}

func (f *operationFixture) details() curfew.HealthDetails {
	f.Helper()
	d, err := f.Store.HealthDetails(f.Context(), curfew.DefaultPolicy(), 9)
	f.must(err)
	return d
}

// passesDeadlines tests that asking for the next deadline after one returns a different one.
func passesDeadlines(f *fixture) {
	for _, deadline := range []time.Time{f.admit("ada").ExpiresAt, f.deferred("bob", time.Hour).RetryUntil} {
		at, _, err := f.Store.NextDeadline(f.Context(), deadline.Add(-time.Microsecond), nil)
		f.must(err)
		f.same("the deadline behind the moment before it", at, deadline)
		at, _, err = f.Store.NextDeadline(f.Context(), deadline, nil)
		f.must(err)
		f.same("another deadline behind it", at.After(deadline) || at.IsZero(), true)
	}
}

func unsettlesAtTheEnd(f *fixture) {
	if f.Freeze == nil {
		f.Skip("this store's clock cannot be stopped")
	}
	f.Freeze(f.T)
	c := f.deferred("ada", 0)
	for _, customer := range []string{"", "ada"} {
		f.same("unsettled at the exact end", f.unsettled(customer, 9), []string(nil))
	}
	f.exec("UPDATE {checkouts} SET retry_until = "+f.past(time.Microsecond)+" WHERE id = $1", c.ID)
	for _, customer := range []string{"", "ada"} {
		f.same("unsettled a microsecond later", f.unsettled(customer, 9), []string{c.ID})
	}
}
