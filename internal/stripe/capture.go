package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// Capture takes reserved money in the payment's account, and returns the facts of it. If it
// is less than what is reserved, the bank releases the rest. Within a day it does so once per
// order key; later, read the payment first.
//
// Without an error the facts say what became of the money, also if somebody else captured
// it, or if the reservation has ended and there is nothing to capture. A capture can be under
// way: its fact is pending, and Payment says how it ends.
//
// PaymentRequired with the bank's reason if the bank refuses; the money may stay reserved
// until it is released. Conflict if Stripe could not capture it now, and nothing was taken:
// the facts say why not. Facts can come with either. A refusal that Stripe has stored does not
// stand in the way of the next call.
func (c *Client) Capture(ctx context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error) {
	if err := checkAmount(o); err != nil {
		return nil, err
	}
	return c.onHold(ctx, holdOrder{
		MoneyOrder: o, verb: "capture",
		call: func(intent, key string, account *string) (*stripe.PaymentIntent, error) {
			params := &stripe.PaymentIntentCaptureParams{Params: holdKey("capture", key, account), AmountToCapture: stripe.Int64(o.Amount)}
			params.AddExpand("latest_charge")
			return call[stripe.PaymentIntent](ctx, c.api, http.MethodPost, of("/v1/payment_intents/%s/capture", intent), params)
		},
		settles: func(money string) bool { return !pending(money) },
	})
}

// Release gives up reserved money in the payment's account, and returns the facts of it. The
// order's amount does not matter: all of it is released. Within a day it does so once per
// order key.
//
// Money that is no longer reserved counts as released. Conflict if it has been captured, or
// a capture of it is under way; the facts say which.
func (c *Client) Release(ctx context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error) {
	return c.onHold(ctx, holdOrder{
		MoneyOrder: o, verb: "release",
		call: func(intent, key string, account *string) (*stripe.PaymentIntent, error) {
			params := &stripe.PaymentIntentCancelParams{
				Params:             holdKey("release", key, account),
				CancellationReason: stripe.String(string(stripe.PaymentIntentCancellationReasonAbandoned)),
			}
			params.AddExpand("latest_charge")
			return call[stripe.PaymentIntent](ctx, c.api, http.MethodPost, of("/v1/payment_intents/%s/cancel", intent), params)
		},
		settles: func(money string) bool { return !pending(money) && money != "captured" },
	})
}

// holdOrder is an order about reserved money. Its call must have the same parameters at each
// try, in every release: Stripe rejects a key with different parameters.
type holdOrder struct {
	curfew.MoneyOrder
	verb string
	call func(intent, key string, account *string) (*stripe.PaymentIntent, error)
	// settles reports whether money in that state of a curfew.Balance leaves nothing to be
	// done, whatever Stripe said of the call.
	settles func(money string) bool
}

func (c *Client) onHold(ctx context.Context, o holdOrder) ([]curfew.Fact, error) {
	facts, err := c.changeHold(ctx, o, 1)
	if err != nil {
		return facts, fmt.Errorf("%s %s: %w", o.verb, o.Key, err)
	}
	return facts, nil
}

// changeHold makes the call under one generation of the order's key.
func (c *Client) changeHold(ctx context.Context, o holdOrder, generation int) ([]curfew.Fact, error) {
	if err := checkOrder(o.MoneyOrder); err != nil {
		return nil, err
	}
	account, intent, err := c.intentOf(ctx, o.Account, o.PaymentID)
	if err != nil {
		return nil, err
	}
	o.PaymentID = intent
	var made *stripe.PaymentIntent
	o.Account, err = c.inAccount(account, func(account *string) (err error) {
		made, err = o.call(intent, generationOf(o.Key, generation), account)
		return err
	})
	if err != nil {
		return c.lookAfter(ctx, o, generation, err)
	}
	t := &translation{keys: c.keys, changed: true}
	if err := t.read(intents, made.LastResponse); err != nil {
		return nil, err
	}
	facts, err := t.checked()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errStrange, err)
	}
	if replayed(made.LastResponse) && !o.settles(moneyOf(facts)) {
		return c.factsOf(ctx, o) // the answer is how it was then
	}
	return facts, nil
}

// holdKey keeps a capture and a release of one order apart.
func holdKey(verb, key string, account *string) stripe.Params {
	if !strings.HasPrefix(key, verb+":") {
		key = verb + ":" + key
	}
	return keyed(verb, key, account)
}

// lookAfter finds out what became of money after Stripe did not do as it was asked. What Stripe
// only repeats, of money that is still reserved, is asked for under the next key.
func (c *Client) lookAfter(ctx context.Context, o holdOrder, generation int, err error) ([]curfew.Fact, error) {
	said, kept := failure(err), storedFailure(err)
	if !kept && !decided(said) && !errors.Is(said, curfew.IdempotencyMismatch) {
		return nil, said
	}
	facts, unread := c.factsOf(ctx, o)
	if unread != nil {
		return nil, said
	}
	if expired(err) {
		facts = append(facts, lapsed(facts, "the authorization has expired")...)
	}
	money := moneyOf(facts)
	switch {
	case errors.Is(said, curfew.PaymentRequired) && money != "captured":
		return facts, said
	case o.settles(money):
		return facts, nil
	case repeated(err) && money == "authorised" && generation < maxGenerations:
		return c.changeHold(ctx, o, generation+1)
	case kept:
		return facts, curfew.Errorf(curfew.Conflict, "Stripe keeps a failure under this key, and the money is %s", money)
	case money == "captured":
		return facts, curfew.Errorf(curfew.Conflict, "the money has been captured: %s", said)
	}
	return facts, said
}

// factsOf reads the payment that an order is about.
func (c *Client) factsOf(ctx context.Context, o holdOrder) ([]curfew.Fact, error) {
	n, err := c.Payment(ctx, o.Account, o.PaymentID)
	if err == nil && n.Unread != "" {
		err = fmt.Errorf("%w (%s)", errStrange, n.Unread)
	}
	return n.Facts, err
}

// moneyOf is the state of a curfew.Balance; "reported" if Stripe says nothing of the money.
func moneyOf(facts []curfew.Fact) string { return (curfew.Payment{Facts: facts}).Balance(0, "").State }

func pending(money string) bool {
	return money == "reported" || money == "authorised" || money == "promised"
}

// lapsed says of what seems to be reserved that it no longer is: the API told it first.
func lapsed(facts []curfew.Fact, why string) []curfew.Fact {
	var all []curfew.Fact
	for _, f := range facts {
		if f.Kind == "attempt" && f.State == "authorised" {
			f.State, f.Reason = "expired", why
			all = append(all, f)
		}
	}
	return all
}

// intentOf resolves the name of a checkout session or a charge to that of its payment
// intent, and says in which account Stripe knows it. Invalid if it has none: only an intent
// can be captured or released.
func (c *Client) intentOf(ctx context.Context, account, name string) (in, intent string, err error) {
	if !isCharge(name) && !strings.HasPrefix(name, "cs_") {
		return account, name, nil
	}
	_, get := c.getter(name)
	in, err = c.inAccount(account, func(account *string) error {
		response, err := get(ctx, account, name)
		intent = parsed(response).ref("payment_intent")
		return err
	})
	switch {
	case err != nil:
		return in, "", fmt.Errorf("read %s: %w", name, failure(err))
	case intent == "":
		return in, "", curfew.Errorf(curfew.Invalid, "%s has no payment intent: capture or release it by hand", name)
	}
	return in, intent, nil
}
