package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// NewSession asks for a session that no new payment pays for: of a free plan, or
// for a credit.
type NewSession struct {
	CustomerID string
	Plan       string
	Name       string // shown to mechanics; empty: the credit's
	Key        string // the caller's idempotency key; empty: none
}

// CreateSession gives a customer a session of a free plan, or spends the oldest credit of
// the plan. Errors: Invalid; PaymentRequired if the plan is not free and there is no
// credit; SessionOpen, with the blocker, if the slot is truly taken; RateLimited, with the
// time to wait, after too many free sessions that were cancelled; IdempotencyMismatch for a
// key that was used with another plan; Unavailable (repeat it with the same key).
func (ad *Admission) CreateSession(ctx context.Context, by curfew.Actor, n NewSession) (Fulfillment, error) {
	return ad.observed(ctx, "create a session", func(ctx context.Context) (Fulfillment, error) {
		return ad.create(ctx, by, n)
	})
}

func (ad *Admission) create(ctx context.Context, by curfew.Actor, n NewSession) (Fulfillment, error) {
	if err := ad.rules.checkNewSession(n); err != nil {
		return Fulfillment{}, err
	}
	if r, err := ad.keyReceipt(ctx, n); !errors.Is(err, curfew.NotFound) {
		return repeatedKey(r, n, err)
	}
	r, err := ad.admitOrUnblock(ctx, attempt{
		customerID: n.CustomerID,
		admission:  func(ctx context.Context) (record.Admission, error) { return ad.spend(ctx, by, n) },
		receipt:    func(ctx context.Context) (record.Receipt, error) { return ad.keyReceiptOrForget(ctx, n) },
	})
	if err != nil {
		return Fulfillment{}, fmt.Errorf("create session for customer %s: %w", n.CustomerID, err)
	}
	switch r.verdict {
	case admitted:
		return fulfilled(r.session), nil
	case repeated:
		return repeatedKey(r.receipt, n, nil)
	case stuck:
		return Fulfillment{}, &stuckError{r.session}
	case undecided:
		return Fulfillment{}, curfew.Errorf(curfew.Unavailable, "the customer's slot changes hands too quickly: try again")
	case blocked:
	}
	blocker := ad.rules.Blocker(r.session)
	ad.refused(ctx, n.CustomerID, blocker)
	return Fulfillment{}, curfew.Refusal(*blocker)
}

// admitOrUnblock admits a customer. One who has no credit, or has to wait, is unblocked
// first, for two reasons: a blocker is reported before the price of a session, and
// settling an overdue or foreign-cancelled session may leave the credit that is missing.
func (ad *Admission) admitOrUnblock(ctx context.Context, at attempt) (result, error) {
	r, err := ad.admit(ctx, at)
	if !errors.Is(err, curfew.PaymentRequired) && !errors.Is(err, curfew.RateLimited) {
		return r, err
	}
	if r, err = ad.unblock(ctx, at.customerID); err != nil || r.verdict != undecided {
		return r, err
	}
	return ad.admit(ctx, at)
}

func (r *Rules) checkNewSession(n NewSession) error {
	if _, err := r.plan(n.Plan); err != nil {
		return err
	}
	if n.Key != "" {
		if err := curfew.CheckRef("Idempotency-Key", n.Key); err != nil {
			return err
		}
	}
	return curfew.CheckID("customerId", n.CustomerID)
}

// keyReceipt is the receipt of the idempotency key. NotFound: there is no key, or it
// is new.
func (ad *Admission) keyReceipt(ctx context.Context, n NewSession) (record.Receipt, error) {
	if n.Key == "" {
		return record.Receipt{}, curfew.NotFound
	}
	return ad.store.Key(ctx, n.CustomerID, n.Key)
}

// keyReceiptOrForget is keyReceipt. It forgets a key whose session is lost, because that
// key would make every insert fail.
func (ad *Admission) keyReceiptOrForget(ctx context.Context, n NewSession) (record.Receipt, error) {
	r, err := ad.keyReceipt(ctx, n)
	if errors.Is(err, curfew.NotFound) && n.Key != "" {
		return r, cmp.Or(ad.store.ForgetKey(ctx, n.CustomerID, n.Key), err)
	}
	return r, err
}

// repeatedKey answers a call whose key was used before.
func repeatedKey(r record.Receipt, n NewSession, err error) (Fulfillment, error) {
	if err != nil {
		return Fulfillment{}, err
	}
	if r.Session.Plan != n.Plan {
		return Fulfillment{}, curfew.Errorf(curfew.IdempotencyMismatch, "this Idempotency-Key was used for plan %q", r.Session.Plan)
	}
	return Fulfillment{
		Outcome: r.Checkout.Outcome, Replayed: true, CheckoutID: r.Checkout.ID, Plan: r.Session.Plan,
		Kind: r.Session.Kind, SessionID: r.Session.ID, RequestID: r.RequestID,
	}, nil
}

// credit is the customer's oldest credit of the plan whose payment still covers it.
// PaymentRequired: all credits have lost their payment.
func (ad *Admission) credit(ctx context.Context, n NewSession) (curfew.Checkout, error) {
	oldest, err := ad.store.Credit(ctx, n.CustomerID, n.Plan)
	if err != nil {
		return oldest, err
	}
	c, err := ad.ledgers.firstSpendable(ctx, []curfew.Checkout{oldest})
	if !errors.Is(err, curfew.PaymentRequired) {
		return c, err
	}
	all, err := ad.store.Checkouts(ctx, n.CustomerID)
	if err != nil {
		return c, err
	}
	return ad.ledgers.firstSpendable(ctx, slices.DeleteFunc(all, func(c curfew.Checkout) bool {
		return c.Outcome != curfew.Credited || c.Plan != n.Plan
	}))
}

// spend is the admission that a credit pays for, or that a free plan needs no
// payment for.
func (ad *Admission) spend(ctx context.Context, by curfew.Actor, n NewSession) (record.Admission, error) {
	credit, err := ad.credit(ctx, n)
	free := ad.rules.policy.Plans[n.Plan].Free()
	switch {
	case (errors.Is(err, curfew.NotFound) || errors.Is(err, curfew.PaymentRequired)) && free:
		credit = curfew.Checkout{CustomerID: n.CustomerID, Plan: n.Plan}
	case errors.Is(err, curfew.NotFound):
		return record.Admission{}, curfew.Errorf(curfew.PaymentRequired,
			"plan %q is not free, and the customer has no credit of it", n.Plan)
	case err != nil:
		return record.Admission{}, err
	}
	if free && credit.Amount == 0 {
		if err := ad.checkFree(ctx, n.CustomerID); err != nil {
			return record.Admission{}, err
		}
	}
	if n.Name != "" {
		credit.Name = n.Name
	}
	a := ad.rules.admission(credit, by)
	a.Key = n.Key
	if credit.Outcome == curfew.Credited {
		a.From, a.Reason = curfew.Credited, curfew.SpentReason
	}
	return a, nil
}
