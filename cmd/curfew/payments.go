package main

import (
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/provider"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/lifecycle"
)

// payments returns what reads the messages of payment providers, and the client that calls one; nil for what is not set.
func (s *settings) payments() (hooks httpapi.Hooks, client lifecycle.Provider, err error) {
	if hooks, err = s.hooks(); err != nil {
		return hooks, nil, asUsage(err)
	}
	if s.Stripe.APIKey == "" {
		return hooks, nil, nil
	}
	o := stripe.ClientOptions{APIKey: s.Stripe.APIKey, Accounts: []string{s.Stripe.Account}}
	if base := s.Stripe.APIBase; base != nil {
		o.BaseURL = string(*base)
	}
	if client, err = stripe.NewClient(o); err != nil {
		return hooks, nil, asUsage(err)
	}
	return hooks, client, nil
}

func (s *settings) hooks() (hooks httpapi.Hooks, err error) {
	if secrets := s.Stripe.WebhookSecret; secrets != nil {
		o := stripe.HookOptions{Secrets: secrets.Values, Live: livePayments(s.Stripe), Accounts: []string{s.Stripe.Account}}
		if hooks.Stripe, err = stripe.NewHook(o); err != nil {
			return hooks, err
		}
	}
	if secrets := s.Payments.Secret; secrets != nil {
		hooks.Events, err = provider.NewHook(provider.HookOptions{Secrets: secrets.Values})
	}
	return hooks, err
}

// livePayments says which messages count: those of live payments, of test payments, or, if nil, both. A live API key
// implies live payments, so that no test payment opens a session there.
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
