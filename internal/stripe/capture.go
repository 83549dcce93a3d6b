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

// Capture captures reserved money in the payment's account and returns the resulting facts. If the
// amount is less than what is reserved, the bank releases the rest. It is idempotent per order key
// for a day; later, read the payment first.
//
// Without an error the facts say what became of the money, even if somebody else captured it, or if
// the reservation has ended and there is nothing left to capture. A capture can be in progress: its
// fact is pending, and Payment shows later how it ended.
//
// It returns PaymentRequired with the bank's reason if the bank refuses; the money may stay
// reserved until it is released. It returns Conflict if Stripe could not capture now and nothing
// was captured; the facts say why. Facts can accompany either error. A refusal that Stripe has
// stored under the key does not block the next call.
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

// Release releases reserved money in the payment's account and returns the resulting facts. It
// ignores the order's amount and releases everything. It is idempotent per order key for a day.
//
// Money that is no longer reserved counts as released. It returns Conflict if the money has been
// captured, or a capture is in progress; the facts say which.
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

// holdOrder is an order about reserved money. Its call must have the same parameters on every
// attempt, in every release: Stripe rejects a key with different parameters.
type holdOrder struct {
	curfew.MoneyOrder
	verb string
	call func(intent, key string, account *string) (*stripe.PaymentIntent, error)
	// settles reports whether money in this state of a curfew.Balance leaves nothing to do,
	// whatever Stripe answered.
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

// holdKey keeps the capture and the release of one order apart.
func holdKey(verb, key string, account *string) stripe.Params {
	if !strings.HasPrefix(key, verb+":") {
		key = verb + ":" + key
	}
	return keyed(verb, key, account)
}

// lookAfter finds out what became of the money after Stripe refused a call. If Stripe only replays
// a stored answer while the money is still reserved, it tries again under the next key.
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

// moneyOf returns the state of a curfew.Balance; "reported" if Stripe says nothing about the money.
func moneyOf(facts []curfew.Fact) string { return (curfew.Payment{Facts: facts}).Balance(0, "").State }

func pending(money string) bool {
	return money == "reported" || money == "authorised" || money == "promised"
}

// lapsed marks money that still seems reserved as expired: the call's error came before the event.
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

// intentOf resolves the name of a checkout session or a charge to its payment intent, and returns
// the account in which Stripe knows it. It returns Invalid if there is no intent: only an intent
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
