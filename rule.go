package curfew

import (
	"slices"
	"strings"
)

// RuleName names a rule, and the figure of Stats its sessions count under.
type RuleName string

// The rules of the cleanup.
const (
	OldWaiting RuleName = "oldWaitingSessions"
	Orphans    RuleName = "orphanedSessions"
	NoShows    RuleName = "noShows"
	Overruns   RuleName = "overran"
	Due        RuleName = "due"
	Misses     RuleName = "scheduledMissed"
	// ExpiredRequests is another name for OldWaiting: a request and its session
	// end together, so there is one rule for both. Requests count under it.
	ExpiredRequests RuleName = "expiredRequests"
)

// Match is a condition with three answers.
type Match int8

// Either matches everything.
const (
	Either Match = iota
	Yes
	No
)

// Holds reports whether a fact satisfies the condition.
func (m Match) Holds(fact bool) bool {
	return m == Either || (m == Yes) == fact
}

// Rule is one rule of the cleanup as data: which sessions it touches once they
// are overdue, and what becomes of them. Preview, run, health, metrics and
// pages are derived from it, and each store has one statement for all rules
// that end something. Due ends nothing: it is a Change that opens a request,
// and no figure of Stats counts it.
type Rule struct {
	Name       RuleName
	From       SessionStatus
	Assigned   Match
	HasRequest Match // an open request of its own
	Postponed  Match // an appointment at its second chance
	To         SessionStatus
	Reason     EndReason
	RequestTo  RequestStatus
}

// Rules is the list. A session matches at most one. An appointment that Misses
// matches begins like a due one, if its slot is free by now.
func Rules() []Rule {
	return []Rule{
		{OldWaiting, Waiting, No, Yes, Either, Cancelled, Expired, RequestExpired},
		{Orphans, Waiting, No, No, Either, Cancelled, Orphaned, RequestExpired},
		{NoShows, Waiting, Yes, Either, Either, Cancelled, NoShow, RequestCancelled},
		{Overruns, Live, Either, Either, Either, Completed, Overran, RequestCompleted},
		{Due, Scheduled, Either, Either, No, Waiting, "", Pending},
		{Misses, Scheduled, Either, Either, Yes, Cancelled, Missed, RequestCancelled},
	}
}

// Matches reports whether the rule is the one for such a session.
func (r Rule) Matches(s Standing) bool {
	return s.Status == r.From && r.Assigned.Holds(s.Assigned()) && r.HasRequest.Holds(s.Offered()) &&
		r.Postponed.Holds(s.Postponed())
}

// RuleNamed is the rule of that name; its zero value: there is none.
func RuleNamed(name RuleName) Rule {
	i := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}
	}
	return Rules()[i]
}

// RuleFor is the rule for such a session; ok is false for one that has ended.
func RuleFor(s Standing) (r Rule, ok bool) {
	i := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Matches(s) })
	if i < 0 {
		return Rule{}, false
	}
	return Rules()[i], true
}

// RuleNames are the names a caller may give, in the order of the list.
func RuleNames() []RuleName {
	names := []RuleName{ExpiredRequests}
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	return names
}

// ParseRules turns names into rules' names without doubles; an unknown name is
// Invalid, and says which there are.
func ParseRules(names []string) ([]RuleName, error) {
	if names != nil && len(names) == 0 {
		return nil, Errorf(Invalid, "rules must not be empty: leave them out to choose all")
	}
	var rules []RuleName
	for _, n := range names {
		name := RuleName(n)
		if !slices.Contains(RuleNames(), name) {
			return nil, Errorf(Invalid, "there is no rule %q: the rules are %s", n, joinNames(RuleNames()))
		}
		if name == ExpiredRequests {
			name = OldWaiting
		}
		if !slices.Contains(rules, name) {
			rules = append(rules, name)
		}
	}
	return rules, nil
}

func joinNames(names []RuleName) string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = string(n)
	}
	return strings.Join(texts, ", ")
}
