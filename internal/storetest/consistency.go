package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func consistencies() contract {
	tests := contract{
		"rows written by the store do not contradict each other":                soundRows,
		"pages go through every row, and end":                                   walksLinks,
		"a tally that differs from the count of its rows is found and repaired": findsTallies,
		"repairing correct rows changes nothing":                                mendsNothing,
		"an unknown table is refused":                                           refusesLinks,
		"every kind of contradiction has a test":                                everyContradictionIsWritten,
	}
	for _, c := range contradictions {
		tests[fmt.Sprintf("%s is found: %s", c.kind, c.statements[0])] = c.found
	}
	return tests
}

// linked returns every contradiction, read page by page.
func (f *operationFixture) linked(limit int) (all []curfew.Inconsistency) {
	f.Helper()
	for _, table := range record.LinkedTables() {
		rows, after := 0, ""
		for {
			l, err := f.Store.Links(f.Context(), table, after, limit)
			f.must(err)
			all, rows = append(all, l.Found...), rows+l.Rows
			if l.Next == "" {
				break
			}
			after = l.Next
		}
		f.same("rows of "+table, fmt.Sprint(rows), f.rows("SELECT count(*) FROM {" + table + "}")[0])
	}
	return all
}

func (f *operationFixture) tallyDifferences() []curfew.TallyDifference {
	f.Helper()
	all, err := f.Store.TallyDifferences(f.Context())
	f.must(err)
	return all
}

func soundRows(f *fixture) {
	everySort(f)
	f.same("contradictions", f.linked(1000), []curfew.Inconsistency(nil))
	f.same("tallies", f.tallyDifferences(), []curfew.TallyDifference(nil))
}

func walksLinks(f *fixture) {
	everySort(f)
	for _, limit := range []int{1, 2, 7} {
		f.same("contradictions", f.linked(limit), []curfew.Inconsistency(nil))
	}
	for range 3 {
		f.admit(newID())
	}
	f.linked(1)
}

// contradiction is a way to make rows contradict each other. W, A and C stand for ids as in
// violations.
type contradiction struct {
	kind       curfew.Contradiction
	statements []string
	id         string // the letter of the id that is listed; empty: the reference of C
	beside     []curfew.Contradiction
	mended     bool
}

var contradictions = []contradiction{
	{kind: curfew.ClaimWithoutCheckout, statements: []string{"DELETE FROM {checkouts} WHERE id = C"}, beside: []curfew.Contradiction{curfew.SessionWithoutCheckout, curfew.EventsWithoutSubject}},
	{kind: curfew.CheckoutWithoutClaim, statements: []string{"DELETE FROM {payment_refs} WHERE checkout_id = C"}, id: "C", mended: true},
	{kind: curfew.FulfilledWithoutOne, statements: []string{"DELETE FROM {session_requests} WHERE session_id = W", "DELETE FROM {sessions} WHERE id = W"}, id: "C", beside: []curfew.Contradiction{curfew.EventsWithoutSubject}, mended: true},
	{kind: curfew.GivenBackAndOpen, statements: []string{"UPDATE {checkouts} SET outcome = 'refunded' WHERE id = C"}, id: "C", beside: []curfew.Contradiction{curfew.CheckoutEventsBroken}},
	{kind: curfew.CheckoutEventsBroken, statements: []string{"DELETE FROM {events} WHERE subject_id = C"}, id: "C"},
	{kind: curfew.SessionWithoutCheckout, statements: []string{"DELETE FROM {payment_refs} WHERE checkout_id = C", "DELETE FROM {events} WHERE subject_id = C", "DELETE FROM {checkouts} WHERE id = C"}, id: "W"},
	{kind: curfew.SessionWithoutRequest, statements: []string{"DELETE FROM {session_requests} WHERE session_id = A"}, id: "A", mended: true},
	{kind: curfew.SessionWithoutSlot, statements: []string{"DELETE FROM {mechanic_slots} WHERE session_id = A"}, id: "A", mended: true},
	{kind: curfew.SessionEventsBroken, statements: []string{"DELETE FROM {events} WHERE subject_id = A AND number = 1"}, id: "A"},
	{kind: curfew.SessionEventsBroken, statements: []string{"DELETE FROM {events} WHERE subject_id = W"}, id: "W"},
	{kind: curfew.RequestWithoutSession, statements: []string{cancelSession + "W"}, beside: []curfew.Contradiction{curfew.FulfilledWithoutOne, curfew.SessionEventsBroken}, id: "R", mended: true},
	{kind: curfew.EventsWithoutSubject, statements: []string{"DELETE FROM {session_requests} WHERE session_id = W", "DELETE FROM {sessions} WHERE id = W"}, id: "W", beside: []curfew.Contradiction{curfew.FulfilledWithoutOne}},
	{kind: curfew.CaptureDisagrees, statements: []string{"UPDATE {checkouts} SET capture = 'released' WHERE id = C"}, id: "C"},
	{kind: curfew.CaptureDisagrees, statements: []string{"UPDATE {sessions} SET status = 'live' WHERE id = W", "UPDATE {checkouts} SET capture = 'authorised' WHERE id = C"}, id: "C", beside: []curfew.Contradiction{curfew.SessionEventsBroken}, mended: true},
}

// contradict writes a contradiction and returns what should be listed.
func (f *operationFixture) contradict(c contradiction) (want curfew.Inconsistency) {
	f.Helper()
	waiting, assigned := f.admit("w"), f.accepted("a", "max")
	f.guardsOff()
	quote := func(id string) string { return "= '" + id + "'" }
	placeholders := strings.NewReplacer("= W", quote(waiting.ID), "= A", quote(assigned.ID), "= C", quote(waiting.CheckoutID))
	for _, sql := range c.statements {
		f.corrupt(placeholders.Replace(sql))
	}
	want = curfew.Inconsistency{Kind: c.kind, CustomerID: "w", ID: map[string]string{
		"W": waiting.ID, "A": assigned.ID, "C": waiting.CheckoutID, "R": waiting.Request.ID, "": "pay_" + waiting.CheckoutID,
	}[c.id]}
	if c.id == "A" {
		want.CustomerID = "a"
	}
	return want
}

func everyContradictionIsWritten(f *fixture) {
	for _, kind := range curfew.Contradictions() {
		if !slices.ContainsFunc(contradictions, func(c contradiction) bool { return c.kind == kind }) {
			f.Errorf("%s is planted by no test", kind)
		}
	}
}

// found checks that exactly the contradiction and its side effects are reported, and that a repair
// fixes it if that is possible.
func (c contradiction) found(f *fixture) {
	want := f.contradict(c)
	listed := func() []curfew.Contradiction {
		f.Helper()
		var kinds []curfew.Contradiction
		for _, i := range f.linked(1000) {
			kinds = append(kinds, i.Kind)
			if i.Kind == c.kind {
				f.same("what is listed", i, want)
			}
		}
		slices.Sort(kinds)
		return slices.Compact(kinds)
	}
	kinds := append([]curfew.Contradiction{c.kind}, c.beside...)
	slices.Sort(kinds)
	f.same("kinds", listed(), kinds)
	f.mend()
	if after := listed(); c.mended == slices.Contains(after, c.kind) {
		f.Errorf("mended, it lists %v", after)
	}
	f.same("tallies", f.tallyDifferences(), []curfew.TallyDifference(nil))
}

// mend calls the store's own repair, if it has one.
func (f *operationFixture) mend() int64 {
	f.Helper()
	m, ok := f.Store.(interface {
		Mend(ctx context.Context) (int64, error)
	})
	if !ok {
		f.Fatal("the store mends nothing")
	}
	n, err := m.Mend(f.Context())
	f.must(err)
	return n
}

func findsTallies(f *fixture) {
	f.change(endChange(f.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	f.corrupt("UPDATE {tallies} SET n = n + 2 WHERE noun = 'session' AND status = 'cancelled'")
	f.same("differences", f.tallyDifferences(), []curfew.TallyDifference{{Noun: "session", Status: "cancelled", Tallied: 3, Counted: 1}})
	f.mend()
	f.same("differences once mended", f.tallyDifferences(), []curfew.TallyDifference(nil))
	f.counted()
	f.corrupt("DELETE FROM {tallies}")
	f.mend()
	f.same("differences of none, mended", f.tallyDifferences(), []curfew.TallyDifference(nil))
	f.change(endChange(f.admit("bob"), curfew.Cancelled, curfew.ByRequest))
	f.counted()
}

func mendsNothing(f *fixture) {
	everySort(f)
	before := f.dump()
	f.same("rows mended", f.mend(), int64(0))
	f.same("rows", f.dump(), before)
}

func refusesLinks(f *fixture) {
	_, err := f.Store.Links(f.Context(), "runs", "", 9)
	f.kind(err, curfew.Internal)
}
