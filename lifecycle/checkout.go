package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// Purchase is a paid checkout as the marketplace reports it.
type Purchase struct {
	PaymentRef string // the provider's; the same one is the same payment for ever
	CustomerID string
	Plan       string
	Amount     *int64 // minor units; nil: the plan's price
	Currency   string // ISO 4217; empty: the plan's
	Email      string
	Name       string
	StartsAt   *time.Time // of an appointment; nil: now
	Metadata   map[string]string
	PaymentID  string // what a refund names; empty: only a provider knows it
}

// Fulfilment is what became of a purchase.
type Fulfilment struct {
	Outcome    curfew.Outcome
	Replayed   bool // the reference was known; nothing was done
	CheckoutID string
	Plan       string
	Kind       curfew.PlanKind
	SessionID  string // the first one of the checkout; empty while it has none
	RequestID  string
	RetryUntil time.Time       // deferred: a refund is due from then on
	Blocker    *curfew.Blocker // deferred: who holds the slot
}

// FulfillCheckout gives a paid customer the session, whoever reports the
// payment and however often. A customer who truly has an open session gets the
// outcome Deferred, not an error: the session follows when the slot is free.
// Errors: Invalid for what can never be accepted, IdempotencyMismatch for a
// known reference with another customer or plan, Unavailable (repeat it).
func (ad *Admission) FulfillCheckout(ctx context.Context, by curfew.Actor, p Purchase) (Fulfilment, error) {
	ctx, end := ad.trace.Begin(ctx, "fulfil a checkout")
	defer end()
	begun := time.Now()
	f, err := ad.fulfill(ctx, by, p)
	outcome := ad.observed(f, err, time.Since(begun))
	curfew.Note(ctx, curfew.OutcomeNote, outcome)
	return f, err
}

func admitted(f Fulfilment, err error) string {
	switch {
	case errors.Is(err, curfew.SessionOpen):
		return "refused"
	case err != nil:
		return "failed"
	case f.Replayed:
		return "replayed"
	}
	return string(f.Outcome)
}

func (ad *Admission) fulfill(ctx context.Context, by curfew.Actor, p Purchase) (Fulfilment, error) {
	checkout, err := ad.rules.checkout(p)
	if err != nil {
		return Fulfilment{}, err
	}
	if p.StartsAt != nil {
		return ad.book(ctx, checkout, by, p)
	}
	r, err := ad.admit(ctx, bid{
		customerID: p.CustomerID,
		admission: func(context.Context) (curfew.Admission, error) {
			return ad.rules.admission(checkout, by), nil
		},
		known: func(ctx context.Context) (curfew.Receipt, error) { return ad.reference(ctx, &checkout, by) },
	})
	switch {
	case err != nil:
		return Fulfilment{}, fmt.Errorf("fulfil %s: %w", p.PaymentRef, err)
	case r.admitted != nil:
		return fulfilled(*r.admitted), nil
	case r.known != nil:
		return ad.replay(ctx, *r.known, p)
	}
	return ad.deferPayment(ctx, checkout, by, p)
}

// checkout is the purchase checked and completed from its plan.
func (r *Rules) checkout(p Purchase) (curfew.Checkout, error) {
	plan, err := r.plan(p.Plan)
	if err != nil {
		return curfew.Checkout{}, err
	}
	return paid(p, plan)
}

func paid(p Purchase, plan curfew.Plan) (curfew.Checkout, error) {
	c := curfew.Checkout{
		CustomerID: p.CustomerID, Ref: p.PaymentRef, Plan: p.Plan, Currency: strings.ToLower(p.Currency),
		Email: p.Email, Name: p.Name, Metadata: p.Metadata, PaymentID: p.PaymentID,
	}
	switch {
	case p.Amount != nil:
		c.Amount = *p.Amount
	case plan.Price != nil:
		c.Amount = *plan.Price
	}
	if c.Currency == "" {
		c.Currency = strings.ToLower(plan.Currency)
	}
	if c.Amount < 0 {
		return c, curfew.Errorf(curfew.Invalid, "amount must not be negative: it is in the currency's minor unit")
	}
	if err := curfew.CheckRef("paymentRef", p.PaymentRef); err != nil {
		return c, err
	}
	return c, curfew.CheckID("customerId", p.CustomerID)
}

func (r *Rules) plan(name string) (curfew.Plan, error) {
	plan, ok := r.policy.Plans[name]
	if !ok {
		return plan, curfew.Errorf(curfew.Invalid, "there is no plan %q: the plans are %s", name, r.planNames())
	}
	if plan.Extends {
		return plan, curfew.Errorf(curfew.Invalid, "plan %q extends a live session: it cannot begin one", name)
	}
	return plan, nil
}

// admission is the decision to give the checkout's customer a session.
func (r *Rules) admission(c curfew.Checkout, by curfew.Actor) curfew.Admission {
	plan := r.policy.Plans[c.Plan]
	if c.ID == "" {
		c.ID = newID()
	}
	session := curfew.Session{
		ID: newID(), CustomerID: c.CustomerID, CheckoutID: c.ID,
		Plan: c.Plan, Kind: plan.Kind, Duration: plan.Duration, Status: curfew.Waiting,
	}
	return curfew.Admission{
		Checkout: c,
		Session:  session,
		Request: curfew.Request{
			ID: newID(), SessionID: session.ID, CustomerID: c.CustomerID,
			CustomerName: c.Name, Status: curfew.Pending,
		},
		Deadline: r.policy.WaitingDeadline(c.Plan, time.Time{}),
		Actor:    by,
		Reason:   curfew.AdmittedReason,
	}
}

func fulfilled(s curfew.Standing) Fulfilment {
	return Fulfilment{
		Outcome: curfew.Fulfilled, CheckoutID: s.CheckoutID, Plan: s.Plan, Kind: s.Kind,
		SessionID: s.ID, RequestID: s.Request.ID,
	}
}

// replay answers a known reference. A payment that still waits for the slot is
// tried first, and an appointment whose start has passed: this call may be the
// customer's next.
func (ad *Admission) replay(ctx context.Context, r curfew.Receipt, p Purchase) (Fulfilment, error) {
	if r.Checkout.CustomerID != p.CustomerID || r.Checkout.Plan != p.Plan {
		return Fulfilment{}, curfew.Errorf(curfew.IdempotencyMismatch,
			"payment %s was reported before with another customer or plan", p.PaymentRef)
	}
	if r.Checkout.Outcome == curfew.Deferred || (curfew.Standing{Session: r.Session, Now: r.Now}).Started() {
		return ad.retried(ctx, p.CustomerID, p.PaymentRef)
	}
	return ad.present(ctx, r)
}

// present is the present outcome of a known checkout.
func (ad *Admission) present(ctx context.Context, r curfew.Receipt) (Fulfilment, error) {
	f := Fulfilment{
		Outcome: r.Checkout.Outcome, Replayed: true, CheckoutID: r.Checkout.ID, Plan: r.Checkout.Plan,
		Kind: ad.rules.policy.Plans[r.Checkout.Plan].Kind, SessionID: r.Session.ID, RequestID: r.RequestID,
		RetryUntil: r.Checkout.RetryUntil,
	}
	if r.Session.Kind != "" {
		f.Kind = r.Session.Kind
	}
	if f.Outcome != curfew.Deferred {
		return f, nil
	}
	s, err := ad.store.Open(ctx, r.Checkout.CustomerID)
	if err == nil {
		f.Blocker = ad.rules.Blocker(s)
	}
	if errors.Is(err, curfew.NotFound) {
		err = nil
	}
	return f, err
}

// refused records that a customer was truly blocked. The record serves health
// alone, so its failure is logged and nobody's call fails for it.
func (ad *Admission) refused(ctx context.Context, customerID string, b *curfew.Blocker) {
	ad.observe.Blocked(b.Session.Status)
	if err := ad.store.Refuse(ctx, customerID, b.Session.ID); err != nil {
		ad.log.ErrorContext(ctx, "a refusal was not recorded", "customer", customerID, "error", err)
	}
}

// settleMoney settles deferrals past their time and what guards marked after
// another program ended a session; of one customer, or of everybody.
// What cannot be settled is set apart.
func (st *settler) settleMoney(ctx context.Context, customerID string) error {
	seen, own := make(map[string]bool), st.quarantine.rowsOwn
	if customerID != "" {
		own = rowsOwn // the caller tries again
	}
	for {
		due, err := st.store.Unsettled(ctx, customerID, pageSize)
		if err != nil {
			return fmt.Errorf("settle money: %w", err)
		}
		full := len(due) == pageSize
		due = slices.DeleteFunc(due, func(r curfew.Receipt) bool { return seen[r.Checkout.ID] })
		for _, r := range due {
			seen[r.Checkout.ID] = true
			err := st.settleReceipt(ctx, r)
			if own(ctx, err) {
				err = st.quarantine.setApart(ctx, apartPayment(r.Checkout, "settle"), err)
			}
			if err != nil {
				return fmt.Errorf("settle checkout %s: %w", r.Checkout.ID, err)
			}
			if customerID == "" {
				st.sweeping.note()
			}
		}
		if !full || len(due) == 0 {
			return nil
		}
	}
}

func apartPayment(c curfew.Checkout, step string) curfew.Quarantined {
	return curfew.Quarantined{
		Noun: curfew.QuarantinedPayment, CustomerID: c.CustomerID, ID: c.ID, Version: c.Version, Step: step,
	}
}

func (st *settler) settleReceipt(ctx context.Context, r curfew.Receipt) error {
	if !r.Checkout.MoneyDue {
		return st.giveUp(ctx, r.Checkout)
	}
	if r.Session.ID == "" { // its row is lost: as if another program had cancelled it
		r.Session.Status, r.Session.EndReason = curfew.Cancelled, curfew.Foreign
	}
	owed := st.rules.policy.Owed(r.Session, r.Session.Status, r.Session.EndReason)
	if owed == curfew.Credited && r.Extension() {
		owed = curfew.RefundDue // nothing could spend such a credit
	}
	_, err := st.write.ChangeCheckout(ctx, curfew.CheckoutChange{
		From: r.Checkout, To: owed,
		Reason: string(r.Session.EndReason), Actor: curfew.Sweeper,
	})
	if errors.Is(err, curfew.Conflict) {
		return nil
	}
	return err
}

// OfCustomer is the customer's payments, oldest first.
func (cs *Checkouts) OfCustomer(ctx context.Context, customerID string) ([]curfew.Checkout, error) {
	if err := curfew.CheckID("customer id", customerID); err != nil {
		return nil, err
	}
	return cs.store.Checkouts(ctx, customerID)
}
