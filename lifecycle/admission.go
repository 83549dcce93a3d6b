package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// How a payment becomes a session:
//
//	fulfill  checks the purchase; an appointment is booked instead (appointment.go)
//	admit    inserts, in one round trip; only a conflict makes it look further:
//	         at the reference that is known, then at the customer's own overdue
//	         session, which it settles (end_by_deadline.go), and inserts again
//	replay   presents a known reference as it is now (replay.go)
//	defer    keeps the payment of a customer who is truly busy (deferred.go)

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
	store      interface {
		customerStore
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

// FulfillCheckout gives a paid customer the session, whoever reports the
// payment and however often. A customer who truly has an open session gets the
// outcome Deferred, not an error: the session follows when the slot is free.
// Errors: Invalid for what can never be accepted, IdempotencyMismatch for a
// known reference with another customer or plan, Unavailable (repeat it).
func (ad *Admission) FulfillCheckout(ctx context.Context, by curfew.Actor, p Purchase) (Fulfillment, error) {
	ctx, end := ad.trace.Begin(ctx, "fulfil a checkout")
	defer end()
	begun := time.Now()
	f, err := ad.fulfill(ctx, by, p)
	outcome := ad.observed(f, err, time.Since(begun))
	curfew.Note(ctx, curfew.OutcomeNote, outcome)
	return f, err
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
			return ad.rules.admission(checkout, by), nil
		},
		known: func(ctx context.Context) (record.Receipt, error) { return ad.reference(ctx, &checkout, by) },
	})
	switch {
	case err != nil:
		return Fulfillment{}, fmt.Errorf("fulfil %s: %w", p.PaymentRef, err)
	case r.admitted != nil:
		return fulfilled(*r.admitted), nil
	case r.known != nil:
		return ad.replay(ctx, *r.known, p)
	}
	return ad.deferPayment(ctx, checkout, by, p)
}

// tries is how often an insert is repeated before it counts as blocked.
const tries = 3

// attempt is one try of somebody to get a session for a customer.
type attempt struct {
	customerID string
	// admission makes what is inserted; made anew for every try, because a
	// credit may be gone.
	admission func(context.Context) (record.Admission, error)
	// known answers an attempt that was accepted before; NotFound: it was not.
	known func(context.Context) (record.Receipt, error)
}

// result of an attempt: exactly one field is set, or none where the slot changed
// hands at every try.
type result struct {
	admitted *curfew.Snapshot
	known    *record.Receipt
	blocker  *curfew.Snapshot
	stuck    *curfew.Snapshot // it holds the slot, is due, and cannot be ended
}

// admit carries out an attempt. The first insert asks nothing; only a conflict makes
// it look: the key first, because its answer is the answer; then the customer's
// own overdue session, which it settles and never waits for.
func (ad *Admission) admit(ctx context.Context, b attempt) (result, error) {
	for try := 0; ; try++ {
		a, err := b.admission(ctx)
		if err != nil {
			return result{}, err
		}
		s, err := ad.write.Admit(ctx, a)
		if err == nil {
			return result{admitted: &s}, nil
		}
		if !errors.Is(err, curfew.Conflict) {
			return result{}, err
		}
		r, err := b.known(ctx)
		if err == nil {
			return result{known: &r}, nil
		}
		if !errors.Is(err, curfew.NotFound) {
			return result{}, err
		}
		blocker, err := ad.settler.settleOwn(ctx, b.customerID)
		if stuck, ok := isStuck(err); ok {
			return result{stuck: &stuck.session}, nil
		}
		if err != nil || blocker != nil || try == tries {
			return result{blocker: blocker}, err
		}
	}
}
