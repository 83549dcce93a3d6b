package stripe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// metaKey permanently marks a refund with its order: Stripe forgets an idempotency
// key after a day.
const metaKey = "curfew_key"

// Refund refunds a payment. Within a day, it does so once per order key; later, check
// Refunds first. If the payment has already been refunded, by whomever, it returns
// that refund: the one made for this order, else one of its amount, else the newest.
func (c *Client) Refund(ctx context.Context, o curfew.RefundOrder) (curfew.Repayment, error) {
	if err := checkOrder(o); err != nil {
		return curfew.Repayment{}, err
	}
	params := refundParams(o)
	params.StripeAccount = c.account
	made, err := c.api.V1Refunds.Create(ctx, params)
	switch {
	case err == nil:
		return accepted(o, made)
	case alreadyRefunded(err):
		return c.givenBack(ctx, o)
	case storedFailure(err):
		return c.behind(ctx, o, err)
	}
	return curfew.Repayment{}, fmt.Errorf("refund %s: %w", o.Key, failure(err))
}

// Refunds returns the refunds of a payment, newest first, without those that failed
// or were cancelled.
func (c *Client) Refunds(ctx context.Context, paymentID string) ([]curfew.Repayment, error) {
	if err := curfew.CheckID("the Stripe payment's id", paymentID); err != nil {
		return nil, err
	}
	params := &stripe.RefundListParams{PaymentIntent: stripe.String(paymentID)}
	params.Limit, params.StripeAccount = stripe.Int64(pageSize), c.account
	repaid := []curfew.Repayment{}
	for refund, err := range c.api.V1Refunds.List(ctx, params).All(ctx) {
		if err != nil {
			return nil, fmt.Errorf("list refunds of %s: %w", paymentID, failure(err))
		}
		if !undone(refund) {
			repaid = append(repaid, repayment(refund))
		}
	}
	return repaid, nil
}

func checkOrder(o curfew.RefundOrder) error {
	if o.Key == "" || len(o.Key) > maxMetadata {
		return curfew.Errorf(curfew.Invalid, "a refund needs a key of 1 to %d bytes", maxMetadata)
	}
	if o.Amount <= 0 {
		return curfew.Errorf(curfew.Invalid, "a refund of %d gives nothing back", o.Amount)
	}
	return curfew.CheckID("the Stripe payment's id", o.PaymentID)
}

// refundParams must return the same parameters for the same order, in every release:
// Stripe rejects a key with different parameters.
func refundParams(o curfew.RefundOrder) *stripe.RefundCreateParams {
	return &stripe.RefundCreateParams{
		Params:        stripe.Params{IdempotencyKey: stripe.String(headerKey(o.Key))},
		PaymentIntent: stripe.String(o.PaymentID),
		Amount:        stripe.Int64(o.Amount),
		Metadata:      map[string]string{metaKey: o.Key},
	}
}

// headerKey returns an order's key, or its digest if a header could not carry it
// unchanged.
func headerKey(key string) string {
	strange := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(key) <= curfew.MaxRef && !strings.ContainsFunc(key, strange) {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "refund:sha256:" + hex.EncodeToString(sum[:])
}

// accepted returns the refund that Stripe made. A pending one counts: banks take
// days.
func accepted(o curfew.RefundOrder, made *stripe.Refund) (curfew.Repayment, error) {
	if made.ID == "" {
		return curfew.Repayment{}, fmt.Errorf("refund %s: %w", o.Key, errStrange)
	}
	if undone(made) {
		return curfew.Repayment{}, curfew.Errorf(curfew.Invalid,
			"Stripe could not give %s back: refund %s is %s (%s)", o.PaymentID, made.ID, made.Status, made.FailureReason)
	}
	return repayment(made), nil
}

// givenBack returns the refund of a payment that has been refunded completely.
func (c *Client) givenBack(ctx context.Context, o curfew.RefundOrder) (curfew.Repayment, error) {
	repaid, err := c.Refunds(ctx, o.PaymentID)
	if err != nil {
		return curfew.Repayment{}, fmt.Errorf("refund %s: %w", o.Key, err)
	}
	if len(repaid) == 0 {
		return curfew.Repayment{}, curfew.Errorf(curfew.Unavailable,
			"Stripe says that %s is refunded, and lists no refund of it", o.PaymentID)
	}
	if made, ok := madeFor(o, repaid); ok {
		return made, nil
	}
	i := slices.IndexFunc(repaid, func(r curfew.Repayment) bool { return r.Amount == o.Amount })
	return repaid[max(i, 0)], nil
}

// behind returns the refund that was made although the key replays a failure: Stripe
// stores a failure under its key for a day. Without such a refund the failure stands.
func (c *Client) behind(ctx context.Context, o curfew.RefundOrder, cause error) (curfew.Repayment, error) {
	if repaid, err := c.Refunds(ctx, o.PaymentID); err == nil {
		if made, ok := madeFor(o, repaid); ok {
			return made, nil
		}
	}
	return curfew.Repayment{}, fmt.Errorf("refund %s: %w", o.Key, failure(cause))
}

func madeFor(o curfew.RefundOrder, repaid []curfew.Repayment) (curfew.Repayment, bool) {
	i := slices.IndexFunc(repaid, func(r curfew.Repayment) bool { return r.Key == o.Key })
	if i < 0 {
		return curfew.Repayment{}, false
	}
	return repaid[i], true
}

func undone(r *stripe.Refund) bool {
	return r.Status == stripe.RefundStatusFailed || r.Status == stripe.RefundStatusCanceled
}

func repayment(r *stripe.Refund) curfew.Repayment {
	return curfew.Repayment{ID: r.ID, Amount: r.Amount, Currency: strings.ToLower(string(r.Currency)), Key: r.Metadata[metaKey]}
}
