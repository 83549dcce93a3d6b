package record

import (
	"slices"

	"github.com/curfewhq/curfew"
)

// Match is a condition on a fact: it must hold, must not hold, or does not
// matter.
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

// Rule is one rule of the cleanup as data: which overdue sessions it applies
// to, and what it does to them. Preview, run, health, metrics and pages are
// derived from it, and each store has one statement for all rules that end a
// session. Due and Forgotten end nothing: they are a Change, which opens the request of an
// appointment, or takes a session from its mechanic. No total of Stats includes them.
type Rule struct {
	Name       curfew.RuleName
	From       curfew.SessionStatus
	Assigned   Match
	HasRequest Match // an open request for this session
	Postponed  Match // an appointment whose start was postponed once
	Absent     Match // its mechanic had a time to join in, and has not joined: see Terms
	Spent      Match // it has waited for as long as it may: see Terms
	To         curfew.SessionStatus
	Reason     curfew.EndReason
	RequestTo  curfew.RequestStatus
}

// Rules lists the rules. A session matches at most one. An appointment that
// matches Misses begins like a due one if its slot is free by then.
func Rules() []Rule {
	return []Rule{
		{curfew.OldWaiting, curfew.Waiting, No, Yes, Either, Either, Either, curfew.Cancelled, curfew.Expired, curfew.RequestExpired},
		{curfew.Orphans, curfew.Waiting, No, No, Either, Either, Either, curfew.Cancelled, curfew.Orphaned, curfew.RequestExpired},
		{curfew.Forgotten, curfew.Waiting, Yes, Either, Either, Yes, No, curfew.Waiting, "", curfew.Pending},
		{curfew.Absences, curfew.Waiting, Yes, Either, Either, Yes, Yes, curfew.Cancelled, curfew.Unattended, curfew.RequestCancelled},
		{curfew.NoShows, curfew.Waiting, Yes, Either, Either, No, Either, curfew.Cancelled, curfew.NoShow, curfew.RequestCancelled},
		{curfew.Overruns, curfew.Live, Either, Either, Either, Either, Either, curfew.Completed, curfew.Overran, curfew.RequestCompleted},
		{curfew.Due, curfew.Scheduled, Either, Either, No, Either, Either, curfew.Waiting, "", curfew.Pending},
		{curfew.Misses, curfew.Scheduled, Either, Either, Yes, Either, Either, curfew.Cancelled, curfew.Missed, curfew.RequestCancelled},
	}
}

// Terms are what the policy says of a session, where a rule asks for it. Their zero value
// is a policy without a JoinOffer.
type Terms struct {
	Offer bool // a mechanic who accepts it has a time of their own to join in
	Spent bool // it has waited for MaxWait at its deadline: it may not wait on
}

// Absent reports whether the mechanic of the session has not joined, and had a time for that.
func (t Terms) Absent(s curfew.Snapshot) bool {
	return t.Offer && s.Status == curfew.Waiting && s.Assigned() && s.MechanicJoinedAt.IsZero()
}

// Matches reports whether the rule applies to such a session, under these terms.
func (r Rule) Matches(s curfew.Snapshot, t Terms) bool {
	return s.Status == r.From && r.Assigned.Holds(s.Assigned()) && r.HasRequest.Holds(s.Offered()) &&
		r.Postponed.Holds(s.Postponed()) && r.Absent.Holds(t.Absent(s)) && r.Spent.Holds(t.Spent)
}

// RuleNamed returns the rule with that name, or the zero value.
func RuleNamed(name curfew.RuleName) Rule {
	i := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}
	}
	return Rules()[i]
}

// RuleFor returns the rule for such a session under these terms; ok is false if it has
// ended. An adopted appointment begins by its own program alone: at its deadline it was missed.
func RuleFor(s curfew.Snapshot, t Terms) (r Rule, ok bool) {
	if s.Adopted() && s.Status == curfew.Scheduled {
		return RuleNamed(curfew.Misses), true
	}
	i := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Matches(s, t) })
	if i < 0 {
		return Rule{}, false
	}
	return Rules()[i], true
}
