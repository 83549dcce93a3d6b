package console

import (
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func TestMoneyIsToldInItsCurrency(t *testing.T) {
	t.Parallel()
	for want, given := range map[string]struct {
		amount   int64
		currency string
	}{
		"€39.00": {3900, "eur"}, "$0.05": {5, "USD"}, "¥1500": {1500, "jpy"}, "1.500 KWD": {1500, "kwd"},
		"12.34 CHF": {1234, "chf"}, "1500 minor units of an unknown currency": {1500, ""}, "free": {0, "eur"}, "-1.00 EUR": {-100, "eur"},
	} {
		if got := money(given.amount, given.currency); got != want {
			t.Errorf("%d %s is %q, want %q", given.amount, given.currency, got, want)
		}
	}
}

func TestCountsAreTold(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"1 session": things("session").of(1), "0 sessions": things("session").of(0), "12,345 sessions": things("session").of(12345),
		"nothing": cleanedUp(curfew.Stats{}), "1 orphan": cleanedUp(curfew.Stats{OrphanedSessions: 1}),
		"2 old waiting sessions, 2 expired requests and 1 orphan": cleanedUp(curfew.Stats{OldWaitingSessions: 2, ExpiredRequests: 2, OrphanedSessions: 1}),
	} {
		if got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
}

// Every outcome and rule has its words.
func TestNothingIsWithoutWords(t *testing.T) {
	t.Parallel()
	for _, o := range curfew.Outcomes() {
		if becomes[o] == "" {
			t.Errorf("a payment that is %s has no words", o)
		}
	}
	for _, r := range record.Rules() {
		if ruleNouns[r.Name].one == "" {
			t.Errorf("the rule %s has no words", r.Name)
		}
	}
}
