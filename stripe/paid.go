package stripe

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// openFor is how long a Checkout Session can stay open before it is paid.
const openFor = 24 * time.Hour

// Paid is every checkout that was completed since then and is paid, newest
// first, with what was given back of it; some that were completed up to a day
// earlier are among them. The first error ends it.
//
// Stripe lists by when a checkout was opened. One that was paid by a delayed
// method may be paid up to two weeks after that: whoever looks for those asks
// for so much more.
//
// It asks for Checkout Sessions and not for events: an event can be missing.
func (c *Client) Paid(ctx context.Context, since time.Time) iter.Seq2[curfew.Payment, error] {
	return func(yield func(curfew.Payment, error) bool) {
		params := paidParams(since)
		params.StripeAccount = c.account
		for session, err := range c.api.V1CheckoutSessions.List(ctx, params).All(ctx) {
			if err != nil {
				yield(curfew.Payment{}, fmt.Errorf("list paid checkouts: %w", failure(err)))
				return
			}
			if payment := listed(session); payment.Paid && !yield(payment, nil) {
				return
			}
		}
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

// listed is a Checkout Session as the API gives it, translated by the same
// reading as an event's.
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

// chargeOf is the charge of a payment intent; an empty one where nothing was
// charged.
func chargeOf(intent *stripe.PaymentIntent) *stripe.Charge {
	if intent == nil || intent.LatestCharge == nil {
		return &stripe.Charge{}
	}
	return intent.LatestCharge
}
