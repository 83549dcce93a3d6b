package record

import (
	"slices"

	"github.com/curfewhq/curfew"
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
	Name       curfew.RuleName
	From       curfew.SessionStatus
	Assigned   Match
	HasRequest Match // an open request of its own
	Postponed  Match // an appointment at its second chance
	To         curfew.SessionStatus
	Reason     curfew.EndReason
	RequestTo  curfew.RequestStatus
}

// Rules is the list. A session matches at most one. An appointment that Misses
// matches begins like a due one, if its slot is free by now.
func Rules() []Rule {
	return []Rule{
		{curfew.OldWaiting, curfew.Waiting, No, Yes, Either, curfew.Cancelled, curfew.Expired, curfew.RequestExpired},
		{curfew.Orphans, curfew.Waiting, No, No, Either, curfew.Cancelled, curfew.Orphaned, curfew.RequestExpired},
		{curfew.NoShows, curfew.Waiting, Yes, Either, Either, curfew.Cancelled, curfew.NoShow, curfew.RequestCancelled},
		{curfew.Overruns, curfew.Live, Either, Either, Either, curfew.Completed, curfew.Overran, curfew.RequestCompleted},
		{curfew.Due, curfew.Scheduled, Either, Either, No, curfew.Waiting, "", curfew.Pending},
		{curfew.Misses, curfew.Scheduled, Either, Either, Yes, curfew.Cancelled, curfew.Missed, curfew.RequestCancelled},
	}
}

// Matches reports whether the rule is the one for such a session.
func (r Rule) Matches(s curfew.Snapshot) bool {
	return s.Status == r.From && r.Assigned.Holds(s.Assigned()) && r.HasRequest.Holds(s.Offered()) &&
		r.Postponed.Holds(s.Postponed())
}

// RuleNamed is the rule of that name; its zero value: there is none.
func RuleNamed(name curfew.RuleName) Rule {
	i := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}
	}
	return Rules()[i]
}

// RuleFor is the rule for such a session; ok is false for one that has ended.
func RuleFor(s curfew.Snapshot) (r Rule, ok bool) {
	i := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Matches(s) })
	if i < 0 {
		return Rule{}, false
	}
	return Rules()[i], true
}
