package record_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func TestEverySessionHasExactlyOneRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := curfew.Snapshot{Session: curfew.Session{Status: rapid.SampledFrom(curfew.SessionStatuses()).Draw(t, "status")}}
		if rapid.Bool().Draw(t, "assigned") {
			s.MechanicID = "m"
		}
		if rapid.Bool().Draw(t, "postponed") {
			s.ExpiresAt = s.StartsAt.Add(time.Minute)
		}
		if rapid.Bool().Draw(t, "joined") {
			s.MechanicJoinedAt = time.Unix(1, 0)
		}
		terms := record.Terms{Offer: rapid.Bool().Draw(t, "offer"), Spent: rapid.Bool().Draw(t, "spent")}
		s.Request.Status = rapid.SampledFrom(append(curfew.RequestStatuses(), "")).Draw(t, "request")
		matching := 0
		for _, r := range record.Rules() {
			if r.Matches(s, terms) {
				matching++
				if !curfew.Legal(r.From, r.To) {
					t.Fatalf("rule %s makes the illegal step %s → %s", r.Name, r.From, r.To)
				}
			}
		}
		if want := map[bool]int{true: 0, false: 1}[s.Status.Ended()]; matching != want {
			t.Fatalf("%d rules for %+v, want %d", matching, s, want)
		}
	})
}

func TestLesson04_NoRuleForUnassignedSessionsMatchesAnAcceptedOne(t *testing.T) {
	t.Parallel()
	accepted := curfew.Snapshot{Session: curfew.Session{Status: curfew.Waiting, MechanicID: "m"}}
	for _, accepted.Request.Status = range append(curfew.RequestStatuses(), "") {
		for _, terms := range []record.Terms{{}, {Offer: true}, {Spent: true}, {Offer: true, Spent: true}} {
			for _, r := range record.Rules() {
				if r.Matches(accepted, terms) && r.Assigned != record.Yes {
					t.Errorf("rule %s matches an accepted session whose request is %q", r.Name, accepted.Request.Status)
				}
			}
		}
		if accepted.Orphan() {
			t.Errorf("an accepted session whose request is %q passes for an orphan", accepted.Request.Status)
		}
	}
}

func TestEveryRuleHasItsNameAndNoNameIsWithoutARule(t *testing.T) {
	t.Parallel()
	names := []curfew.RuleName{curfew.ExpiredRequests} // another name for the first rule
	for _, r := range record.Rules() {
		names = append(names, r.Name)
	}
	if !slices.Equal(names, curfew.RuleNames()) {
		t.Errorf("the rules are %v, their names %v", names, curfew.RuleNames())
	}
}
