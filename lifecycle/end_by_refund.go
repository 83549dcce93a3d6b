package lifecycle

import (
	"context"
	"errors"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// steps is how often a checkout and its session are read again because somebody moved
// them. A session makes only a few moves.
const steps = 10

// leaving is the decision to give a payment back.
type leaving struct {
	to  curfew.Outcome // RefundDue or Refunded
	why string
	by  curfew.Actor
	// byHand means that a person has given the money back, or is about to. That is refused
	// while the provider is being asked, because the customer might get the money twice.
	byHand bool
}

// leave moves a checkout to its new outcome from any other, and cancels the session that it
// pays for in the same transaction. A checkout that has come that far already stays as it
// is.
func (cs *Checkouts) leave(ctx context.Context, id string, l leaving) (curfew.Checkout, error) {
	var err error
	for range steps {
		c, err2 := cs.store.Checkout(ctx, id)
		if err2 != nil || l.done(c.Outcome) {
			return c, err2
		}
		if l.byHand && c.Outcome == curfew.Refunding && cs.rules.asksProvider {
			return c, curfew.Errorf(curfew.Conflict,
				"the provider has been asked for checkout %s, and may have given it back: wait until it is refunded, or due again", id)
		}
		if !curfew.LegalOutcome(c.Outcome, l.to) {
			return c, curfew.Errorf(curfew.Conflict, "checkout %s is %s: it cannot become %s", id, c.Outcome, l.to)
		}
		if c, err = cs.leaveOnce(ctx, c, l); !errors.Is(err, curfew.Conflict) {
			return c, err
		}
	}
	return curfew.Checkout{}, again(err)
}

func (l leaving) done(now curfew.Outcome) bool {
	return now == l.to || l.to == curfew.RefundDue && (now == curfew.Refunding || now == curfew.Refunded)
}

func (cs *Checkouts) leaveOnce(ctx context.Context, c curfew.Checkout, l leaving) (curfew.Checkout, error) {
	s, err := cs.unendedOf(ctx, c)
	if err != nil {
		return c, err
	}
	if s == nil {
		return cs.write.ChangeCheckout(ctx, released(record.CheckoutChange{From: c, To: l.to, Reason: l.why, Actor: l.by}))
	}
	if err := cs.cancelPaid(ctx, *s, curfew.ByRefund, l); err != nil {
		return c, err
	}
	return cs.store.Checkout(ctx, c.ID)
}

// cancelPaid cancels a session together with the outcome of the checkout that pays for it,
// and gives the slot to the payment that waits for it.
func (cs *Checkouts) cancelPaid(ctx context.Context, s curfew.Snapshot, end curfew.EndReason, l leaving) error {
	change := cs.rules.endChange(s, curfew.Cancelled, end, l.by)
	change.Reason, change.Owed = curfew.WithNote(string(end), l.why), l.to
	ended, err := cs.write.Change(ctx, change)
	if err == nil {
		cs.sessions.freed(ctx, ended)
	}
	return err
}

// unendedOf is the session that a fulfilled checkout pays for, or nil if there is none or
// it has ended.
func (cs *Checkouts) unendedOf(ctx context.Context, c curfew.Checkout) (*curfew.Snapshot, error) {
	if c.Outcome != curfew.Fulfilled {
		return nil, nil
	}
	all, err := cs.store.Unended(ctx, c.CustomerID)
	for _, s := range all {
		if s.CheckoutID == c.ID {
			return &s, err
		}
	}
	return nil, err
}
