package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
)

func consistencies() contract {
	tests := contract{
		"rows that came about as they should contradict nothing":  soundRows,
		"pages lead through every row, and end":                   walksLinks,
		"a tally that is not its rows' count is found and mended": findsTallies,
		"mending what is right changes nothing":                   mendsNothing,
		"an unknown table is refused":                             refusesLinks,
		"every contradiction is planted by a test":                everyContradictionIsPlanted,
	}
	for _, c := range contradictions {
		tests[fmt.Sprintf("%s is found: %s", c.kind, c.plant[0])] = c.found
	}
	return tests
}

// linked is every contradiction there is, page by page.
func (s *scene) linked(limit int) (all []curfew.Inconsistency) {
	s.Helper()
	for _, table := range curfew.LinkedTables() {
		rows, after := 0, ""
		for {
			l, err := s.Store.Links(s.Context(), table, after, limit)
			s.must(err)
			all, rows = append(all, l.Found...), rows+l.Rows
			if l.Next == "" {
				break
			}
			after = l.Next
		}
		s.same("rows of "+table, fmt.Sprint(rows), s.rows("SELECT count(*) FROM {" + table + "}")[0])
	}
	return all
}

func (s *scene) tallyDifferences() []curfew.TallyDifference {
	s.Helper()
	all, err := s.Store.TallyDifferences(s.Context())
	s.must(err)
	return all
}

func soundRows(s *scene) {
	everySort(s)
	s.same("contradictions", s.linked(1000), []curfew.Inconsistency(nil))
	s.same("tallies", s.tallyDifferences(), []curfew.TallyDifference(nil))
}

func walksLinks(s *scene) {
	everySort(s)
	for _, limit := range []int{1, 2, 7} {
		s.same("contradictions", s.linked(limit), []curfew.Inconsistency(nil))
	}
	for range 3 {
		s.admit(newID())
	}
	s.linked(1)
}

// contradiction is how rows come to contradict each other. W, A and C stand for
// ids as in violations.
type contradiction struct {
	kind   curfew.Contradiction
	plant  []string
	id     string // the letter of the id that is told; empty: the reference of C
	beside []curfew.Contradiction
	mended bool
}

var contradictions = []contradiction{
	{kind: curfew.ClaimWithoutCheckout, plant: []string{"DELETE FROM {checkouts} WHERE id = C"}, beside: []curfew.Contradiction{curfew.SessionWithoutCheckout, curfew.EventsWithoutSubject}},
	{kind: curfew.CheckoutWithoutClaim, plant: []string{"DELETE FROM {payment_refs} WHERE checkout_id = C"}, id: "C", mended: true},
	{kind: curfew.FulfilledWithoutOne, plant: []string{"DELETE FROM {session_requests} WHERE session_id = W", "DELETE FROM {sessions} WHERE id = W"}, id: "C", beside: []curfew.Contradiction{curfew.EventsWithoutSubject}, mended: true},
	{kind: curfew.GivenBackAndOpen, plant: []string{"UPDATE {checkouts} SET outcome = 'refunded' WHERE id = C"}, id: "C", beside: []curfew.Contradiction{curfew.CheckoutEventsBroken}},
	{kind: curfew.CheckoutEventsBroken, plant: []string{"DELETE FROM {events} WHERE subject_id = C"}, id: "C"},
	{kind: curfew.SessionWithoutCheckout, plant: []string{"DELETE FROM {payment_refs} WHERE checkout_id = C", "DELETE FROM {events} WHERE subject_id = C", "DELETE FROM {checkouts} WHERE id = C"}, id: "W"},
	{kind: curfew.SessionWithoutRequest, plant: []string{"DELETE FROM {session_requests} WHERE session_id = A"}, id: "A", mended: true},
	{kind: curfew.SessionWithoutSlot, plant: []string{"DELETE FROM {mechanic_slots} WHERE session_id = A"}, id: "A", mended: true},
	{kind: curfew.SessionEventsBroken, plant: []string{"DELETE FROM {events} WHERE subject_id = A AND number = 1"}, id: "A"},
	{kind: curfew.SessionEventsBroken, plant: []string{"DELETE FROM {events} WHERE subject_id = W"}, id: "W"},
	{kind: curfew.RequestWithoutSession, plant: []string{cancelSession + "W"}, beside: []curfew.Contradiction{curfew.FulfilledWithoutOne, curfew.SessionEventsBroken}, id: "R", mended: true},
	{kind: curfew.EventsWithoutSubject, plant: []string{"DELETE FROM {session_requests} WHERE session_id = W", "DELETE FROM {sessions} WHERE id = W"}, id: "W", beside: []curfew.Contradiction{curfew.FulfilledWithoutOne}},
}

// planted puts a contradiction down, and returns what is to be told of it.
func (s *scene) planted(c contradiction) (want curfew.Inconsistency) {
	s.Helper()
	waiting, assigned := s.admit("w"), s.accepted("a", "max")
	s.guardsOff()
	quote := func(id string) string { return "= '" + id + "'" }
	letters := strings.NewReplacer("= W", quote(waiting.ID), "= A", quote(assigned.ID), "= C", quote(waiting.CheckoutID))
	for _, sql := range c.plant {
		s.spoil(letters.Replace(sql))
	}
	want = curfew.Inconsistency{Kind: c.kind, CustomerID: "w", ID: map[string]string{
		"W": waiting.ID, "A": assigned.ID, "C": waiting.CheckoutID, "R": waiting.Request.ID, "": "pay_" + waiting.CheckoutID,
	}[c.id]}
	if c.id == "A" {
		want.CustomerID = "a"
	}
	return want
}

func everyContradictionIsPlanted(s *scene) {
	for _, kind := range curfew.Contradictions() {
		if !slices.ContainsFunc(contradictions, func(c contradiction) bool { return c.kind == kind }) {
			s.Errorf("%s is planted by no test", kind)
		}
	}
}

// found: what was planted is told, with what it brings beside, and nothing else;
// mending heals it where it can be.
func (c contradiction) found(s *scene) {
	want := s.planted(c)
	told := func() []curfew.Contradiction {
		s.Helper()
		var kinds []curfew.Contradiction
		for _, i := range s.linked(1000) {
			kinds = append(kinds, i.Kind)
			if i.Kind == c.kind {
				s.same("what is told", i, want)
			}
		}
		slices.Sort(kinds)
		return slices.Compact(kinds)
	}
	kinds := append([]curfew.Contradiction{c.kind}, c.beside...)
	slices.Sort(kinds)
	s.same("kinds", told(), kinds)
	s.mend()
	if after := told(); c.mended == slices.Contains(after, c.kind) {
		s.Errorf("mended, it is told of %v", after)
	}
	s.same("tallies", s.tallyDifferences(), []curfew.TallyDifference(nil))
}

// mend is the store's own repair, where it has one.
func (s *scene) mend() int64 {
	s.Helper()
	m, ok := s.Store.(interface {
		Mend(ctx context.Context) (int64, error)
	})
	if !ok {
		s.Fatal("the store mends nothing")
	}
	n, err := m.Mend(s.Context())
	s.must(err)
	return n
}

func findsTallies(s *scene) {
	s.change(ending(s.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	s.spoil("UPDATE {tallies} SET n = n + 2 WHERE noun = 'session' AND status = 'cancelled'")
	s.same("differences", s.tallyDifferences(), []curfew.TallyDifference{{Noun: "session", Status: "cancelled", Tallied: 3, Counted: 1}})
	s.mend()
	s.same("differences once mended", s.tallyDifferences(), []curfew.TallyDifference(nil))
	s.counted()
	s.spoil("DELETE FROM {tallies}")
	s.mend()
	s.same("differences of none, mended", s.tallyDifferences(), []curfew.TallyDifference(nil))
	s.change(ending(s.admit("bob"), curfew.Cancelled, curfew.ByRequest))
	s.counted()
}

func mendsNothing(s *scene) {
	everySort(s)
	before := s.dump()
	s.same("rows mended", s.mend(), int64(0))
	s.same("rows", s.dump(), before)
}

func refusesLinks(s *scene) {
	_, err := s.Store.Links(s.Context(), "runs", "", 9)
	s.kind(err, curfew.Internal)
}
