package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// Payment reads what became of a payment, with its refunds and disputes. The name is any id that
// Stripe gave it: of an intent, a charge, a checkout session or an invoice. The notice has no id,
// and its account is the one in which Stripe knows the payment. For errors, see Client.
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
	if err := cmp.Or(c.repaid(ctx, t, account), c.claims(ctx, t, account)); err != nil {
		return curfew.Notice{}, fmt.Errorf("read %s: %w", name, err)
	}
	return t.answer(kind, account, response), nil
}

// denied reports whether the API key lacks a permission.
func denied(err error) bool {
	return errors.Is(err, curfew.Unauthenticated) || errors.Is(err, curfew.Forbidden)
}

// retrieve reads the object that a name stands for, with its intent and charge expanded.
func (c *Client) retrieve(ctx context.Context, t *translation, account *string, name string) (string, *stripe.APIResponse, error) {
	k, get := c.getter(name)
	response, err := get(ctx, account, name)
	if err != nil {
		return "", nil, err
	}
	return k.object, response, t.read(k, response)
}

type getting func(ctx context.Context, account *string, name string) (*stripe.APIResponse, error)

// getter returns how to read an object, by the prefix of its id.
func (c *Client) getter(name string) (kind, getting) {
	prefix, _, _ := strings.Cut(name, "_")
	switch prefix {
	case "ch", "py":
		return charges, c.getCharge
	case "cs":
		return sessions, c.getSession
	case "in":
		return invoices, c.getInvoice
	}
	return intents, c.getIntent
}

func (c *Client) getCharge(ctx context.Context, account *string, name string) (*stripe.APIResponse, error) {
	params := &stripe.ChargeRetrieveParams{}
	params.StripeAccount = account
	got, err := get[stripe.Charge](ctx, c.api, of("/v1/charges/%s", name), params)
	if err != nil {
		return nil, err
	}
	return got.LastResponse, nil
}

func (c *Client) getIntent(ctx context.Context, account *string, name string) (*stripe.APIResponse, error) {
	params := &stripe.PaymentIntentRetrieveParams{}
	params.StripeAccount = account
	params.AddExpand("latest_charge")
	got, err := get[stripe.PaymentIntent](ctx, c.api, of("/v1/payment_intents/%s", name), params)
	if err != nil {
		return nil, err
	}
	return got.LastResponse, nil
}

func (c *Client) getSession(ctx context.Context, account *string, name string) (*stripe.APIResponse, error) {
	params := &stripe.CheckoutSessionRetrieveParams{}
	params.StripeAccount = account
	params.AddExpand("payment_intent.latest_charge")
	params.AddExpand("line_items")
	got, err := get[stripe.CheckoutSession](ctx, c.api, of("/v1/checkout/sessions/%s", name), params)
	if err != nil {
		return nil, err
	}
	return got.LastResponse, nil
}

func (c *Client) getInvoice(ctx context.Context, account *string, name string) (*stripe.APIResponse, error) {
	params := &stripe.InvoiceRetrieveParams{}
	params.StripeAccount = account
	params.AddExpand("payments")
	got, err := get[stripe.Invoice](ctx, c.api, of("/v1/invoices/%s", name), params)
	if err != nil {
		return nil, err
	}
	return got.LastResponse, nil
}

// repaid reads the refunds of the payment. A payment without a charge has none.
func (c *Client) repaid(ctx context.Context, t *translation, account string) error {
	name := t.name()
	if name == "" {
		return nil
	}
	listed, err := c.listRefunds(ctx, account, name)
	t.facts = append(t.facts, factsOf(listed)...)
	return err
}

// read translates a response. What cannot be read is reported in the notice.
func (t *translation) read(k kind, response *stripe.APIResponse) error {
	raw := parsed(response)
	if raw.text("id") == "" {
		return errStrange
	}
	t.at = answeredAt(raw, response)
	k.read(t, raw)
	return nil
}

// answer returns the notice of what was read.
func (t *translation) answer(kind, account string, response *stripe.APIResponse) curfew.Notice {
	n, err := t.notice()
	if err != nil {
		n = curfew.Notice{Provider: Provider, At: t.at, Unread: err.Error(), Body: response.RawJSON}
	}
	n.Type, n.Account = kind, account
	return n
}

// claims reads the disputes of disputed charges. If the key may not read them, or Stripe lists
// none, their state is unknown.
func (c *Client) claims(ctx context.Context, t *translation, account string) error {
	for _, charge := range t.disputed {
		params := &stripe.DisputeListParams{Charge: stripe.String(charge.text("id"))}
		params.Limit = stripe.Int64(pageSize)
		if account != "" {
			params.StripeAccount = stripe.String(account)
		}
		known := len(t.facts)
		for dispute, err := range list[stripe.Dispute](ctx, c.api, "/v1/disputes", params) {
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
