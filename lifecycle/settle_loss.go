package lifecycle

import (
	"context"
	"errors"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// takeBack moves a checkout to an outcome in which it buys nothing. A session that it pays
// for ends, unless it has a mechanic and the policy lets it finish; where the money is taken
// only when a mechanic accepts, it has to be live for that. What was served stays
// fulfilled, and an operator is told.
func (ps *Payments) takeBack(ctx context.Context, c curfew.Checkout, t taken) error {
	s, err := ps.checkouts.unendedOf(ctx, c)
	if err != nil {
		return err
	}
	finishes := s != nil && s.MechanicID != "" && ps.rules.policy.FinishLost && (s.Status == curfew.Live || c.Capture == "")
	if s != nil && !finishes {
		l := leaving{to: t.to, by: curfew.Provider}
		if t.why != string(t.end) {
			l.why = t.why
		}
		err := ps.checkouts.cancelPaid(ctx, *s, t.end, l)
		if err == nil && t.to == curfew.Void && s.Status == curfew.Live {
			err = ps.markLost(ctx, c.ID)
		}
		return err
	}
	going, err := ps.extendsGoing(ctx, c)
	if err != nil {
		return err
	}
	note := t.why
	if t.why == string(curfew.ByPayment) {
		note = lost.String()
	}
	if c.Outcome == curfew.Fulfilled && !going {
		return ps.annotate(ctx, c.ID, func(c curfew.Checkout) (record.Annotation, bool) {
			return record.Annotation{Reason: t.why, Note: note, Concern: record.PaymentLost}, c.Concern != record.PaymentLost
		})
	}
	_, err = ps.write.ChangeCheckout(ctx, released(record.CheckoutChange{From: c, To: t.to, Reason: t.why, Note: note, Actor: curfew.Provider}))
	return err
}

// markLost tells operators that a bank took back what had been paid, or that a session was
// live without being paid for: nothing is owed for either, but somebody has to book it.
func (ps *Payments) markLost(ctx context.Context, id string) error {
	return ps.annotate(ctx, id, func(c curfew.Checkout) (record.Annotation, bool) {
		a := record.Annotation{Reason: lost.String(), Note: lost.String(), Concern: record.PaymentLost}
		return a, c.Outcome == curfew.Void && c.Concern == ""
	})
}

// foundAgain removes the concern of a checkout that is paid for after all: a dispute was won,
// or a refund came back.
func (ps *Payments) foundAgain(ctx context.Context, c curfew.Checkout) error {
	if c.Concern != record.PaymentLost {
		return nil
	}
	return failed(ps.write.Annotate(ctx, record.Annotation{
		From: c, Reason: curfew.ArrivedReason, Note: curfew.ArrivedReason, Concern: record.NoConcern, Actor: curfew.Provider,
	}))
}

// taken returns the outcome of a checkout whose money is gone, the reason, and how its
// session ends.
type taken struct {
	to  curfew.Outcome
	end curfew.EndReason
	why string
}

// finishing reports whether the policy lets a session go on although its payment is lost.
// The payment is settled again when the session has ended, because nothing may be owed then.
func (ps *Payments) finishing(ctx context.Context, l record.Ledger) (bool, error) {
	if b := l.Money(); !ps.rules.policy.FinishLost || b.Gone() == 0 && b.State != "failed" {
		return false, nil
	}
	for _, c := range l.Checkouts {
		s, err := ps.checkouts.unendedOf(ctx, c)
		if err != nil || s != nil {
			return s != nil, err
		}
	}
	return false, nil
}

// extendsGoing reports whether the checkout extended a session that goes on. The session
// has its own payment, and keeps the added time.
func (ps *Payments) extendsGoing(ctx context.Context, c curfew.Checkout) (bool, error) {
	if c.Outcome != curfew.Fulfilled || c.SessionID == "" {
		return false, nil
	}
	s, err := ps.store.Session(ctx, c.SessionID)
	if errors.Is(err, curfew.NotFound) {
		return false, nil
	}
	return err == nil && s.CheckoutID != c.ID && !s.Status.Ended(), err
}
