package console

import (
	"testing"
	"time"

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

func TestWhatBecameOfAPaymentIsTrue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want string
		of   curfew.Checkout
	}{
		{"was free: nothing is owed.", curfew.Checkout{Outcome: curfew.Void}},
		{"failed, or was taken back: nothing is owed for it.", curfew.Checkout{Ref: "p", Outcome: curfew.Void}},
		{"is the same payment as another one: it bought nothing of its own.", curfew.Checkout{ID: "b", Ref: "p", LineOf: "a", Outcome: curfew.Void}},
		{"was reserved and not charged: it is being released.", curfew.Checkout{Ref: "p", Outcome: curfew.Void, Capture: "releasing"}},
		{"was reserved and not charged: it was released.", curfew.Checkout{Ref: "p", Outcome: curfew.Void, Capture: "released"}},
		{"was refused by the bank: nothing was taken.", curfew.Checkout{Ref: "p", Outcome: curfew.Void, Capture: "failed"}},
		{"will be refunded.", curfew.Checkout{Ref: "p", Outcome: curfew.RefundDue}},
		{"could not be refunded by the bank: it has to be paid back in another way.", curfew.Checkout{Ref: "p", Outcome: curfew.RefundDue, Concern: record.RefundFailed}},
		{"will be refunded if the bank does not take it back: it is disputed.", curfew.Checkout{Ref: "p", Outcome: curfew.RefundDue, DisputedAt: time.Unix(1, 0)}},
	} {
		if got := became(c.of); got != c.want {
			t.Errorf("%+v %q, want %q", c.of, got, c.want)
		}
	}
}

// A link leads to the payment in the account that received it, in test mode where its
// checkout session says so.
func TestAPaymentLeadsToItsProvidersPage(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]struct {
		test    bool
		payment curfew.Payment
	}{
		"": {payment: curfew.Payment{Provider: "paypal", Name: "x"}},
		"https://dashboard.stripe.com/payments/pi_1":             {payment: curfew.Payment{Provider: "stripe", Name: "pi_1", References: []string{"cs_live_1", "pi_1"}}},
		"https://dashboard.stripe.com/test/payments/pi_1":        {payment: curfew.Payment{Provider: "stripe", Name: "pi_1", References: []string{"cs_test_1", "pi_1"}}},
		"https://dashboard.stripe.com/acct_1/test/payments/pi_1": {true, curfew.Payment{Provider: "stripe", Account: "acct_1", Name: "pi_1"}},
		"https://dashboard.stripe.com/payments/pi%2F..%2Fx":      {payment: curfew.Payment{Provider: "stripe", Name: "pi/../x"}},
	} {
		if got := (providerPages{l.test}).of(record.Ledger{Payment: l.payment}).Path; got != want {
			t.Errorf("%+v leads to %q, want %q", l, got, want)
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
