package main

import (
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/provider"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/lifecycle"
)

// payments returns the hooks that read messages of payment providers, and the client that calls
// one; nil for what is not configured.
func (s *settings) payments() (hooks httpapi.Hooks, client lifecycle.Provider, err error) {
	if hooks, err = s.hooks(); err != nil {
		return hooks, nil, asUsage(err)
	}
	if s.Stripe.APIKey == "" {
		return hooks, nil, nil
	}
	if client, err = stripe.NewClient(s.stripeOptions()); err != nil {
		return hooks, nil, asUsage(err)
	}
	return hooks, client, nil
}

func (s *settings) hooks() (hooks httpapi.Hooks, err error) {
	if secrets := s.Stripe.WebhookSecret; secrets != nil {
		o := stripe.HookOptions{Secrets: secrets.Values, Live: livePayments(s.Stripe), Accounts: accounts(s.Stripe), Keys: metadataKeys(s.Stripe)}
		if hooks.Stripe, err = stripe.NewHook(o); err != nil {
			return hooks, err
		}
	}
	if secrets := s.Payments.Secret; secrets != nil {
		hooks.Events, err = provider.NewHook(provider.HookOptions{Secrets: secrets.Values})
	}
	return hooks, err
}

// webhookPath is where Stripe's messages arrive.
const webhookPath = "/api/stripe/webhook"

func (s *settings) stripeOptions() stripe.ClientOptions {
	o := stripe.ClientOptions{
		APIKey: s.Stripe.APIKey, Accounts: accounts(s.Stripe), Keys: metadataKeys(s.Stripe),
		ReverseTransfer: s.Stripe.ReverseTransfer.On(), RefundApplicationFee: s.Stripe.RefundApplicationFee.On(),
	}
	if base := s.Stripe.APIBase; base != nil {
		o.BaseURL = string(*base)
	}
	if s.BaseURL != nil {
		o.WebhookURL = string(*s.BaseURL) + webhookPath
	}
	return o
}

// accounts returns the connected accounts whose payments count.
func accounts(s config.Stripe) []string {
	all := []string{s.Account}
	if s.Accounts != nil {
		all = append(all, s.Accounts.IDs...)
	}
	return all
}

func metadataKeys(s config.Stripe) stripe.Keys {
	return stripe.Keys{
		Customer: s.CustomerKeys.Names, Plan: string(s.PlanKey), StartsAt: string(s.StartsAtKey), Extends: string(s.ExtendsKey),
	}
}

// livePayments says which messages count: those of live payments, of test payments or, if nil, of
// both. A live API key implies live payments, so that no test payment opens a session there.
func livePayments(s config.Stripe) *bool {
	counts := config.Mode("both")
	if stripe.LiveKey(s.APIKey) {
		counts = "on"
	}
	if s.Live != nil {
		counts = *s.Live
	}
	if counts == "both" {
		return nil
	}
	live := counts == "on"
	return &live
}
