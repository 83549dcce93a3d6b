package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The schedule of refunds.
const (
	refundsEvery = maxSleep
	firstWait    = time.Minute
	longestWait  = time.Hour
	// keyLife is how long a provider is sure to remember a refund's key. After that, earlier
	// refunds are looked up before another call.
	keyLife = 23 * time.Hour
	// providerTimeout limits a call to the provider. It is less than firstWait, which
	// keeps the refund from other workers meanwhile.
	providerTimeout = 30 * time.Second
)

// SettleRefunds asks the provider for every refund that is due now. A claim is committed
// before each call, and one key never asks for two amounts, so the money is given back
// once however many processes call at the same time. Without a provider it does nothing.
// Errors: Unavailable.
func (ps *Payments) SettleRefunds(ctx context.Context) error {
	return ps.settleEach(ctx, "refund", ps.store.Refundable, ps.settleRefund)
}

// settleEach takes each checkout of a list one step further, and quarantines those that
// fail.
func (ps *Payments) settleEach(
	ctx context.Context, what string, list func(context.Context, int) ([]curfew.Checkout, error), settle func(context.Context, curfew.Checkout) error,
) error {
	if ps.provider == nil {
		return nil
	}
	for {
		due, err := list(ctx, pageSize)
		if err != nil {
			return fmt.Errorf("settle each %s: %w", what, err)
		}
		for _, c := range due {
			err := settle(ctx, c)
			if errors.Is(err, curfew.Conflict) { // another's now
				continue
			}
			if rowsOwn(ctx, err) {
				err = ps.quarantine.setApart(ctx, apartPayment(c, what), err)
			}
			if err != nil {
				return fmt.Errorf("settle the %s of %s: %w", what, cmp.Or(record.Title(c), c.ID), err)
			}
		}
		if len(due) < pageSize {
			return nil
		}
	}
}

// settleRefund moves one refund a step further. Conflict: somebody else did.
func (ps *Payments) settleRefund(ctx context.Context, c curfew.Checkout) error {
	l, err := ps.store.Ledger(ctx, c.Payment())
	if err != nil {
		return err
	}
	c, due := stillDue(l, c)
	if !due {
		return curfew.Errorf(curfew.Conflict, "the refund of checkout %s has moved", c.ID)
	}
	name := cmp.Or(c.PaymentID, l.Name)
	switch s := ps.rules.funds(l, c); {
	case ps.rules.wasFree(c, l):
		return ps.refunded(ctx, c, "", curfew.NothingPaidReason)
	case s == lost && c.Outcome == curfew.Refunding: // the bank took the money back before the provider gave it
		due := record.CheckoutChange{From: c, To: curfew.RefundDue, Reason: curfew.WithNote(curfew.RefundRefusedReason, s.String()), Actor: curfew.Refunder}
		if c, err = ps.write.ChangeCheckout(ctx, due); err != nil {
			return err
		}
		return ps.settleByFunds(ctx, c, l)
	case s == lost || s == returned:
		return ps.settleByFunds(ctx, c, l)
	case l.Money().State == "authorised" && c.Capture == "":
		return ps.settleByFunds(ctx, c, l)
	case !arrived(l):
		return ps.waitForMoney(ctx, c, awaited)
	case l.Money().Disputed > 0:
		return ps.waitForMoney(ctx, c, frozen)
	case !ps.serves(l):
		return ps.refundRefused(ctx, c, curfew.Errorf(curfew.Invalid, "Curfew cannot ask %s: give it back by hand there", l.Provider))
	case c.Outcome == curfew.RefundDue && refunding(l, c):
		return ps.waitForOther(ctx, c, l)
	case name == "":
		return ps.refundRefused(ctx, c, curfew.Errorf(curfew.Invalid, "the provider has not told this payment: give it back by hand there"))
	}
	if l.Money().Captured == 0 {
		return captures{ps}.askAmount(ctx, c, l)
	}
	claimed, l, err := ps.claimRefund(ctx, c, l)
	if err != nil {
		return err
	}
	facts, err := ps.askProvider(ctx, claimed, l, name)
	if err == nil || len(facts) > 0 { // part of the refund may have been made although the rest was refused
		err2 := ps.reportFacts(ctx, l, facts)
		if err2 == nil {
			claimed, err2 = ps.store.Checkout(ctx, c.ID)
		}
		if err2 != nil {
			return err2
		}
	}
	switch {
	case err == nil, claimed.Outcome != curfew.Refunding:
		return nil
	case unknown(err):
		ps.log.WarnContext(ctx, "a refund is asked for again later", "checkout", c.ID, "attempt", claimed.Attempts, "error", err)
		return ctx.Err()
	}
	return ps.refundRefused(ctx, claimed, err)
}

// arrived reports whether there is money to give back.
func arrived(l record.Ledger) bool {
	state := l.Money().State
	return state == "captured" || state == "reported"
}

// waitForMoney postpones a refund that cannot be made yet. Any report about the payment
// brings the worker back.
func (ps *Payments) waitForMoney(ctx context.Context, c curfew.Checkout, s funds) error {
	_, err := ps.write.ChangeCheckout(ctx, record.CheckoutChange{
		From: c, To: curfew.RefundDue, Reason: curfew.WithNote(curfew.AwaitedReason, s.String()), Actor: curfew.Refunder,
		Note: s.String(), Wait: longestWait, Concern: c.Concern,
	})
	return err
}

// stillDue returns the checkout as the ledger has it, and whether its refund is due now: a
// refund for another line may have changed it.
func stillDue(l record.Ledger, c curfew.Checkout) (curfew.Checkout, bool) {
	i := slices.IndexFunc(l.Checkouts, func(other curfew.Checkout) bool { return other.ID == c.ID })
	if i < 0 {
		return c, false
	}
	c = l.Checkouts[i]
	return c, refundOpen(c) && !c.NextAt.After(l.Now)
}

// refunding reports whether a refund for another line of the same payment is under way. A
// refund does not name its line, so only one line at a time can have one.
func refunding(l record.Ledger, c curfew.Checkout) bool {
	_, busy := l.Refunding(c)
	return busy
}

// waitForOther postpones a refund until the one for another line can be tried again.
func (ps *Payments) waitForOther(ctx context.Context, c curfew.Checkout, l record.Ledger) error {
	other, _ := l.Refunding(c)
	const why = "another refund of the payment is under way"
	return failed(ps.write.ChangeCheckout(ctx, record.CheckoutChange{
		From: c, To: curfew.RefundDue, Reason: curfew.WithNote(curfew.AwaitedReason, why), Actor: curfew.Refunder,
		Wait: max(other.NextAt.Sub(l.Now), firstWait), Concern: c.Concern,
	}))
}

// claimRefund commits the claim for a call of the provider. The lines of a payment are
// claimed one at a time, by a one-time name that counts the claims so far.
func (ps *Payments) claimRefund(ctx context.Context, c curfew.Checkout, l record.Ledger) (curfew.Checkout, record.Ledger, error) {
	alone := len(l.Checkouts) < 2 || c.Outcome == curfew.Refunding
	if !alone {
		if err := ps.store.ClaimOnce(ctx, refundTurn(l), firstWait); err != nil {
			return c, l, err
		}
	}
	var err error
	for range steps {
		claimed, err2 := ps.write.ChangeCheckout(ctx, record.CheckoutChange{
			From: c, To: curfew.Refunding, Reason: curfew.RefundAskedReason, Actor: curfew.Refunder, Wait: refundWait(c.Attempts), Concern: c.Concern,
		})
		if err = err2; alone || !errors.Is(err, curfew.Conflict) {
			return claimed, l, err
		}
		if l, err2 = ps.store.Ledger(ctx, c.Payment()); err2 != nil {
			return c, l, err2
		}
		var due bool
		if c, due = stillDue(l, c); !due {
			return c, l, err
		}
	}
	return c, l, err
}

// refundTurn names the next claim of a payment's refunds. A claim that came to nothing
// blocks others for at most a minute.
func refundTurn(l record.Ledger) string {
	var asked, done int64
	for _, c := range l.Checkouts {
		asked += c.Attempts
		if c.Outcome == curfew.Refunded {
			done++
		}
	}
	return fmt.Sprintf("refund:%s:%d:%d:%d", l.ID, asked, done, l.Now.Unix()/int64(firstWait/time.Second))
}

// askProvider refunds what is due and has not been given back yet, or finds that nothing is
// left. The key makes a repeated call harmless for about a day. Earlier refunds are also
// looked up before the first call that this database has a record of, because a restored
// database has no record of earlier ones, and before a call with another key.
func (ps *Payments) askProvider(ctx context.Context, c curfew.Checkout, l record.Ledger, name string) ([]curfew.Fact, error) {
	ctx, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	order := refundOrder(c, l, name)
	var listed []curfew.Fact
	if c.Attempts <= 1 || c.UpdatedAt.Sub(c.FirstTryAt) > keyLife || order.Key != firstKey(c) {
		var err error
		if listed, err = ps.provider.Refunds(ctx, l.Account, name); err != nil {
			return nil, err
		}
		l.Facts = append(slices.Clone(l.Facts), listed...)
		order = refundOrder(c, l, name)
	}
	if order.Amount <= 0 {
		return listed, nil
	}
	made, err := ps.provider.Refund(ctx, order)
	return append(listed, made...), err
}

// reportFacts records the provider's answer, and settles the payment by it.
func (ps *Payments) reportFacts(ctx context.Context, l record.Ledger, facts []curfew.Fact) error {
	if len(facts) > 0 {
		var err error
		n := curfew.Notice{Provider: cmp.Or(l.Provider, "provider"), Account: l.Account, References: l.References, Facts: facts}
		if l, err = ps.report(ctx, n); err != nil {
			return err
		}
	}
	return ps.settlePayment(ctx, l)
}

func (ps *Payments) refunded(ctx context.Context, c curfew.Checkout, refundID, why string) error {
	_, err := ps.write.ChangeCheckout(ctx, record.CheckoutChange{
		From: c, To: curfew.Refunded, Reason: why, Actor: curfew.Refunder, RefundID: refundID,
	})
	return err
}

// refundRefused keeps a refund due that the provider refuses. It is retried now and then
// until an operator has found out why.
func (ps *Payments) refundRefused(ctx context.Context, c curfew.Checkout, refusal error) error {
	ps.log.WarnContext(ctx, "a refund was refused", "checkout", c.ID, "attempt", c.Attempts, "error", refusal)
	_, err := ps.write.ChangeCheckout(ctx, record.CheckoutChange{
		From: c, To: curfew.RefundDue, Reason: curfew.WithNote(curfew.RefundRefusedReason, refusal.Error()), Actor: curfew.Refunder,
		Note: refusal.Error(), Wait: longestWait, Concern: record.RefundFailed,
	})
	return err
}

// serves reports whether the provider can be asked about a payment.
func (ps *Payments) serves(l record.Ledger) bool {
	return l.Provider == "" || ps.provider.Serves(l.Provider)
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
