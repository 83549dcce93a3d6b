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

// Checkouts reads payments and changes them on behalf of operators.
type Checkouts struct {
	rules     *Rules
	admission *Admission
	sessions  *Sessions
	ledgers   ledgers
	store     interface {
		checkoutStore
		bookStore
		customerStore
		sessionStore
		ledgerStore
	}
	write interface {
		admissionStore
		changeStore
	}
}

// Checkout reads one payment by its id or its reference. Errors: NotFound, Unavailable.
func (cs *Checkouts) Checkout(ctx context.Context, idOrRef string) (curfew.Checkout, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no checkout with the id or the reference %q", idOrRef)
	if curfew.CheckRef("reference", idOrRef) != nil {
		return curfew.Checkout{}, missing
	}
	c, err := cs.store.Checkout(ctx, idOrRef)
	if !errors.Is(err, curfew.NotFound) {
		return c, err
	}
	r, err := cs.admission.byReference(ctx, idOrRef)
	if errors.Is(err, curfew.NotFound) {
		return curfew.Checkout{}, missing
	}
	return r.Checkout, err
}

// Ledgers reads the payments of some checkouts in one call, by payment id. Free checkouts
// have none.
func (cs *Checkouts) Ledgers(ctx context.Context, checkouts []curfew.Checkout) (map[string]record.Ledger, error) {
	ids := record.PaymentIDs(checkouts)
	if len(ids) == 0 {
		return nil, nil
	}
	payments, err := cs.store.Payments(ctx, ids)
	return record.Ledgers(payments, checkouts), err
}

// CheckoutEvents is the history of a payment, oldest first.
func (cs *Checkouts) CheckoutEvents(ctx context.Context, c curfew.Checkout) ([]curfew.Event, error) {
	return cs.store.Events(ctx, c.CustomerID, c.ID)
}

// ListCheckouts lists the payments that match the search, oldest first.
func (cs *Checkouts) ListCheckouts(ctx context.Context, s curfew.CheckoutSearch) ([]curfew.Checkout, error) {
	return cs.store.ListCheckouts(ctx, s)
}

// RefundCheckout marks a payment's refund as due and cancels the session that it pays
// for. A payment that is refunded already, or about to be, stays as it is. Errors:
// NotFound, Conflict if its outcome allows no refund.
func (cs *Checkouts) RefundCheckout(ctx context.Context, by curfew.Actor, idOrRef, reason string) (curfew.Checkout, error) {
	return cs.giveUpPayment(ctx, idOrRef, leaving{to: curfew.RefundDue, why: reason, by: by})
}

// CloseRefund records that an operator has given a payment back without Curfew. No
// provider is asked. Errors: NotFound, Conflict if a provider is being asked already.
func (cs *Checkouts) CloseRefund(ctx context.Context, by curfew.Actor, idOrRef, reason string) (curfew.Checkout, error) {
	return cs.giveUpPayment(ctx, idOrRef, leaving{to: curfew.Refunded, why: reason, by: by, byHand: true})
}

func (cs *Checkouts) giveUpPayment(ctx context.Context, idOrRef string, l leaving) (curfew.Checkout, error) {
	if l.why == "" {
		return curfew.Checkout{}, curfew.Errorf(curfew.Invalid, "a refund needs a reason: it is kept in the payment's history")
	}
	c, err := cs.Checkout(ctx, idOrRef)
	if err == nil && c.Free() && c.Outcome != curfew.RefundDue {
		err = curfew.Errorf(curfew.Conflict, "nothing was paid for checkout %s: there is nothing to give back", c.ID)
	}
	if err == nil {
		c, err = cs.leave(ctx, c.ID, l)
	}
	if err != nil {
		return c, fmt.Errorf("refund %s: %w", idOrRef, err)
	}
	return c, nil
}

// CreditCheckout turns a forfeited payment into a credit. One that is a credit already
// stays as it is. Errors: NotFound; Conflict if the payment is not forfeited, or was for
// an extension, which no new session could spend.
func (cs *Checkouts) CreditCheckout(ctx context.Context, by curfew.Actor, idOrRef, reason string) (curfew.Checkout, error) {
	if reason == "" {
		return curfew.Checkout{}, curfew.Errorf(curfew.Invalid, "a credit needs a reason: it is kept in the payment's history")
	}
	c, err := cs.Checkout(ctx, idOrRef)
	switch {
	case err != nil || c.Outcome == curfew.Credited:
		return c, err
	case c.Outcome != curfew.Forfeited:
		return c, curfew.Errorf(curfew.Conflict, "checkout %s is %s: only a forfeited one is credited by hand", c.ID, c.Outcome)
	case cs.rules.policy.Plans[c.Plan].Extends:
		return c, curfew.Errorf(curfew.Conflict, "checkout %s paid for more time, which no session can spend: refund it", c.ID)
	}
	now, err := cs.write.ChangeCheckout(ctx, record.CheckoutChange{From: c, To: curfew.Credited, Reason: reason, Actor: by})
	if err != nil {
		return c, fmt.Errorf("credit %s: %w", idOrRef, err)
	}
	return now, nil
}

// IgnoreCheckout marks a held payment as not Curfew's: nothing is owed for it, and health
// does not report it. Ignoring it again changes nothing. Errors: NotFound, Conflict if it
// is neither held nor ignored.
func (cs *Checkouts) IgnoreCheckout(ctx context.Context, by curfew.Actor, idOrRef, reason string) (curfew.Checkout, error) {
	return cs.sort(ctx, by, idOrRef, reason, curfew.Held, curfew.Ignored)
}

// RestoreCheckout holds an ignored payment for an operator after all. If it is held
// already, nothing changes. Errors: NotFound, Conflict if it is neither ignored nor held.
func (cs *Checkouts) RestoreCheckout(ctx context.Context, by curfew.Actor, idOrRef, reason string) (curfew.Checkout, error) {
	return cs.sort(ctx, by, idOrRef, reason, curfew.Ignored, curfew.Held)
}

// sort moves a payment between held and ignored.
func (cs *Checkouts) sort(ctx context.Context, by curfew.Actor, idOrRef, reason string, from, to curfew.Outcome) (curfew.Checkout, error) {
	if reason == "" {
		return curfew.Checkout{}, curfew.Errorf(curfew.Invalid, "it needs a reason: it is kept in the payment's history")
	}
	c, err := cs.Checkout(ctx, idOrRef)
	switch {
	case err != nil || c.Outcome == to:
		return c, err
	case c.Outcome != from:
		return c, curfew.Errorf(curfew.Conflict, "checkout %s is %s: only one that is %s can be %s", c.ID, c.Outcome, from, to)
	}
	now, err := cs.write.ChangeCheckout(ctx, record.CheckoutChange{From: c, To: to, Reason: reason, Note: reason, Actor: by})
	if err != nil {
		return c, fmt.Errorf("sort %s: %w", idOrRef, err)
	}
	return now, nil
}

// FulfillHeld gives a held payment its session, or defers it if the customer's slot is
// taken. Errors: NotFound, Conflict if it is not held.
func (cs *Checkouts) FulfillHeld(ctx context.Context, by curfew.Actor, idOrRef, reason string) (Fulfillment, error) {
	c, err := cs.Checkout(ctx, idOrRef)
	if err != nil {
		return Fulfillment{}, fmt.Errorf("fulfill %s: %w", idOrRef, err)
	}
	if c.CustomerID == curfew.Nobody {
		return Fulfillment{}, curfew.Errorf(curfew.Conflict, "nobody knows whose payment %s is: assign it to its customer", idOrRef)
	}
	return cs.reassign(ctx, idOrRef, record.Reassignment{CustomerID: c.CustomerID, Plan: c.Plan, Actor: by, Reason: reason})
}

// AssignHeld sets the plan of a held payment, and its customer if that was unknown, and
// fulfills it. Errors are those of FulfillHeld, and Invalid.
func (cs *Checkouts) AssignHeld(ctx context.Context, by curfew.Actor, idOrRef, customerID, plan, reason string) (Fulfillment, error) {
	return cs.assign(ctx, idOrRef, record.Reassignment{CustomerID: customerID, Plan: plan, Actor: by, Reason: reason})
}

// AssignHeldAt is AssignHeld for an appointment.
func (cs *Checkouts) AssignHeldAt(
	ctx context.Context, by curfew.Actor, idOrRef, customerID, plan string, startsAt time.Time, reason string,
) (Fulfillment, error) {
	if err := cs.admission.checkStart(ctx, startsAt); err != nil {
		return Fulfillment{}, err
	}
	startsAt = startsAt.UTC().Truncate(time.Microsecond)
	return cs.assign(ctx, idOrRef, record.Reassignment{CustomerID: customerID, Plan: plan, StartsAt: startsAt, Actor: by, Reason: reason})
}

func (cs *Checkouts) assign(ctx context.Context, idOrRef string, r record.Reassignment) (Fulfillment, error) {
	if err := curfew.CheckID("customerId", r.CustomerID); err != nil {
		return Fulfillment{}, err
	}
	return cs.reassign(ctx, idOrRef, r)
}

// reassign fulfills a held payment, with the customer and plan that the reassignment
// names.
func (cs *Checkouts) reassign(ctx context.Context, idOrRef string, r record.Reassignment) (Fulfillment, error) {
	if _, err := cs.rules.plan(r.Plan); err != nil {
		return Fulfillment{}, err
	}
	r.Retry, r.Reason = cs.rules.policy.DeferTTL, cmp.Or(r.Reason, curfew.RepairedReason)
	for range tries {
		c, err := cs.Checkout(ctx, idOrRef)
		if err != nil {
			return Fulfillment{}, fmt.Errorf("repair %s: %w", idOrRef, err)
		}
		if repaired(c, r) {
			return cs.admission.serveAndPresent(ctx, r.CustomerID, c.ID)
		}
		if err := repairable(c, r.CustomerID); err != nil {
			return Fulfillment{}, err
		}
		if start := c.Metadata["starts_at"]; start != "" && c.StartsAt.IsZero() && r.StartsAt.IsZero() {
			return Fulfillment{}, curfew.Errorf(curfew.Invalid,
				"payment %s is for an appointment, whose start cannot be read (%s): assign it with its start", idOrRef, curfew.Visible(start))
		}
		r.Amount = record.Divided(c).Amount
		if r.From, err = cs.reserveAs(ctx, c, r); err == nil {
			_, err = cs.write.Reassign(ctx, r)
		}
		if err != nil && !errors.Is(err, curfew.Conflict) {
			return Fulfillment{}, fmt.Errorf("repair %s: %w", idOrRef, err)
		}
	}
	return Fulfillment{}, again(fmt.Errorf("repair %s", idOrRef))
}

// reserveAs sets how the money of a payment is captured under its new plan: it may be
// reserved already, and the new plan may capture it at another time than the old one.
func (cs *Checkouts) reserveAs(ctx context.Context, c curfew.Checkout, r record.Reassignment) (curfew.Checkout, error) {
	l, err := cs.store.Ledger(ctx, c.Payment())
	if err != nil || l.Money().State != "authorised" {
		return c, err
	}
	planned := c
	planned.Plan, planned.StartsAt = r.Plan, cmp.Or(r.StartsAt, c.StartsAt)
	capture := cmp.Or(cs.rules.captureOf(l, planned), "due")
	if capture == c.Capture {
		return c, nil
	}
	return cs.write.Annotate(ctx, record.Annotation{From: c, Capture: capture, Reason: curfew.CaptureReason("due"), Actor: r.Actor})
}

// repaired reports whether an earlier call did the same. The caller may be repeating a
// call whose response was lost.
func repaired(c curfew.Checkout, r record.Reassignment) bool {
	return c.CustomerID == r.CustomerID && c.Plan == r.Plan && (c.Outcome == curfew.Deferred || c.Outcome == curfew.Fulfilled)
}

func repairable(c curfew.Checkout, customerID string) error {
	switch {
	case c.Outcome != curfew.Held && c.Outcome != curfew.Ignored:
		return curfew.Errorf(curfew.Conflict, "checkout %s is %s: only a held or ignored one is repaired", c.ID, c.Outcome)
	case c.CustomerID != curfew.Nobody && c.CustomerID != customerID:
		return curfew.Errorf(curfew.Conflict, "checkout %s is customer %s's: it cannot become another's", c.ID, c.CustomerID)
	}
	return nil
}

// PaidFor returns the session that a payment pays for, or the zero value if that has
// ended.
func (cs *Checkouts) PaidFor(ctx context.Context, c curfew.Checkout) (curfew.Snapshot, error) {
	s, err := cs.unendedOf(ctx, c)
	if s == nil || err != nil {
		return curfew.Snapshot{}, err
	}
	return *s, nil
}

// OfCustomer lists a customer's payments, oldest first.
func (cs *Checkouts) OfCustomer(ctx context.Context, customerID string) ([]curfew.Checkout, error) {
	if err := curfew.CheckID("customer id", customerID); err != nil {
		return nil, err
	}
	return cs.store.Checkouts(ctx, customerID)
}

// maxCredits is how many of a customer's credits are listed.
const maxCredits = 100

// Credits lists what the customer can spend, oldest first, at most 100. A free session that
// was cancelled left nothing to spend. Errors: Invalid, Unavailable.
func (cs *Checkouts) Credits(ctx context.Context, customerID string) ([]record.Credit, error) {
	if err := curfew.CheckID("customer id", customerID); err != nil {
		return nil, err
	}
	found, err := cs.store.ListCheckouts(ctx, curfew.CheckoutSearch{CustomerID: customerID, Outcome: curfew.Credited, Limit: maxCredits})
	if err != nil {
		return nil, fmt.Errorf("credits of customer %s: %w", customerID, err)
	}
	credits := []record.Credit{}
	for _, c := range found {
		if c.Free() {
			continue
		}
		s, err := cs.ledgers.funds(ctx, c)
		if err != nil {
			return nil, err
		}
		credit := record.Credit{Checkout: c, Ends: cs.rules.policy.CreditEnds(c)}
		if s != spendable {
			credit.Why = s.String()
		}
		credits = append(credits, credit)
	}
	return credits, nil
}
