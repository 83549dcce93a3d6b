package stripe

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// eventsKept is how long Stripe lists its events.
const eventsKept = 30 * 24 * time.Hour

// Missed returns the events since a time, at most 30 days ago, that some webhook endpoint has not
// accepted yet, as Hook reads them: those of the key's own account, then of each connected account,
// newest first. It stops at the first error.
//
// It includes events that are still being delivered, and events that another endpoint of the
// account refuses. Each notice has its event's id, so that known events can be skipped.
func (c *Client) Missed(ctx context.Context, since time.Time) iter.Seq2[curfew.Notice, error] {
	return func(yield func(curfew.Notice, error) bool) {
		for _, account := range append([]string{""}, c.accounts...) {
			for event, err := range c.undelivered(ctx, account, since) {
				if err != nil {
					yield(curfew.Notice{}, fmt.Errorf("list missed events: %w", err))
					return
				}
				if _, ok := kinds[event.Type]; ok && !yield(c.missed(event, account), nil) {
					return
				}
			}
		}
	}
}

// undelivered requests events of all types: Stripe accepts at most twenty types as a filter.
func (c *Client) undelivered(ctx context.Context, account string, since time.Time) iter.Seq2[*stripe.Event, error] {
	if oldest := time.Now().Add(-eventsKept); since.Before(oldest) {
		since = oldest
	}
	params := &stripe.EventListParams{
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}, DeliverySuccess: stripe.Bool(false),
	}
	params.Limit = stripe.Int64(pageSize)
	if account != "" {
		params.StripeAccount = stripe.String(account)
	}
	return resumed(ctx, func(after *string) iter.Seq2[*stripe.Event, error] {
		params.StartingAfter = after
		return list[stripe.Event](ctx, c.api, "/v1/events", params)
	}, func(e *stripe.Event) string { return e.ID })
}

// missed translates a listed event like a webhook message. Listed on behalf of an account, an event
// does not name that account.
func (c *Client) missed(e *stripe.Event, account string) curfew.Notice {
	body := e.LastResponse.RawJSON
	n := open(body).translated(c.keys, body)
	n.Account = account
	return n
}
