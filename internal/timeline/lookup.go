package timeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
)

// TargetKind is the kind of a timeline's target.
type TargetKind string

// The kinds.
const (
	OfCustomer  TargetKind = "customer"
	OfSession   TargetKind = "session"
	OfRequest   TargetKind = "request"
	OfCheckout  TargetKind = "checkout"
	OfReference TargetKind = "reference" // of a payment
	OfRun       TargetKind = "run"
	OfEmail     TargetKind = "email"
)

// Target is what a text turned out to be.
type Target struct {
	Kind TargetKind
	ID   string // the text
}

// Audited returns what the audit log notes when somebody reads a timeline: whom it is about, and what was looked up, but
// no e-mail address.
func (t Timeline) Audited() (customerID, object, detail string) {
	switch t.Target.Kind {
	case OfCustomer:
		return t.CustomerID, "", ""
	case OfEmail:
		return t.CustomerID, "", "found by e-mail address"
	}
	return t.CustomerID, t.Target.ID, ""
}

// target is a Target with what was found of it.
type target struct {
	Target
	customers []string // whose it is; several only of an e-mail address, none of a run
	session   curfew.Snapshot
	checkout  curfew.Checkout
	run       curfew.Run
}

// mostNamesakes is how many customers of one address are named.
const mostNamesakes = 20

// lookup finds out what a text is: an id of Curfew's, a customer, a payment's reference
// or an e-mail address, in this order. NotFound says what was tried.
func (x *Explainer) lookup(ctx context.Context, text string) (target, error) {
	lookups := []func(context.Context, string) (target, error){x.lookupCustomer, x.lookupReference, x.lookupEmail}
	tried := "customer, payment reference or e-mail address"
	if _, err := uuid.Parse(text); err == nil {
		lookups = append([]func(context.Context, string) (target, error){
			x.lookupSession, x.lookupRequest, x.lookupCheckout, x.lookupRun,
		}, lookups...)
		tried = "session, request, checkout, run, " + tried
	}
	for _, lookup := range lookups {
		f, err := lookup(ctx, text)
		if !errors.Is(err, curfew.NotFound) {
			f.ID = text
			return f, err
		}
	}
	return target{}, curfew.Errorf(curfew.NotFound, "there is no %s %q", tried, text)
}

func (x *Explainer) lookupSession(ctx context.Context, id string) (target, error) {
	s, err := x.store.Session(ctx, id)
	return target{Target: Target{Kind: OfSession}, customers: []string{s.CustomerID}, session: s}, err
}

func (x *Explainer) lookupRequest(ctx context.Context, id string) (target, error) {
	s, err := x.store.SessionOf(ctx, id)
	return target{Target: Target{Kind: OfRequest}, customers: []string{s.CustomerID}, session: s}, err
}

func (x *Explainer) lookupCheckout(ctx context.Context, id string) (target, error) {
	c, err := x.store.Checkout(ctx, id)
	return target{Target: Target{Kind: OfCheckout}, customers: []string{c.CustomerID}, checkout: c}, err
}

func (x *Explainer) lookupReference(ctx context.Context, ref string) (target, error) {
	c, err := x.byReference(ctx, ref)
	return target{Target: Target{Kind: OfReference}, customers: []string{c.CustomerID}, checkout: c}, err
}

// byReference is the checkout of a payment's reference, and where it turned out to be
// another's duplicate, the other.
func (x *Explainer) byReference(ctx context.Context, ref string) (curfew.Checkout, error) {
	r, err := x.store.Reference(ctx, ref)
	if err != nil || r.Checkout.Outcome != curfew.Void {
		return r.Checkout, err
	}
	l, err := x.store.Ledger(ctx, r.Checkout.Payment())
	if first, ok := l.First(); ok {
		return first, err
	}
	return r.Checkout, err
}

func (x *Explainer) lookupRun(ctx context.Context, id string) (target, error) {
	r, err := x.store.Run(ctx, id)
	return target{Target: Target{Kind: OfRun}, run: r}, err
}

// lookupCustomer finds a customer by their events. Nobody is not a customer.
func (x *Explainer) lookupCustomer(ctx context.Context, id string) (target, error) {
	if curfew.CheckID("customer id", id) != nil {
		return target{}, curfew.NotFound
	}
	events, err := x.store.History(ctx, id, curfew.Cursor{}, 1)
	if err == nil && len(events) == 0 {
		err = curfew.NotFound
	}
	return target{Target: Target{Kind: OfCustomer}, customers: []string{id}}, err
}

func (x *Explainer) lookupEmail(ctx context.Context, address string) (target, error) {
	customers, err := x.store.CustomersByEmail(ctx, address, mostNamesakes)
	if err == nil && len(customers) == 0 {
		err = curfew.NotFound
	}
	return target{Target: Target{Kind: OfEmail}, customers: customers}, err
}

// checkTarget refuses texts that cannot be a target.
func checkTarget(text string) error {
	if err := curfew.CheckRef("subject", text); err != nil {
		return fmt.Errorf("explain: %w", err)
	}
	return nil
}
