package console

import (
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func TestMoneyIsToldInItsCurrency(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]curfew.Checkout{
		"1,239.00 EUR": {Ref: "p", Amount: 123900, Currency: "eur"}, "1,500 JPY": {Ref: "p", Amount: 1500, Currency: "jpy"},
		"1,500 minor units of an unknown currency": {Ref: "p", Amount: 1500},
		"free": {}, "unknown amount": {Ref: "p"}, "0.00 EUR": {Ref: "p", Currency: "eur"},
	} {
		if got := paid(c); got != want {
			t.Errorf("%+v is %q, want %q", c, got, want)
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
