package stripe

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// openFor is how long a Checkout Session can stay open before it is paid.
const openFor = 24 * time.Hour

// A page that Stripe does not return is tried again. The first wait is pageWait; it
// doubles each time.
const (
	pageTries = 4
	pageWait  = 250 * time.Millisecond
)

// Paid returns the paid checkouts completed since a time, newest first, with what has
// been refunded; it includes some completed up to a day earlier. The first error ends
// it.
//
// Stripe lists checkouts by when they were opened. With a delayed payment method they
// may be paid up to two weeks later; to find those, ask for an earlier time.
//
// It lists Checkout Sessions, not events, because an event can be missing.
func (c *Client) Paid(ctx context.Context, since time.Time) iter.Seq2[curfew.Payment, error] {
	return func(yield func(curfew.Payment, error) bool) {
		params := paidParams(since)
		params.StripeAccount = c.account
		for session, err := range c.completed(ctx, params) {
			if err != nil {
				yield(curfew.Payment{}, fmt.Errorf("list paid checkouts: %w", err))
				return
			}
			if payment := listed(session); payment.Paid && !yield(payment, nil) {
				return
			}
		}
	}
}

// completed continues after the last session if Stripe does not answer: a long list
// that started over each time would never finish.
func (c *Client) completed(ctx context.Context, params *stripe.CheckoutSessionListParams) iter.Seq2[*stripe.CheckoutSession, error] {
	return func(yield func(*stripe.CheckoutSession, error) bool) {
		for try := 1; ; try++ {
			last, err := c.listFrom(ctx, params, yield)
			if last != "" {
				params.StartingAfter, try = stripe.String(last), 1
			}
			if err == nil {
				return
			}
			if err = failure(err); try == pageTries || !errors.Is(err, curfew.Unavailable) || !wait(ctx, pageWait<<(try-1)) {
				yield(nil, err)
				return
			}
		}
	}
}

// listFrom yields until the list ends, the caller stops, or a call fails. It returns
// the last session's id.
func (c *Client) listFrom(
	ctx context.Context, params *stripe.CheckoutSessionListParams, yield func(*stripe.CheckoutSession, error) bool,
) (last string, err error) {
	for session, err := range c.api.V1CheckoutSessions.List(ctx, params).All(ctx) {
		if err != nil {
			return last, err
		}
		if last = session.ID; !yield(session, nil) {
			return last, nil
		}
	}
	return last, nil
}

// wait reports false if the context ended first.
func wait(ctx context.Context, long time.Duration) bool {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func paidParams(since time.Time) *stripe.CheckoutSessionListParams {
	params := &stripe.CheckoutSessionListParams{
		CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: max(since.Add(-openFor).Unix(), 1)},
		Status:       stripe.String(stripe.CheckoutSessionStatusComplete),
	}
	params.Limit = stripe.Int64(pageSize)
	params.AddExpand("data.payment_intent.latest_charge")
	return params
}

// listed translates a Checkout Session of the API in the same way as that of an
// event.
func listed(s *stripe.CheckoutSession) curfew.Payment {
	read := checkoutSession{
		ID:                s.ID,
		AmountTotal:       s.AmountTotal,
		ClientReferenceID: s.ClientReferenceID,
		Currency:          string(s.Currency),
		Metadata:          s.Metadata,
		Mode:              s.Mode,
		PaymentStatus:     s.PaymentStatus,
	}
	if s.CustomerDetails != nil {
		read.CustomerDetails = contact{s.CustomerDetails.Email, s.CustomerDetails.Name}
	}
	charge := chargeOf(s.PaymentIntent)
	if s.PaymentIntent != nil {
		read.PaymentIntent = reference(s.PaymentIntent.ID)
	}
	payment := read.payment()
	payment.Refunded = charge.AmountRefunded
	payment.PaidAt = instant(max(charge.Created, s.Created))
	return payment
}

// chargeOf returns the charge of a payment intent, or an empty one if nothing was
// charged.
func chargeOf(intent *stripe.PaymentIntent) *stripe.Charge {
	if intent == nil || intent.LatestCharge == nil {
		return &stripe.Charge{}
	}
	return intent.LatestCharge
}
