package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

func TestStripesSettingsReachItsClient(t *testing.T) {
	t.Parallel()
	defaults := stripe.Keys{Customer: []string{"customer_id"}, Plan: "plan", StartsAt: "starts_at", Extends: "extends_session"}
	for sentence, row := range map[string]struct {
		args []string
		file string
		want stripe.ClientOptions
	}{
		"nothing is set": {want: stripe.ClientOptions{Accounts: []string{""}, Keys: defaults}},
		"accounts, an address and what goes back": {
			args: []string{"--stripe-account=acct_1", "--stripe-accounts=acct_2, acct_3", "--base-url=https://curfew.example.org", "--stripe-reverse-transfer=on"},
			want: stripe.ClientOptions{
				Accounts: []string{"acct_1", "acct_2", "acct_3"}, Keys: defaults, ReverseTransfer: true,
				WebhookURL: "https://curfew.example.org/api/stripe/webhook",
			},
		},
		"a file": {
			file: "stripe:\n  customer_keys: supabase_user_id, customer_id\n  plan_key: product\n  starts_at_key: begins\n  extends_key: more_of\n  refund_application_fee: on\n",
			want: stripe.ClientOptions{
				Accounts: []string{""}, RefundApplicationFee: true,
				Keys: stripe.Keys{Customer: []string{"supabase_user_id", "customer_id"}, Plan: "product", StartsAt: "begins", Extends: "more_of"},
			},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			s, err := parse(t, append(row.args, "--config="+write(t, row.file))...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, s.stripeOptions()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An app that writes its customers under another key, and is paid through a connected account, is understood.
func TestStripesSettingsReachItsWebhook(t *testing.T) {
	t.Parallel()
	s, err := parse(t, "--stripe-webhook-secret=whsec_1", "--stripe-accounts=acct_2", "--stripe-customer-keys=supabase_user_id")
	if err != nil {
		t.Fatal(err)
	}
	hooks, _, err := s.payments()
	if err != nil {
		t.Fatal(err)
	}
	fake := stripetest.New(t, stripetest.Options{})
	fake.Pay(stripetest.Checkout{Plan: "chat10", Amount: 2900, Account: "acct_2", Metadata: map[string]string{"supabase_user_id": "7f3c"}})
	body := fake.Events()[0].Body()
	n, err := hooks.Stripe.Read(http.Header{"Stripe-Signature": {stripetest.Sign("whsec_1", time.Now(), body)}}, body)
	if err != nil || n.Account != "acct_2" || n.Order == nil || n.Order.CustomerID != "7f3c" {
		t.Errorf("it reads %+v, %v", n, err)
	}
}

func TestAStripeKeyThatMeansTwoThingsIsRefused(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--stripe-webhook-secret=whsec_1", "--stripe-plan-key=customer_id"},
		{"--stripe-api-key=sk_test_1", "--stripe-extends-key=quantity"},
	} {
		s, err := parse(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.payments(); err == nil || !strings.Contains(err.Error(), "has two meanings") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
