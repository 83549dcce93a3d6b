package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
)

// scene is one test's store, with the steps that tests take to get to where
// they begin. What it does fails the test at once where it should work.
type scene struct {
	*testing.T
	Harness
	spoiled bool
}

// tables is every table whose rows a store writes.
var tables = []string{
	"sessions", "session_requests", "checkouts", "payment_refs", "payment_repayments", "idempotency_keys", "mechanic_slots",
	"events", "runs", "previews", "refusals", "signals",
	"quarantine", "acknowledgements",
}

var shop = curfew.Actor{Role: curfew.Service, ID: "shop"}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// tablesOf puts the schema before the tables of a statement: {sessions} becomes
// curfew.sessions.
func tablesOf(schema, sql string) string {
	return strings.NewReplacer("{", schema, "}", "").Replace(sql)
}

// exec runs a statement that leaves every invariant true.
func (s *scene) exec(sql string, args ...any) {
	s.Helper()
	s.Exec(s.T, tablesOf(s.Schema, sql), args...)
}

// spoil runs a statement that may break an invariant: this test does not end
// with the checkers.
func (s *scene) spoil(sql string, args ...any) {
	s.Helper()
	s.spoiled = true
	s.exec(sql, args...)
}

// rows is a statement's result, a line a row.
func (s *scene) rows(sql string) []string {
	s.Helper()
	var lines []string
	for _, row := range s.Query(s.T, tablesOf(s.Schema, sql)) {
		lines = append(lines, strings.Join(row, "|"))
	}
	return lines
}

// dump is every row there is.
func (s *scene) dump() []string {
	s.Helper()
	var all []string
	for _, table := range tables {
		for _, row := range s.rows("SELECT * FROM {" + table + "}") {
			all = append(all, table+": "+row)
		}
	}
	slices.Sort(all)
	return all
}

// refused is a step that must fail with the kind and change nothing.
func (s *scene) refused(kind curfew.Kind, step func() error) {
	s.Helper()
	before := s.dump()
	s.kind(step(), kind)
	if diff := cmp.Diff(before, s.dump()); diff != "" {
		s.Fatalf("refused, but it changed something (-before +after):\n%s", diff)
	}
}

// kind fails unless the error is of the kind.
func (s *scene) kind(err error, want curfew.Kind) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("got error %v, want one of kind %s", err, want)
	}
}

// must fails on an error.
func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("unexpected error of kind %s: %v", curfew.KindOf(err), err)
	}
}

// same fails unless both are equal; an empty map or slice equals none.
func (s *scene) same(what string, got, want any, options ...cmp.Option) {
	s.Helper()
	options = append(options, cmpopts.EquateEmpty())
	if diff := cmp.Diff(want, got, options...); diff != "" {
		s.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// sameStanding is same for two readings of one session at different moments.
func (s *scene) sameStanding(what string, got, want curfew.Standing) {
	s.Helper()
	s.same(what, got, want, cmpopts.IgnoreFields(curfew.Standing{}, "Now"))
}

// read is the session as it is now.
func (s *scene) read(id string) curfew.Standing {
	s.Helper()
	st, err := s.Store.Session(s.Context(), id)
	s.must(err)
	return st
}

// checkout is the customer's checkout as it is now.
func (s *scene) checkout(customer, id string) curfew.Checkout {
	s.Helper()
	all, err := s.Store.Checkouts(s.Context(), customer)
	s.must(err)
	i := slices.IndexFunc(all, func(c curfew.Checkout) bool { return c.ID == id })
	if i < 0 {
		s.Fatalf("customer %s has no checkout %s", customer, id)
	}
	return all[i]
}

// paidBy is the checkout of a session as it is now.
func (s *scene) paidBy(st curfew.Standing) curfew.Checkout {
	s.Helper()
	return s.checkout(st.CustomerID, st.CheckoutID)
}

// admit gives the customer a waiting session, paid under a reference of its own.
func (s *scene) admit(customer string) curfew.Standing {
	s.Helper()
	st, err := s.Store.Admit(s.Context(), admission(customer))
	s.must(err)
	return st
}

// change makes a change, and sees that what it answers is what is stored.
func (s *scene) change(c curfew.Change) curfew.Standing {
	s.Helper()
	st, err := s.Store.Change(s.Context(), c)
	s.must(err)
	s.sameStanding("a change answers what is stored", st, s.read(st.ID))
	return st
}

// accepted is a new session that the mechanic has accepted.
func (s *scene) accepted(customer, mechanic string) curfew.Standing {
	s.Helper()
	return s.change(accepting(s.admit(customer), mechanic))
}

// live is a new session that runs.
func (s *scene) live(customer, mechanic string) curfew.Standing {
	s.Helper()
	return s.change(starting(s.accepted(customer, mechanic)))
}

// credited is a checkout whose session was cancelled and that waits to be spent.
func (s *scene) credited(customer string) curfew.Checkout {
	s.Helper()
	return s.paidBy(s.change(ending(s.admit(customer), curfew.Cancelled, curfew.ByRequest)))
}

// deferred is a payment of a customer who was busy.
func (s *scene) deferred(customer string, ttl time.Duration) curfew.Checkout {
	s.Helper()
	r, err := s.Store.Defer(s.Context(), admission(customer).Checkout, shop, ttl)
	s.must(err)
	return r.Checkout
}

// aged is a session as it is once it has grown older.
func (s *scene) aged(st curfew.Standing, by time.Duration) curfew.Standing {
	s.Helper()
	s.Age(s.T, st.ID, by)
	return s.read(st.ID)
}

// orphan is a new waiting session whose request has vanished.
func (s *scene) orphan(customer string) curfew.Standing {
	s.Helper()
	st := s.admit(customer)
	s.spoil("UPDATE {session_requests} SET status = 'expired', ended_at = created_at WHERE session_id = $1", st.ID)
	return s.read(st.ID)
}

// past is a moment so long ago as SQL: no dialect shares a literal for times,
// but all can read one from an ended session of that age.
func (s *scene) past(by time.Duration) string {
	s.Helper()
	st := s.change(ending(s.admit("past-"+newID()), curfew.Cancelled, curfew.ByRequest))
	s.Age(s.T, st.ID, by)
	return fmt.Sprintf("(SELECT ended_at FROM %ssessions WHERE id = '%s')", s.Schema, st.ID)
}

// around fails unless the moment is at most a minute from what was meant.
func (s *scene) around(what string, got, want time.Time) {
	s.Helper()
	if d := got.Sub(want).Abs(); d > time.Minute {
		s.Fatalf("%s is %s, %s from %s", what, got, d, want)
	}
}

// history fails unless the subject's events are these: numbers from 1, each
// from where the one before led.
func (s *scene) history(customer, subject string, want ...curfew.Event) {
	s.Helper()
	got, err := s.Store.Events(s.Context(), customer, subject)
	s.must(err)
	from := ""
	for i := range want {
		want[i].CustomerID, want[i].Subject, want[i].Number, want[i].From = customer, subject, int64(i+1), from
		from = want[i].To
	}
	s.same("the history of "+subject, got, want, cmpopts.IgnoreFields(curfew.Event{}, "ID", "At"))
	seen := map[string]bool{}
	for _, e := range got {
		if len(e.ID) != 36 || seen[e.ID] || e.At.IsZero() {
			s.Errorf("event %d of %s has the id %q and the time %s", e.Number, subject, e.ID, e.At)
		}
		seen[e.ID] = true
	}
}

func ids(standings []curfew.Standing) []string {
	var all []string
	for _, st := range standings {
		all = append(all, st.ID)
	}
	return all
}
