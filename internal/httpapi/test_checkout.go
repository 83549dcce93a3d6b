package httpapi

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/lifecycle"
)

// The test checkout is one payment of one customer, so that it happens at most once.
const (
	testRef      = "curfew-test-checkout"
	testCustomer = "test-customer"
)

// testCheckout is the first step of an empty service: a checkout of 0.00 by a customer who does not exist.
type testCheckout struct {
	keeper  *lifecycle.Keeper
	adopted bool // sessions are rows of the marketplace's own tables
}

// plan returns the plan that is tried. The error's kind is Conflict where a test would reach a payment provider or the
// marketplace's own tables, and where no plan sells a session.
func (t testCheckout) plan() (string, error) {
	switch {
	case t.keeper.Rules.AsksProvider():
		return "", curfew.Errorf(curfew.Conflict, "a payment provider is configured: make a test payment there instead")
	case t.adopted:
		return "", curfew.Errorf(curfew.Conflict, "sessions are in the marketplace's own tables: make a test order there instead")
	}
	plans := t.keeper.Rules.Policy().Plans
	for _, name := range slices.Sorted(maps.Keys(plans)) {
		if p := plans[name]; !p.Extends && !p.Free() && !p.Reserves() {
			return name, nil
		}
	}
	return "", curfew.Errorf(curfew.Conflict, "no plan sells a session that is paid at once")
}

// send fulfills the test checkout if there is no payment yet, and answers a second call as the first.
func (t testCheckout) send(ctx context.Context, c auth.Request, _ *struct{}) (*response[api.Fulfillment], error) {
	plan, err := t.plan()
	if err != nil {
		return nil, err
	}
	if err := t.unused(ctx); err != nil {
		return nil, err
	}
	nothing := int64(0)
	f, err := t.keeper.Admission.FulfillCheckout(ctx, c.Actor, lifecycle.Purchase{
		PaymentRef: testRef, CustomerID: testCustomer, Name: "Test customer", Plan: plan,
		Amount: &nothing, Currency: cmp.Or(t.keeper.Rules.Policy().Plans[plan].Currency, "eur"),
	})
	if err != nil {
		return nil, err
	}
	return fulfilled(f)
}

// unused returns Conflict if there are payments, unless the test checkout is one of them.
func (t testCheckout) unused(ctx context.Context) error {
	found, err := t.keeper.Checkouts.ListCheckouts(ctx, curfew.CheckoutSearch{Limit: 1})
	if err != nil || len(found) == 0 {
		return err
	}
	if _, err = t.keeper.Checkouts.Checkout(ctx, testRef); errors.Is(err, curfew.NotFound) {
		return curfew.Errorf(curfew.Conflict, "there are payments already: the test checkout is for an empty database")
	}
	return err
}
