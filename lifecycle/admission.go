package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// A payment becomes a session on one path, read from top to bottom:
//
//	FulfillCheckout  checks the purchase; one with a start is booked instead (appointment_book.go)
//	  admit          inserts, in one round trip; only a conflict makes it look further (attempt.go):
//	                 for the receipt of an earlier report, and at the customer's own overdue
//	                 session, which it settles (end_by_deadline.go) before it inserts again
//	  replay         answers an earlier report as it is now (replay.go)
//	  deferPayment   keeps the payment of a customer who is truly busy
//	    serve        gives the session once the slot is free (deferred.go)

// Admission gives customers their sessions: for a payment, a credit or a free
// plan, at once or when the slot is free.
type Admission struct {
	reporter
	rules      *Rules
	quarantine *quarantine
	settler    *settler
	sweeping   *sweeping
	failing    *failing
	heartbeat  *heartbeat
	ledgers    ledgers
	store      interface {
		customerStore
		checkoutStore
		ledgerStore
		claimStore
		sessionStore
		owedStore
		heartbeatStore
	}
	write interface {
		admissionStore
		changeStore
	}
}

// FulfillCheckout gives a paid customer the session, whoever reports the payment and
// however often. If the customer truly has an open session, the outcome is Deferred,
// which is no error: the session follows when the slot is free. Errors: Invalid for what
// can never be accepted, IdempotencyMismatch for a known reference with another customer,
// plan or amount, Unavailable (repeat it).
func (ad *Admission) FulfillCheckout(ctx context.Context, by curfew.Actor, p Purchase) (Fulfillment, error) {
	return ad.observed(ctx, "fulfil a checkout", func(ctx context.Context) (Fulfillment, error) {
		return ad.fulfill(ctx, by, p)
	})
}

func (ad *Admission) fulfill(ctx context.Context, by curfew.Actor, p Purchase) (Fulfillment, error) {
	checkout, err := ad.rules.checkout(p)
	if err != nil {
		return Fulfillment{}, err
	}
	if p.StartsAt != nil {
		return ad.book(ctx, checkout, by, p)
	}
	r, err := ad.admit(ctx, attempt{
		customerID: p.CustomerID,
		admission: func(context.Context) (record.Admission, error) {
			return ad.rules.admission(checkout, by), nil // with the id and version that receipt gave it
		},
		receipt: func(ctx context.Context) (record.Receipt, error) { return ad.reference(ctx, &checkout, by) },
	})
	if bad, ok := errors.AsType[*unspendableError](err); ok {
		return ad.recordUnspendable(ctx, bad, checkout, by, p)
	}
	if err != nil {
		return Fulfillment{}, fmt.Errorf("fulfill %s: %w", p.PaymentRef, err)
	}
	switch r.verdict {
	case admitted:
		return fulfilled(r.session), nil
	case repeated:
		return ad.replay(ctx, r.receipt, p)
	case blocked, stuck, undecided:
	}
	return ad.deferPayment(ctx, checkout, by, p)
}

// recordUnspendable records a payment that buys nothing, and answers with its outcome.
func (ad *Admission) recordUnspendable(
	ctx context.Context, bad *unspendableError, c curfew.Checkout, by curfew.Actor, p Purchase,
) (Fulfillment, error) {
	r, err := ad.write.Record(ctx, bad.recorded(c), by, bad.funds.String())
	if errors.Is(err, curfew.Conflict) { // somebody else reported it, or its provider said something new
		if r, err = ad.byReference(ctx, c.Ref); err == nil {
			return ad.replay(ctx, r, p)
		}
		err = again(err)
	}
	if err != nil {
		return Fulfillment{}, fmt.Errorf("record %s: %w", p.PaymentRef, err)
	}
	f, err := ad.present(ctx, r)
	f.Replayed = false
	return f, err
}

// deferPayment records a payment whose customer is truly busy, and serves it at once
// if it can: the blocker may have ended before the record was there to be served.
func (ad *Admission) deferPayment(ctx context.Context, c curfew.Checkout, by curfew.Actor, p Purchase) (Fulfillment, error) {
	c.ID = cmp.Or(c.ID, newID())
	r, reported, err := ad.deferOrFind(ctx, &c, by)
	if bad, ok := errors.AsType[*unspendableError](err); ok {
		return ad.recordUnspendable(ctx, bad, c, by, p)
	}
	if err != nil {
		return Fulfillment{}, fmt.Errorf("defer %s: %w", p.PaymentRef, err)
	}
	f, err := ad.replay(ctx, r, p)
	if reported {
		return f, err
	}
	f.Replayed = false
	if f.Blocker != nil {
		ad.refused(ctx, c.CustomerID, f.Blocker)
	}
	return f, err
}

// deferOrFind records a payment as deferred, or finds what somebody else has recorded
// meanwhile. A report of the provider at the same moment goes first. Errors are those of
// reference, except NotFound.
func (ad *Admission) deferOrFind(ctx context.Context, c *curfew.Checkout, by curfew.Actor) (r record.Receipt, reported bool, err error) {
	for range tries {
		if r, err = ad.write.Defer(ctx, *c, by, ad.rules.policy.DeferTTL); !errors.Is(err, curfew.Conflict) {
			return r, false, err
		}
		if r, err = ad.reference(ctx, c, by); !errors.Is(err, curfew.NotFound) {
			return r, true, err
		}
	}
	return r, false, again(err)
}

// observed makes a traced and measured admission.
func (ad *Admission) observed(ctx context.Context, step string, admit func(context.Context) (Fulfillment, error)) (Fulfillment, error) {
	ctx, end := ad.trace.Begin(ctx, step)
	defer end()
	begun := time.Now()
	f, err := admit(ctx)
	took := time.Since(begun)
	if ad.failing.note(err, took); err == nil && !f.Replayed {
		ad.heartbeat.wrote(begun)
	}
	outcome := outcomeLabel(f, err)
	ad.observe.Admitted(outcome, took)
	curfew.Note(ctx, curfew.OutcomeNote, outcome)
	return f, err
}

// outcomeLabel names the outcome of an admission in metrics and traces.
func outcomeLabel(f Fulfillment, err error) string {
	switch {
	case errors.Is(err, curfew.SessionOpen):
		return "refused"
	case err != nil && callersOwn(err):
		return "rejected"
	case err != nil:
		return "failed"
	case f.Replayed:
		return "replayed"
	}
	return string(f.Outcome)
}
