package curfew

import (
	"slices"
	"strings"
)

// RuleName names a rule of the cleanup, and the figure of Stats that counts its
// sessions.
type RuleName string

// The rules of the cleanup.
const (
	OldWaiting RuleName = "oldWaitingSessions"
	Orphans    RuleName = "orphanedSessions"
	Forgotten  RuleName = "forgotten" // ends nothing: the session waits on, for another mechanic
	Absences   RuleName = "unattended"
	NoShows    RuleName = "noShows"
	Overruns   RuleName = "overran"
	Due        RuleName = "due"
	Misses     RuleName = "scheduledMissed"
	// ExpiredRequests is another name for OldWaiting: a request and its session
	// end together, so there is one rule for both. Requests count under it.
	ExpiredRequests RuleName = "expiredRequests"
)

// RuleNames lists the names that callers may use, in the order of the rules.
func RuleNames() []RuleName {
	return []RuleName{ExpiredRequests, OldWaiting, Orphans, Forgotten, Absences, NoShows, Overruns, Due, Misses}
}

// ParseRules parses the names of rules and drops duplicates. The error for an unknown
// name lists the known ones; its kind is Invalid.
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
