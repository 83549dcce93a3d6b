package lifecycle

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
)

// SubjectKind is what somebody asked about.
type SubjectKind string

// The kinds.
const (
	OfCustomer  SubjectKind = "customer"
	OfSession   SubjectKind = "session"
	OfRequest   SubjectKind = "request"
	OfCheckout  SubjectKind = "checkout"
	OfReference SubjectKind = "reference" // of a payment
	OfRun       SubjectKind = "run"
	OfEmail     SubjectKind = "email"
)

// Subject is what a text turned out to be.
type Subject struct {
	Kind SubjectKind
	ID   string // the text
}

// found is a subject with what it led to.
type found struct {
	Subject
	customers []string // whose it is; several only of an e-mail address, none of a run
	session   curfew.Standing
	checkout  curfew.Checkout
	run       curfew.Run
}

// mostNamesakes is how many customers of one address are named.
const mostNamesakes = 20

// find asks what a text is: an id of ours, a customer, a payment's reference, an
// e-mail address, in this order. NotFound says what was tried.
func (tl *Timeline) find(ctx context.Context, text string) (found, error) {
	lookups := []func(context.Context, string) (found, error){tl.findCustomer, tl.findReference, tl.findEmail}
	tried := "customer, payment reference or e-mail address"
	if _, err := uuid.Parse(text); err == nil {
		lookups = append([]func(context.Context, string) (found, error){
			tl.findSession, tl.findRequest, tl.findCheckout, tl.findRun,
		}, lookups...)
		tried = "session, request, checkout, run, " + tried
	}
	for _, look := range lookups {
		f, err := look(ctx, text)
		if !errors.Is(err, curfew.NotFound) {
			f.ID = text
			return f, err
		}
	}
	return found{}, curfew.Errorf(curfew.NotFound, "there is no %s %q", tried, text)
}

func (tl *Timeline) findSession(ctx context.Context, id string) (found, error) {
	s, err := tl.store.Session(ctx, id)
	return found{Subject: Subject{Kind: OfSession}, customers: []string{s.CustomerID}, session: s}, err
}

func (tl *Timeline) findRequest(ctx context.Context, id string) (found, error) {
	s, err := tl.store.SessionOf(ctx, id)
	return found{Subject: Subject{Kind: OfRequest}, customers: []string{s.CustomerID}, session: s}, err
}

func (tl *Timeline) findCheckout(ctx context.Context, id string) (found, error) {
	c, err := tl.store.Checkout(ctx, id)
	return found{Subject: Subject{Kind: OfCheckout}, customers: []string{c.CustomerID}, checkout: c}, err
}

func (tl *Timeline) findReference(ctx context.Context, ref string) (found, error) {
	r, err := tl.store.Reference(ctx, ref)
	return found{Subject: Subject{Kind: OfReference}, customers: []string{r.Checkout.CustomerID}, checkout: r.Checkout}, err
}

func (tl *Timeline) findRun(ctx context.Context, id string) (found, error) {
	r, err := tl.store.Run(ctx, id)
	return found{Subject: Subject{Kind: OfRun}, run: r}, err
}

// findCustomer: there is a customer where there is an event. Nobody is none.
func (tl *Timeline) findCustomer(ctx context.Context, id string) (found, error) {
	if curfew.CheckID("customer id", id) != nil {
		return found{}, curfew.NotFound
	}
	events, err := tl.store.History(ctx, id, curfew.Cursor{}, 1)
	if err == nil && len(events) == 0 {
		err = curfew.NotFound
	}
	return found{Subject: Subject{Kind: OfCustomer}, customers: []string{id}}, err
}

func (tl *Timeline) findEmail(ctx context.Context, address string) (found, error) {
	customers, err := tl.store.CustomersByEmail(ctx, address, mostNamesakes)
	if err == nil && len(customers) == 0 {
		err = curfew.NotFound
	}
	return found{Subject: Subject{Kind: OfEmail}, customers: customers}, err
}

// checkSubject refuses what can be no subject at all.
func checkSubject(text string) error {
	if err := curfew.CheckRef("subject", text); err != nil {
		return fmt.Errorf("explain: %w", err)
	}
	return nil
}
