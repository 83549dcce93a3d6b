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
	"github.com/curfewhq/curfew/internal/record"
)

// fixture is one test's store, with the steps that tests start from. A step that fails unexpectedly
// fails the test. The steps are next to the tests of their noun, in layers: the database, sessions,
// payments, and operations.
type fixture struct{ *operationFixture }

type operationFixture struct{ *paymentFixture }

type paymentFixture struct{ *sessionFixture }

type sessionFixture struct{ *base }

// base is a test and its store, with access behind the store's back.
type base struct {
	*testing.T
	Harness
	corrupted bool
}

func newFixture(t *testing.T, h Harness) *fixture {
	return &fixture{&operationFixture{&paymentFixture{&sessionFixture{&base{T: t, Harness: h}}}}}
}

// tables lists every table that a store writes.
var tables = []string{
	"sessions", "session_requests", "checkouts", "payment_refs", "payment_repayments", "payment_facts", "provider_messages",
	"payment_differences", "refused_messages",
	"idempotency_keys", "mechanic_slots",
	"events", "runs", "previews", "refusals", "signals",
	"quarantine", "absences", "acknowledgements", "api_keys", "revocations", "sign_ins", "audit_links", "audit_entries", "audit_subjects", "approvals", "jobs", "erasures",
}

var shop = curfew.Actor{Role: curfew.Service, ID: "shop"}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// tablesOf puts the schema before the tables of a statement: {sessions} becomes
// curfew.sessions.
func tablesOf(schema, sql string) string {
	return strings.NewReplacer("{", schema, "}", "").Replace(sql)
}

// exec runs a statement that breaks no invariant.
func (f *base) exec(sql string, args ...any) {
	f.Helper()
	f.Exec(f.T, tablesOf(f.Schema, sql), args...)
}

// corrupt runs a statement that may break an invariant; after this test, the checkers do not run.
func (f *base) corrupt(sql string, args ...any) {
	f.Helper()
	f.corrupted = true
	f.exec(sql, args...)
}

// rows returns a statement's result, one line per row.
func (f *base) rows(sql string) []string {
	f.Helper()
	var lines []string
	for _, row := range f.Query(f.T, tablesOf(f.Schema, sql)) {
		lines = append(lines, strings.Join(row, "|"))
	}
	return lines
}

// dump returns every row of every table.
func (f *base) dump() []string {
	f.Helper()
	var all []string
	for _, table := range tables {
		for _, row := range f.rows("SELECT * FROM {" + table + "}") {
			all = append(all, table+": "+row)
		}
	}
	slices.Sort(all)
	return all
}

// refused checks that a step fails with the given kind and changes nothing.
func (f *base) refused(kind curfew.Kind, step func() error) {
	f.Helper()
	before := f.dump()
	f.kind(step(), kind)
	if diff := cmp.Diff(before, f.dump()); diff != "" {
		f.Fatalf("refused, but it changed something (-before +after):\n%s", diff)
	}
}

// kind fails unless the error is of the kind.
func (f *base) kind(err error, want curfew.Kind) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("got error %v, want one of kind %s", err, want)
	}
}

// must fails on an error.
func (f *base) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("unexpected error of kind %s: %v", curfew.KindOf(err), err)
	}
}

// same fails unless both are equal; an empty map or slice equals a nil one.
func (f *base) same(what string, got, want any, options ...cmp.Option) {
	f.Helper()
	options = append(options, cmpopts.EquateEmpty())
	if diff := cmp.Diff(want, got, options...); diff != "" {
		f.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// sameSnapshot is same for two reads of one session at different times.
func (f *sessionFixture) sameSnapshot(what string, got, want curfew.Snapshot) {
	f.Helper()
	f.same(what, got, want, cmpopts.IgnoreFields(curfew.Snapshot{}, "Now"))
}

// read returns the current state of a session.
func (f *sessionFixture) read(id string) curfew.Snapshot {
	f.Helper()
	st, err := f.Store.Session(f.Context(), id)
	f.must(err)
	return st
}

// checkout returns the current state of a customer's checkout.
func (f *paymentFixture) checkout(customer, id string) curfew.Checkout {
	f.Helper()
	all, err := f.Store.Checkouts(f.Context(), customer)
	f.must(err)
	i := slices.IndexFunc(all, func(c curfew.Checkout) bool { return c.ID == id })
	if i < 0 {
		f.Fatalf("customer %s has no checkout %s", customer, id)
	}
	return all[i]
}

// paidBy returns the current state of a session's checkout.
func (f *paymentFixture) paidBy(st curfew.Snapshot) curfew.Checkout {
	f.Helper()
	return f.checkout(st.CustomerID, st.CheckoutID)
}

// admit admits a waiting session for the customer, paid under its own reference.
func (f *sessionFixture) admit(customer string) curfew.Snapshot {
	f.Helper()
	st, err := f.Store.Admit(f.Context(), admission(customer))
	f.must(err)
	return st
}

// change makes a change and checks that it returns what is stored.
func (f *sessionFixture) change(c record.Change) curfew.Snapshot {
	f.Helper()
	st, err := f.Store.Change(f.Context(), c)
	f.must(err)
	f.sameSnapshot("a change answers what is stored", st, f.read(st.ID))
	return st
}

// accepted returns a new session that the mechanic has accepted.
func (f *sessionFixture) accepted(customer, mechanic string) curfew.Snapshot {
	f.Helper()
	return f.change(accepting(f.admit(customer), mechanic))
}

// attended returns an accepted session that its mechanic has joined.
func (f *sessionFixture) attended(customer, mechanic string) curfew.Snapshot {
	f.Helper()
	return f.change(record.Change{
		From: f.accepted(customer, mechanic).Session, To: curfew.Waiting, Reason: "joined", Actor: shop, MechanicJoins: true,
	})
}

// live returns a new live session.
func (f *sessionFixture) live(customer, mechanic string) curfew.Snapshot {
	f.Helper()
	return f.change(starting(f.accepted(customer, mechanic)))
}

// credited returns a checkout whose session was cancelled and whose credit is unspent.
func (f *paymentFixture) credited(customer string) curfew.Checkout {
	f.Helper()
	return f.paidBy(f.change(endChange(f.admit(customer), curfew.Cancelled, curfew.ByRequest)))
}

// deferred returns a payment of a customer who was busy.
func (f *paymentFixture) deferred(customer string, ttl time.Duration) curfew.Checkout {
	f.Helper()
	r, err := f.Store.Defer(f.Context(), admission(customer).Checkout, shop, ttl)
	f.must(err)
	return r.Checkout
}

// aged backdates a session and returns it.
func (f *sessionFixture) aged(st curfew.Snapshot, by time.Duration) curfew.Snapshot {
	f.Helper()
	f.Age(f.T, st.ID, by)
	return f.read(st.ID)
}

// orphan returns a new waiting session whose request has vanished.
func (f *sessionFixture) orphan(customer string) curfew.Snapshot {
	f.Helper()
	st := f.admit(customer)
	f.corrupt("UPDATE {session_requests} SET status = 'expired', ended_at = created_at WHERE session_id = $1", st.ID)
	return f.read(st.ID)
}

// past returns SQL for a time that long ago. No time literal works in every dialect, but all can
// read the time at which a session ended.
func (f *sessionFixture) past(by time.Duration) string {
	f.Helper()
	st := f.change(endChange(f.admit("past-"+newID()), curfew.Cancelled, curfew.ByRequest))
	f.Age(f.T, st.ID, by)
	return fmt.Sprintf("(SELECT ended_at FROM %ssessions WHERE id = '%s')", f.Schema, st.ID)
}

// around fails unless the time is within a minute of the expected one.
func (f *base) around(what string, got, want time.Time) {
	f.Helper()
	if d := got.Sub(want).Abs(); d > time.Minute {
		f.Fatalf("%s is %s, %s from %s", what, got, d, want)
	}
}

// history fails unless these are the subject's events: numbered from 1, each
// starting from the status where the one before ended.
func (f *sessionFixture) history(customer, subject string, want ...curfew.Event) {
	f.Helper()
	got, err := f.Store.Events(f.Context(), customer, subject)
	f.must(err)
	from := ""
	for i := range want {
		want[i].CustomerID, want[i].Subject, want[i].Number, want[i].From = customer, subject, int64(i+1), from
		from = want[i].To
	}
	f.same("the history of "+subject, got, want, cmpopts.IgnoreFields(curfew.Event{}, "ID", "At"))
	seen := map[string]bool{}
	for _, e := range got {
		if len(e.ID) != 36 || seen[e.ID] || e.At.IsZero() {
			f.Errorf("event %d of %s has the id %q and the time %s", e.Number, subject, e.ID, e.At)
		}
		seen[e.ID] = true
	}
}

func ids(snapshots []curfew.Snapshot) []string {
	var all []string
	for _, st := range snapshots {
		all = append(all, st.ID)
	}
	return all
}
