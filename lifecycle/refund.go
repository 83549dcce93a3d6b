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

// The schedule of refunds.
const (
	refundsEvery = MaxSleep
	firstWait    = time.Minute
	longestWait  = time.Hour
	// keyLife is how long a provider is sure to remember a refund's key. After that, what
	// was given back is looked up first.
	keyLife = 23 * time.Hour
	// providerTimeout limits a call to the provider. It is less than firstWait, which
	// keeps the refund from other workers meanwhile.
	providerTimeout = 30 * time.Second
)

// SettleRefunds asks the provider for every refund that is due now. A claim is committed
// before each call, and the key of a payment's refund never changes, so concurrent calls
// in any process give the money back once. Without a provider it does nothing. Errors:
// Unavailable.
func (ps *Payments) SettleRefunds(ctx context.Context) error {
	if ps.provider == nil {
		return nil
	}
	for {
		due, err := ps.store.Refundable(ctx, pageSize)
		if err != nil {
			return fmt.Errorf("settle refunds: %w", err)
		}
		for _, c := range due {
			err := ps.settleRefund(ctx, c)
			if errors.Is(err, curfew.Conflict) { // another's now
				continue
			}
			if rowsOwn(ctx, err) {
				err = ps.quarantine.setApart(ctx, apartPayment(c, "refund"), err)
			}
			if err != nil {
				return fmt.Errorf("settle the refund of %s: %w", c.Ref, err)
			}
		}
		if len(due) < pageSize {
			return nil
		}
	}
}

// settleRefund moves one refund a step further. Conflict: somebody else did.
func (ps *Payments) settleRefund(ctx context.Context, c curfew.Checkout) error {
	switch {
	case ps.rules.wasFree(c):
		return ps.refunded(ctx, c, curfew.Repayment{}, curfew.NothingPaidReason)
	case c.PaymentID == "":
		return ps.refundRefused(ctx, c, curfew.Errorf(curfew.Invalid, "the provider has not told this payment: give it back by hand there"))
	}
	claimed, err := ps.write.ChangeCheckout(ctx, record.CheckoutChange{
		From: c, To: curfew.Refunding, Reason: curfew.RefundAskedReason, Actor: curfew.Refunder, Wait: refundWait(c.Attempts),
	})
	if err != nil {
		return err
	}
	back, err := ps.askProvider(ctx, claimed)
	switch {
	case err == nil:
		return ps.refunded(ctx, claimed, back, curfew.GivenBackReason)
	case unknown(err):
		ps.log.WarnContext(ctx, "a refund is asked for again later", "checkout", c.ID, "attempt", claimed.Attempts, "error", err)
		return ctx.Err()
	}
	return ps.refundRefused(ctx, claimed, err)
}

// wasFree reports whether nothing was paid. If only the shop has reported the payment, an
// amount of 0 may mean that it did not say how much.
func (r *Rules) wasFree(c curfew.Checkout) bool {
	return c.Due() == 0 && (c.Ref == "" || c.PaymentID != "" || r.policy.Plans[c.Plan].Free())
}

// askProvider gives back what is due of a payment and was not given back yet, or finds
// that all of it was. The key makes a repeated call harmless for about a day. What was
// given back is also looked up before the first call that this database knows of: a
// restored database does not know of earlier ones.
func (ps *Payments) askProvider(ctx context.Context, c curfew.Checkout) (curfew.Repayment, error) {
	ctx, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	back, err := ps.repayment(ctx, c.PaymentID)
	if err == nil && (c.Attempts <= 1 || c.UpdatedAt.Sub(c.FirstTryAt) > keyLife) {
		var listed curfew.Repayment
		if listed, err = ps.givenBack(ctx, c.PaymentID); listed.Amount > back.Amount {
			back = listed
		}
	}
	if err != nil || back.Covers(c.Due(), c.Currency) {
		return back, err
	}
	left := c.Due()
	if back.Covers(0, c.Currency) {
		left -= back.Amount
	}
	return ps.provider.Refund(ctx, curfew.RefundOrder{
		Key: "refund:" + c.Ref, PaymentID: c.PaymentID, Amount: left, Currency: c.Currency,
	})
}

// givenBack sums up what the provider gave back of a payment, with the id of the newest
// repayment.
func (ps *Payments) givenBack(ctx context.Context, paymentID string) (curfew.Repayment, error) {
	all, err := ps.provider.Refunds(ctx, paymentID)
	var sum curfew.Repayment
	for _, r := range all {
		sum.ID, sum.Currency = cmp.Or(sum.ID, r.ID), cmp.Or(sum.Currency, r.Currency)
		sum.Amount += r.Amount
	}
	return sum, err
}

func (ps *Payments) refunded(ctx context.Context, c curfew.Checkout, back curfew.Repayment, why string) error {
	_, err := ps.write.ChangeCheckout(ctx, record.CheckoutChange{
		From: c, To: curfew.Refunded, Reason: why, Actor: curfew.Refunder, RefundID: back.ID,
	})
	return err
}

// refundRefused leaves a refund due that the provider refuses. An operator finds out why,
// and until then it is retried now and then.
func (ps *Payments) refundRefused(ctx context.Context, c curfew.Checkout, refusal error) error {
	ps.log.WarnContext(ctx, "a refund was refused", "checkout", c.ID, "attempt", c.Attempts, "error", refusal)
	_, err := ps.write.ChangeCheckout(ctx, record.CheckoutChange{
		From: c, To: curfew.RefundDue, Reason: curfew.WithNote(curfew.RefundRefusedReason, refusal.Error()), Actor: curfew.Refunder,
		Note: refusal.Error(), Wait: longestWait,
	})
	return err
}

// unknown reports whether a failed call may have taken effect.
func unknown(err error) bool {
	switch curfew.KindOf(err) {
	case curfew.Unavailable, curfew.RateLimited, curfew.Internal:
		return true
	}
	return false
}

// refundWait doubles from firstWait to longestWait.
func refundWait(attempts int64) time.Duration {
	return min(firstWait<<min(attempts, 6), longestWait)
}

// repayment is what was reported as given back or disputed; zero if nothing was.
func (ps *Payments) repayment(ctx context.Context, paymentID string) (curfew.Repayment, error) {
	r, err := ps.store.Repayment(ctx, paymentID)
	if errors.Is(err, curfew.NotFound) {
		return curfew.Repayment{}, nil
	}
	return r, err
}

// applyRepayment applies to the checkouts of a payment what its provider reported of
// the money: that it was given back, or that the customer's bank asks for it.
func (ps *Payments) applyRepayment(ctx context.Context, paymentID string) error {
	if paymentID == "" {
		return nil
	}
	repayment, err := ps.repayment(ctx, paymentID)
	if err != nil || repayment.Amount == 0 && !repayment.Disputed {
		return err
	}
	all, err := ps.store.PaidBy(ctx, paymentID)
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range all { // one that fails keeps no other from it
		if err := ps.applyRepaymentTo(ctx, c, repayment); err != nil {
			errs = append(errs, fmt.Errorf("heed what was told of %s: %w", c.Ref, err))
		}
	}
	return errors.Join(errs...)
}

func (ps *Payments) applyRepaymentTo(ctx context.Context, c curfew.Checkout, repayment curfew.Repayment) error {
	if repayment.Disputed {
		if err := ps.disputed(ctx, c); err != nil {
			return err
		}
	}
	if repayment.Amount == 0 {
		return nil
	}
	return ps.markRefunded(ctx, c, repayment)
}

// disputed marks a payment that the customer's bank asks back. A person has to see whether
// it can still be contested.
func (ps *Payments) disputed(ctx context.Context, c curfew.Checkout) error {
	return ps.annotate(ctx, c.ID, func(c curfew.Checkout) (record.Annotation, bool) {
		return record.Annotation{Reason: curfew.DisputedReason, Disputed: true}, c.DisputedAt.IsZero()
	})
}

// markRefunded marks a checkout as refunded if all that is due was given back, and
// otherwise notes how much was.
func (ps *Payments) markRefunded(ctx context.Context, c curfew.Checkout, back curfew.Repayment) error {
	due := c.Amount
	if c.Outcome == curfew.RefundDue || c.Outcome == curfew.Refunding {
		due = c.Due()
	}
	if back.Covers(due, c.Currency) {
		_, err := ps.checkouts.leave(ctx, c.ID, leaving{to: curfew.Refunded, why: curfew.GivenBackReason, by: curfew.Provider})
		return err
	}
	note := fmt.Sprintf("%d of %d %s were given back", back.Amount, c.Amount, c.Currency)
	if !back.Covers(0, c.Currency) {
		note = fmt.Sprintf("%d %s were given back of %d %s: compare them at the provider", back.Amount, back.Currency, c.Amount, c.Currency)
	}
	return ps.annotate(ctx, c.ID, func(c curfew.Checkout) (record.Annotation, bool) {
		return record.Annotation{Note: note, Reason: note}, c.Note != note && c.Outcome != curfew.Refunded
	})
}
