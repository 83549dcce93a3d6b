package stripe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// Subscribed returns the types of Events that no enabled webhook endpoint of the account receives;
// an empty result is right. Only endpoints at the client's WebhookURL count, or all if that is
// empty. It returns NotFound if there is no such endpoint; for other errors, see Client.
//
// An endpoint for connected accounts counts too, because Stripe does not say which endpoints are.
func (c *Client) Subscribed(ctx context.Context) (missing []string, err error) {
	got, err := c.subscriptions(ctx)
	if err != nil {
		return nil, fmt.Errorf("list webhook endpoints: %w", err)
	}
	if slices.Contains(got, "*") {
		return nil, nil
	}
	return slices.DeleteFunc(Events(), func(event string) bool { return slices.Contains(got, event) }), nil
}

// subscriptions returns the events that the endpoints receive; * means all.
func (c *Client) subscriptions(ctx context.Context) ([]string, error) {
	params := &stripe.WebhookEndpointListParams{}
	params.Limit = stripe.Int64(pageSize)
	var got []string
	found := false
	for endpoint, err := range list[stripe.WebhookEndpoint](ctx, c.api, "/v1/webhook_endpoints", params) {
		if err != nil {
			return nil, failure(err)
		}
		if endpoint.Status == "enabled" && (c.webhook == "" || sameAddress(endpoint.URL, c.webhook)) {
			found, got = true, append(got, endpoint.EnabledEvents...)
		}
	}
	switch {
	case found:
		return got, nil
	case c.webhook != "":
		return nil, curfew.Errorf(curfew.NotFound, "Stripe has no enabled webhook endpoint at %s", c.webhook)
	}
	return nil, curfew.Errorf(curfew.NotFound, "Stripe has no enabled webhook endpoint")
}

func sameAddress(a, b string) bool {
	return strings.EqualFold(strings.TrimRight(a, "/"), strings.TrimRight(b, "/"))
}
