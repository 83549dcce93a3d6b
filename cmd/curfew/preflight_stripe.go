package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe"
)

// askStripeFor limits the check of the webhook endpoint.
const askStripeFor = 20 * time.Second

// stripe checks that Stripe's webhook endpoint receives every event that Curfew reads. An API key
// without the right to read endpoints suffices for everything else, so the check then passes as
// unknown.
func (p *preflight) stripe(ctx context.Context, s *settings) {
	if s.Stripe.APIKey == "" || s.Stripe.WebhookSecret == nil {
		return
	}
	const check = "stripe events"
	ctx, cancel := context.WithTimeout(ctx, askStripeFor)
	defer cancel()
	client, err := stripe.NewClient(s.stripeOptions())
	if err != nil {
		p.failed(check, err, "")
		return
	}
	missing, err := client.Subscribed(ctx)
	switch {
	case errors.Is(err, curfew.Forbidden):
		p.add(checkup{Check: check, OK: true, Text: "cannot tell which events the endpoint gets: the API key may not read webhook endpoints"})
	case errors.Is(err, curfew.NotFound):
		p.failed(check, err, "at Stripe, add an endpoint for "+webhookPath+" with the events that docs/stripe.md lists")
	case err != nil:
		p.failed(check, err, "")
	case len(missing) > 0:
		p.add(checkup{
			Check: check, Text: fmt.Sprintf("the endpoint does not get %s that Curfew reads", plural(len(missing), "event")), Detail: missing,
			Fix: "at Stripe, add them to the endpoint: Developers, Webhooks, the endpoint, Edit destination",
		})
	default:
		p.add(checkup{Check: check, OK: true, Text: "the endpoint gets every event that Curfew reads"})
	}
}
