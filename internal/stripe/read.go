package stripe

import (
	"context"
	"errors"
	"fmt"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// Payment reads what became of a payment, with its refunds and disputes. Name is that of a
// notice. The notice has no id, and its account is the one in which Stripe knows the
// payment. Errors: those of Client.
func (c *Client) Payment(ctx context.Context, account, name string) (curfew.Notice, error) {
	if err := checkName(account, name); err != nil {
		return curfew.Notice{}, err
	}
	t := &translation{keys: c.keys}
	var kind string
	var response *stripe.APIResponse
	account, err := c.inAccount(account, func(account *string) (err error) {
		kind, response, err = c.retrieve(ctx, t, account, name)
		return err
	})
	if err != nil {
		return curfew.Notice{}, fmt.Errorf("read %s: %w", name, failure(err))
	}
	listed, err := c.listRefunds(ctx, account, name)
	if err != nil {
		return curfew.Notice{}, fmt.Errorf("read %s: %w", name, err)
	}
	t.facts = append(t.facts, factsOf(listed)...)
	if err := c.claims(ctx, t, account); err != nil {
		return curfew.Notice{}, fmt.Errorf("read %s: %w", name, err)
	}
	return t.answer(kind, account, response), nil
}

// denied reports whether the key may not do something.
func denied(err error) bool {
	return errors.Is(err, curfew.Unauthenticated) || errors.Is(err, curfew.Forbidden)
}

// retrieve reads one payment intent with its charge, or one charge.
func (c *Client) retrieve(ctx context.Context, t *translation, account *string, name string) (string, *stripe.APIResponse, error) {
	if isCharge(name) {
		params := &stripe.ChargeRetrieveParams{}
		params.StripeAccount = account
		charge, err := c.api.V1Charges.Retrieve(ctx, name, params)
		if err != nil {
			return "", nil, err
		}
		return charges.object, charge.LastResponse, t.read(charges, charge.LastResponse)
	}
	params := &stripe.PaymentIntentRetrieveParams{}
	params.StripeAccount = account
	params.AddExpand("latest_charge")
	intent, err := c.api.V1PaymentIntents.Retrieve(ctx, name, params)
	if err != nil {
		return "", nil, err
	}
	return intents.object, intent.LastResponse, t.read(intents, intent.LastResponse)
}

// read translates an answer. What cannot be read is said in the notice.
func (t *translation) read(k kind, response *stripe.APIResponse) error {
	raw := parsed(response)
	if raw.text("id") == "" {
		return errStrange
	}
	t.at = answeredAt(raw, response)
	k.read(t, raw)
	return nil
}

// answer is the notice of what was read.
func (t *translation) answer(kind, account string, response *stripe.APIResponse) curfew.Notice {
	n, err := t.notice()
	if err != nil {
		n = curfew.Notice{Provider: Provider, At: t.at, Unread: err.Error(), Body: response.RawJSON}
	}
	n.Type, n.Account = kind, account
	return n
}

// claims reads the disputes of the charges that have any. Where the key may not read
// them, or Stripe lists none, their state is unknown.
func (c *Client) claims(ctx context.Context, t *translation, account string) error {
	for _, charge := range t.disputed {
		params := &stripe.DisputeListParams{Charge: stripe.String(charge.text("id"))}
		params.Limit = stripe.Int64(pageSize)
		if account != "" {
			params.StripeAccount = stripe.String(account)
		}
		known := len(t.facts)
		for dispute, err := range c.api.V1Disputes.List(ctx, params).All(ctx) {
			if err != nil && denied(failure(err)) {
				break
			} else if err != nil {
				return fmt.Errorf("list disputes of %s: %w", charge.text("id"), failure(err))
			}
			t.disputeFact(parsed(dispute.LastResponse))
		}
		if len(t.facts) == known {
			t.money(charge, curfew.Fact{Kind: "dispute", State: "unknown"})
		}
	}
	return nil
}
