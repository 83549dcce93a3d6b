package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/strictjson"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

type purchaseInput struct {
	Body api.Purchase
}

// checkoutHandlers handle payments and their outcomes.
type checkoutHandlers struct {
	keeper *lifecycle.Keeper
	desk   approval.Desk
}

func (h checkoutHandlers) fulfill(ctx context.Context, c auth.Request, in *purchaseInput) (*response[api.Fulfillment], error) {
	b := in.Body
	if err := cmp.Or(c.CheckCustomer(b.CustomerID), c.CheckAmount(costOf(h.keeper, b.Plan, b.Amount, b.Currency))); err != nil {
		return nil, err
	}
	if err := cmp.Or(address(b.Email), curfew.CheckText("name", b.Name), notes(b.Metadata)); err != nil {
		return nil, err
	}
	f, err := h.keeper.Admission.FulfillCheckout(ctx, c.Actor, lifecycle.Purchase{
		PaymentRef: b.PaymentRef, CustomerID: b.CustomerID, Plan: b.Plan, Amount: b.Amount, Currency: b.Currency,
		Email: b.Email, Name: b.Name, StartsAt: b.StartsAt, Metadata: b.Metadata,
	})
	if err != nil {
		return nil, err
	}
	return fulfilled(f)
}

// costOf returns the cost of a purchase: what the caller says, or else the plan's price, and the
// currency likewise; nil and empty if unknown.
func costOf(keeper *lifecycle.Keeper, plan string, amount *int64, currency string) (*int64, string) {
	p := keeper.Rules.Policy().Plans[plan]
	return cmp.Or(amount, p.Price), cmp.Or(currency, p.Currency)
}

// address checks an e-mail address, which may be empty.
func address(email string) error {
	if email == "" {
		return nil
	}
	return curfew.CheckEmail("email", email)
}

// notes checks that metadata can be displayed. A value may have several lines.
func notes(metadata map[string]string) error {
	lines := strings.NewReplacer("\n", " ", "\r", " ", "\t", " ")
	for name, value := range metadata {
		if err := cmp.Or(curfew.CheckText("the name of a metadata entry", name), curfew.CheckText("metadata."+curfew.Visible(strictjson.Short(name)), lines.Replace(value))); err != nil {
			return err
		}
	}
	return nil
}

// fulfilled responds with the outcome of a purchase: 201 for a new session, 202 for one that will follow, 200 for a replay.
func fulfilled(f lifecycle.Fulfillment) (*response[api.Fulfillment], error) {
	out := &response[api.Fulfillment]{http.StatusCreated, wire.Fulfillment(f)}
	switch {
	case f.Replayed:
		out.Status = http.StatusOK
	case f.Outcome == curfew.Deferred:
		out.Status = http.StatusAccepted
	}
	return out, nil
}

func (h checkoutHandlers) ofCustomer(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Checkouts], error) {
	checkouts, err := h.keeper.Checkouts.OfCustomer(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	payments, err := h.keeper.Checkouts.Ledgers(ctx, checkouts)
	if c.Actor.Role == curfew.Customer {
		return okay(wire.Checkouts(checkouts, payments), err)
	}
	return okay(wire.CheckoutsInside(checkouts, payments), err)
}

// detail responds with a checkout, its payment and its history.
func (h checkoutHandlers) detail(ctx context.Context, c curfew.Checkout, events []curfew.Event, err error) (*response[api.CheckoutDetail], error) {
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(c.CustomerID, c.ID, "")
	payments, err := h.keeper.Checkouts.Ledgers(ctx, []curfew.Checkout{c})
	return okay(wire.CheckoutDetail(c, payments, events), err)
}

type checkoutsInput struct {
	Outcome    string `query:"outcome" enum:"promised,fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited,void,ignored" doc:"Only payments with this outcome"`
	CustomerID string `query:"customerId" doc:"Only this customer's"`
	Email      string `query:"email" maxLength:"320" doc:"Only those paid with this e-mail address, ignoring case"`
	After      string `query:"after" maxLength:"200" doc:"The nextCursor of the previous page"`
	Limit      int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many to return on a page"`
}

// search converts the selection for lifecycle. It requests one row more than the page holds, to see
// whether there is a next page.
func (s checkoutsInput) search() (curfew.CheckoutSearch, error) {
	q := curfew.CheckoutSearch{
		Outcome: curfew.Outcome(s.Outcome), CustomerID: s.CustomerID, Email: s.Email, After: s.After, Limit: s.Limit + 1,
	}
	if err := checkAfter(s.After); err != nil {
		return q, err
	}
	if s.CustomerID != "" {
		if err := curfew.CheckID("customerId", s.CustomerID); err != nil {
			return q, err
		}
	}
	return q, nil // the other texts were checked with the query
}

func (h checkoutHandlers) find(ctx context.Context, _ auth.Request, in *checkoutsInput) (*response[api.CheckoutPage], error) {
	search, err := in.search()
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(in.CustomerID, "", in.Outcome)
	found, err := h.keeper.Checkouts.ListCheckouts(ctx, search)
	if err != nil {
		return nil, err
	}
	var page api.CheckoutPage
	if len(found) > in.Limit {
		found = found[:in.Limit]
		page.NextCursor = &found[in.Limit-1].ID
	}
	payments, err := h.keeper.Checkouts.Ledgers(ctx, found)
	page.Checkouts = wire.CheckoutDetails(found, payments)
	return okay(page, err)
}

func (h checkoutHandlers) read(ctx context.Context, c auth.Request, _ *idInput) (*response[api.CheckoutDetail], error) {
	checkout, err := h.keeper.Checkouts.Checkout(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	events, err := h.keeper.Checkouts.CheckoutEvents(ctx, checkout)
	return h.detail(ctx, checkout, events, err)
}

type fulfillHeldInput struct {
	ID   string `path:"id"`
	Body api.Repair
}

func (h checkoutHandlers) fulfillHeld(ctx context.Context, c auth.Request, in *fulfillHeldInput) (*response[api.Fulfillment], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	f, err := h.keeper.Checkouts.FulfillHeld(ctx, c.Actor, c.ID, in.Body.Reason)
	if held, err := h.keeper.Checkouts.Checkout(ctx, f.CheckoutID); err == nil {
		problem.RequestOf(ctx).Describe(held.CustomerID, held.ID, "")
	}
	return okay(wire.Fulfillment(f), err)
}

type assignHeldInput struct {
	ID   string `path:"id"`
	Body api.Assignment
}

func (h checkoutHandlers) assignHeld(ctx context.Context, c auth.Request, in *assignHeldInput) (*response[api.Fulfillment], error) {
	b := in.Body
	if err := curfew.CheckText("reason", b.Reason); err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(b.CustomerID, "", "")
	if b.StartsAt != nil {
		f, err := h.keeper.Checkouts.AssignHeldAt(ctx, c.Actor, c.ID, b.CustomerID, b.Plan, *b.StartsAt, b.Reason)
		return okay(wire.Fulfillment(f), err)
	}
	f, err := h.keeper.Checkouts.AssignHeld(ctx, c.Actor, c.ID, b.CustomerID, b.Plan, b.Reason)
	return okay(wire.Fulfillment(f), err)
}

type refundInput struct {
	ID   string `path:"id"`
	Body api.Refund
}

func (h checkoutHandlers) refund(ctx context.Context, c auth.Request, in *refundInput) (*response[api.CheckoutDetail], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	checkout, pending, err := h.desk.Refund(ctx, c.Actor, c.ID, in.Body.Reason, in.Body.ByHand)
	return h.detail(ctx, checkout, nil, cmp.Or(err, asked(ctx, pending)))
}

// creditInput names a payment and the reason for changing it.
type creditInput struct {
	ID   string `path:"id"`
	Body api.Reason
}

func (h checkoutHandlers) credit(ctx context.Context, c auth.Request, in *creditInput) (*response[api.CheckoutDetail], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	checkout, err := h.keeper.Checkouts.CreditCheckout(ctx, c.Actor, c.ID, in.Body.Reason)
	return h.detail(ctx, checkout, nil, err)
}

func (h checkoutHandlers) ignore(ctx context.Context, c auth.Request, in *creditInput) (*response[api.CheckoutDetail], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	checkout, err := h.keeper.Checkouts.IgnoreCheckout(ctx, c.Actor, c.ID, in.Body.Reason)
	return h.detail(ctx, checkout, nil, err)
}

func (h checkoutHandlers) restore(ctx context.Context, c auth.Request, in *creditInput) (*response[api.CheckoutDetail], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	checkout, err := h.keeper.Checkouts.RestoreCheckout(ctx, c.Actor, c.ID, in.Body.Reason)
	return h.detail(ctx, checkout, nil, err)
}
