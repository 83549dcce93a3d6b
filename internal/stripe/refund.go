package stripe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// metaKey marks a refund permanently with its order: Stripe forgets an idempotency key after a day.
const metaKey = "curfew_key"

// Refund requests a refund in the payment's account and returns its facts: one refund, in whatever
// state Stripe created it. It is idempotent per order key for a day; later, check Refunds first. A
// server error that Stripe stores under a key does not block the next call.
//
// If the payment has already been refunded, by whomever, it returns the refund that was made for
// this order, or else all of the payment's. Facts can accompany an error: what Stripe lists for a
// payment that it refuses to refund. It returns Invalid with the reason if a refund has failed and
// Stripe will not make another; then the money can be returned only by hand.
func (c *Client) Refund(ctx context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error) {
	if err := cmp.Or(checkOrder(o), checkAmount(o)); err != nil {
		return nil, err
	}
	return c.refund(ctx, o, 1)
}

// refund requests a refund under one generation of the order's key.
func (c *Client) refund(ctx context.Context, o curfew.MoneyOrder, generation int) ([]curfew.Fact, error) {
	var made *stripe.Refund
	account, err := c.inAccount(o.Account, func(account *string) error {
		also, err := c.alsoBack(ctx, account, o.PaymentID)
		if err != nil {
			return err
		}
		made, err = call[stripe.Refund](ctx, c.api, http.MethodPost, "/v1/refunds", refundParams(o, generation, account, also))
		return err
	})
	if err == nil {
		return accepted(o, made)
	}
	o.Account = account
	said := fmt.Errorf("refund %s: %w", o.Key, failure(err))
	switch {
	case alreadyRefunded(err):
		return c.givenBack(ctx, o)
	case storedFailure(err):
		return c.behind(ctx, o, generation, said)
	case decided(said):
		return c.refused(ctx, o, said)
	}
	return nil, said
}

// decided reports whether Stripe or a bank understood the request and refused it.
func decided(err error) bool {
	return errors.Is(err, curfew.Invalid) || errors.Is(err, curfew.Conflict) || errors.Is(err, curfew.PaymentRequired)
}

// Refunds returns all refunds of a payment, newest first, including failed ones.
func (c *Client) Refunds(ctx context.Context, account, name string) ([]curfew.Fact, error) {
	if err := checkName(account, name); err != nil {
		return nil, err
	}
	listed, err := c.listRefunds(ctx, account, name)
	if err != nil {
		return nil, err
	}
	return factsOf(listed), nil
}

func checkOrder(o curfew.MoneyOrder) error {
	if o.Key == "" || len(o.Key) > maxMetadata {
		return curfew.Errorf(curfew.Invalid, "an order for Stripe needs a key of 1 to %d bytes", maxMetadata)
	}
	return checkName(o.Account, o.PaymentID)
}

func checkAmount(o curfew.MoneyOrder) error {
	if o.Amount <= 0 {
		return curfew.Errorf(curfew.Invalid, "order %s has the amount %d, which is not positive", o.Key, o.Amount)
	}
	return nil
}

func checkName(account, name string) error {
	if err := checkAccount(account); err != nil {
		return err
	}
	return curfew.CheckID("the Stripe payment's id", name)
}

// isCharge reports whether a payment is named by its charge, because it has no intent.
func isCharge(name string) bool {
	return strings.HasPrefix(name, "ch_") || strings.HasPrefix(name, "py_")
}

// refundParams must return the same parameters for the same order, in every release:
// Stripe rejects a key with different parameters.
func refundParams(o curfew.MoneyOrder, generation int, account *string, also alsoBack) *stripe.RefundCreateParams {
	params := &stripe.RefundCreateParams{
		Params:   keyed("refund", generationOf(o.Key, generation), account),
		Amount:   stripe.Int64(o.Amount),
		Metadata: map[string]string{metaKey: o.Key},
	}
	if isCharge(o.PaymentID) {
		params.Charge = stripe.String(o.PaymentID)
	} else {
		params.PaymentIntent = stripe.String(o.PaymentID)
	}
	if also.transfer {
		params.ReverseTransfer = stripe.Bool(true)
	}
	if also.fee {
		params.RefundApplicationFee = stripe.Bool(true)
	}
	return params
}

// alsoBack is what a refund takes back besides the money: the transfer to a connected account, and
// the platform's fee.
type alsoBack struct{ transfer, fee bool }

// alsoBack reads what there is to take back, because Stripe refuses to take back what does not
// exist. It is the same for a payment on every attempt.
func (c *Client) alsoBack(ctx context.Context, account *string, name string) (alsoBack, error) {
	if !c.reverse && !c.fee {
		return alsoBack{}, nil
	}
	kind, response, err := c.retrieve(ctx, &translation{keys: c.keys}, account, name)
	if err != nil {
		return alsoBack{}, err
	}
	charge := parsed(response)
	if kind == intents.object {
		charge = latest(charge)
	}
	return alsoBack{
		transfer: c.reverse && (charge.ref("transfer") != "" || charge.object("transfer_data") != nil),
		fee:      c.fee && charge.ref("application_fee") != "",
	}, nil
}

// accepted returns the refund that Stripe made, whatever its state: banks take days.
func accepted(o curfew.MoneyOrder, made *stripe.Refund) ([]curfew.Fact, error) {
	raw := parsed(made.LastResponse)
	if made.ID == "" || raw == nil {
		return nil, fmt.Errorf("refund %s: %w", o.Key, errStrange)
	}
	if raw.field("amount") == nil {
		raw["amount"] = json.RawMessage(strconv.FormatInt(o.Amount, 10))
	}
	if raw.field("currency") == nil {
		raw["currency"] = json.RawMessage(strconv.Quote(o.Currency))
	}
	back, err := readRefund(raw, made.LastResponse)
	if err != nil {
		return nil, fmt.Errorf("refund %s: %w", o.Key, err)
	}
	return []curfew.Fact{back.fact}, nil
}

// listedRefund is a refund, and the key of the order that it was made for.
type listedRefund struct {
	fact curfew.Fact
	key  string
}

func readRefund(raw object, response *stripe.APIResponse) (listedRefund, error) {
	t := &translation{at: answeredAt(raw, response)}
	t.refundFact(raw)
	facts, err := t.checked()
	if err != nil {
		return listedRefund{}, fmt.Errorf("%w (%w)", errStrange, err)
	}
	return listedRefund{facts[0], raw.texts("metadata")[metaKey]}, nil
}

func (c *Client) listRefunds(ctx context.Context, account, name string) (all []listedRefund, err error) {
	_, err = c.inAccount(account, func(account *string) error {
		all = nil
		for refund, err := range list[stripe.Refund](ctx, c.api, "/v1/refunds", refundsOf(account, name)) {
			if err != nil {
				return err
			}
			back, err := readRefund(parsed(refund.LastResponse), refund.LastResponse)
			if err != nil {
				return err
			}
			all = append(all, back)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list refunds of %s: %w", name, failure(err))
	}
	return all, nil
}

func refundsOf(account *string, name string) *stripe.RefundListParams {
	params := &stripe.RefundListParams{}
	params.Limit, params.StripeAccount = stripe.Int64(pageSize), account
	if isCharge(name) {
		params.Charge = stripe.String(name)
	} else {
		params.PaymentIntent = stripe.String(name)
	}
	return params
}

// givenBack returns the refunds of a payment that has been refunded in full.
func (c *Client) givenBack(ctx context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error) {
	listed, err := c.listRefunds(ctx, o.Account, o.PaymentID)
	if err != nil {
		return nil, fmt.Errorf("refund %s: %w", o.Key, err)
	}
	if made, ok := madeFor(o, listed); ok && !undone(made.fact) {
		return []curfew.Fact{made.fact}, nil
	}
	switch {
	case len(listed) == 0:
		return nil, curfew.Errorf(curfew.Unavailable, "Stripe says that %s is refunded, and lists no refund of it", o.PaymentID)
	case !slices.ContainsFunc(listed, func(r listedRefund) bool { return !undone(r.fact) }):
		return factsOf(listed), byHand(o, listed[0].fact)
	}
	return factsOf(listed), nil
}

// refused returns what Stripe lists for a payment that it refuses to refund. If a refund failed
// before, that is the reason, whatever Stripe says.
func (c *Client) refused(ctx context.Context, o curfew.MoneyOrder, cause error) ([]curfew.Fact, error) {
	listed, err := c.listRefunds(ctx, o.Account, o.PaymentID)
	if err != nil {
		return nil, cause
	}
	if i := slices.IndexFunc(listed, func(r listedRefund) bool { return undone(r.fact) }); i >= 0 {
		return factsOf(listed), fmt.Errorf("%w: %w", byHand(o, listed[i].fact), cause)
	}
	return factsOf(listed), cause
}

// byHand is the error for a payment whose refund failed: Stripe does not try a second time.
func byHand(o curfew.MoneyOrder, failed curfew.Fact) error {
	why := failed.State
	if failed.Reason != "" {
		why += ", " + failed.Reason
	}
	return curfew.Errorf(curfew.Invalid,
		"Stripe cannot give %s back again: refund %s of it is %s; give the money back by hand", o.PaymentID, failed.Object, why)
}

// behind returns the refund that was made although the key replays a failure, which Stripe stores
// for a day. If none was made, it requests the refund under the next key.
func (c *Client) behind(ctx context.Context, o curfew.MoneyOrder, generation int, cause error) ([]curfew.Fact, error) {
	listed, err := c.listRefunds(ctx, o.Account, o.PaymentID)
	if err != nil || generation == maxGenerations {
		return nil, cause
	}
	if made, ok := madeFor(o, listed); ok {
		return []curfew.Fact{made.fact}, nil
	}
	return c.refund(ctx, o, generation+1)
}

func madeFor(o curfew.MoneyOrder, listed []listedRefund) (listedRefund, bool) {
	i := slices.IndexFunc(listed, func(r listedRefund) bool { return r.key == o.Key })
	if i < 0 {
		return listedRefund{}, false
	}
	return listed[i], true
}

func undone(f curfew.Fact) bool { return f.State == "failed" || f.State == "canceled" }

func factsOf(listed []listedRefund) []curfew.Fact {
	facts := make([]curfew.Fact, 0, len(listed))
	for _, each := range listed {
		facts = append(facts, each.fact)
	}
	return facts
}
