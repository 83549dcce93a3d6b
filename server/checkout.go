package server

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"unicode"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

type purchase struct {
	Body api.Purchase
}

func (s *Server) fulfillCheckout(ctx context.Context, c call, in *purchase) (*answered[api.Fulfilment], error) {
	b := in.Body
	if err := cmp.Or(plain("email", b.Email), plain("name", b.Name)); err != nil {
		return nil, err
	}
	f, err := s.engine.FulfillCheckout(ctx, c.actor, lifecycle.Purchase{
		PaymentRef: b.PaymentRef, CustomerID: b.CustomerID, Plan: b.Plan, Amount: b.Amount, Currency: b.Currency,
		Email: b.Email, Name: b.Name, StartsAt: b.StartsAt, Metadata: b.Metadata,
	})
	if err != nil {
		return nil, err
	}
	return fulfilled(f)
}

// plain refuses control characters in a text that ends up in mails and on pages.
func plain(field, text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return curfew.Errorf(curfew.Invalid, "%s must not contain control characters", field)
	}
	return nil
}

// fulfilled answers with what became of a purchase: 201 for a new session, 202
// for one that follows, 200 for what was known.
func fulfilled(f lifecycle.Fulfilment) (*answered[api.Fulfilment], error) {
	out := &answered[api.Fulfilment]{http.StatusCreated, FulfilmentJSON(f)}
	switch {
	case f.Replayed:
		out.Status = http.StatusOK
	case f.Outcome == curfew.Deferred:
		out.Status = http.StatusAccepted
	}
	return out, nil
}

// FulfilmentJSON is what became of a purchase as the API shows it.
func FulfilmentJSON(f lifecycle.Fulfilment) api.Fulfilment {
	out := api.Fulfilment{
		Outcome: string(f.Outcome), SessionID: f.SessionID, RequestID: f.RequestID, Type: string(f.Kind),
	}
	if f.SessionID != "" {
		out.Route = "/" + string(f.Kind) + "/" + f.SessionID
	}
	if f.Outcome != curfew.Deferred {
		return out
	}
	out.RetryUntil = f.RetryUntil.UTC()
	out.Detail = "The payment is recorded. Its session follows when the customer's slot is free."
	if f.Blocker != nil {
		out.Detail, out.BlockedBy = curfew.Refusal(*f.Blocker).Error(), blockerJSON(*f.Blocker)
	}
	return out
}

func (s *Server) listCheckouts(ctx context.Context, c call, _ *named) (*answered[api.Checkouts], error) {
	checkouts, err := s.engine.Checkouts(ctx, c.id)
	return okay(checkoutsJSON(checkouts), err)
}

func checkoutsJSON(checkouts []curfew.Checkout) api.Checkouts {
	all := api.Checkouts{Checkouts: make([]api.Checkout, len(checkouts))}
	for i, c := range checkouts {
		all.Checkouts[i] = api.Checkout{
			ID: c.ID, PaymentRef: c.Ref, Plan: c.Plan, Amount: c.Amount, Currency: c.Currency,
			Outcome: string(c.Outcome), SessionID: c.SessionID, RetryUntil: c.RetryUntil.UTC(), RefundAmount: refund(c),
			CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
		}
	}
	return all
}

// refund is what is given back of a payment, where something is.
func refund(c curfew.Checkout) *int64 {
	switch c.Outcome {
	case curfew.RefundDue, curfew.Refunding, curfew.Refunded:
		return &c.RefundAmount
	}
	return nil
}
