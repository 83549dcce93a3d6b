package lifecycle

import (
	"context"
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
)

// ActionName names something that can be done about a story.
type ActionName string

// The actions.
const (
	ClearCustomer ActionName = "clear"
	ForceClear    ActionName = "force_clear" // a live session, with a reason
	ReleaseSlot   ActionName = "release"
	RefundPayment ActionName = "refund"
	CreditPayment ActionName = "credit"
	FulfilPayment ActionName = "fulfil"
	UndoRun       ActionName = "undo"

	EndSession        ActionName = "end"
	CancelSession     ActionName = "cancel"
	AssignPayment     ActionName = "assign"
	CloseRefundAction ActionName = "by_hand" // it was given back already
)

// ActionNames lists the actions.
func ActionNames() []ActionName {
	return []ActionName{
		ClearCustomer, ForceClear, ReleaseSlot, RefundPayment, CreditPayment, FulfilPayment, UndoRun, EndSession, CancelSession,
		AssignPayment, CloseRefundAction,
	}
}

// Action is something that is possible now, and to what: the id of a customer,
// session, checkout or run.
type Action struct {
	Name  ActionName
	Label string
	ID    string
	// Consequence is everything that it does: see Engine.Consequence.
	Consequence string
}

// answer is a story's first sentence: what blocks the customer, and what else
// waits; behind it, how what was asked for stands.
func (tl *Timeline) answer(t tale, f found) string {
	parts := []string{tl.blocked(t)}
	for _, s := range t.sessions {
		if s.Status == curfew.Scheduled {
			parts = append(parts, fmt.Sprintf("Appointment %s starts at %s.", s.ID, instant(s.StartsAt)))
		}
	}
	parts = append(parts, waitingPayments(t)...)
	switch {
	case f.session.ID != "" && (t.open == nil || f.session.ID != t.open.ID):
		parts = append(parts, standsAs(f.session.Session))
	case f.checkout.ID != "":
		parts = append(parts, fmt.Sprintf("Payment %s is %s.", payment(f.checkout), f.checkout.Outcome))
	}
	return strings.Join(parts, " ")
}

func (tl *Timeline) blocked(t tale) string {
	switch {
	case t.blocker != nil:
		return fmt.Sprintf("Customer %s is blocked by session %s (%s), at the latest until %s; what can be done: %s.",
			t.customerID, t.open.ID, mechanicOf(t.open.Session), instant(t.blocker.ReleasesAt), strings.Join(t.blocker.Actions, ", "))
	case t.open != nil:
		return fmt.Sprintf("Customer %s is not blocked: session %s (%s) is overdue, and whoever looks next settles it.",
			t.customerID, t.open.ID, mechanicOf(t.open.Session))
	}
	return fmt.Sprintf("Customer %s is not blocked.", t.customerID)
}

func mechanicOf(s curfew.Session) string {
	if s.Assigned() {
		return fmt.Sprintf("%s, with mechanic %s", s.Status, s.MechanicID)
	}
	return fmt.Sprintf("%s, no mechanic yet", s.Status)
}

func standsAs(s curfew.Session) string {
	if s.Status.Ended() {
		return fmt.Sprintf("Session %s is %s (%s) since %s.", s.ID, s.Status, s.EndReason, instant(s.EndedAt))
	}
	return fmt.Sprintf("Session %s is %s.", s.ID, s.Status)
}

// mostNamed is how many payments a sentence names.
const mostNamed = 5

// waitingPayments are the payments that somebody waits for.
func waitingPayments(t tale) []string {
	words := map[curfew.Outcome]string{
		curfew.Deferred: "waits for the slot", curfew.Held: "is held for an operator", curfew.Credited: "is a credit",
		curfew.RefundDue: "is to be given back", curfew.Refunding: "is being given back",
	}
	var parts []string
	for _, c := range t.checkouts {
		if what := words[c.Outcome]; what != "" {
			parts = append(parts, fmt.Sprintf("Payment %s %s.", payment(c), what))
		}
	}
	if more := len(parts) - mostNamed; more > 0 {
		parts = append(parts[:mostNamed], count(more, "more payment")+" beside.")
	}
	return parts
}

// actionsOf is what is possible now: about the open session, and the payments
// that wait for something or were asked for.
func (tl *Timeline) actionsOf(t tale, f found) []Action {
	actions := tl.openActions(t)
	for _, c := range t.checkouts {
		asked := c.ID == f.checkout.ID || t.open != nil && c.ID == t.open.CheckoutID || c.ID != "" && c.ID == f.session.CheckoutID
		waits := c.Outcome == curfew.Deferred || c.Outcome == curfew.Held || c.Outcome == curfew.Credited
		if asked || waits {
			actions = append(actions, tl.paymentActions(t, c)...)
		}
	}
	return actions
}

func (tl *Timeline) openActions(t tale) []Action {
	if t.open == nil {
		return nil
	}
	about := Target{Session: *t.open, Checkout: t.checkout(t.open.CheckoutID), Named: true}
	action := func(name ActionName, label, id string) Action {
		return Action{name, label, id, tl.rules.Consequence(name, about)}
	}
	if t.blocker != nil && t.open.Status == curfew.Live {
		return []Action{action(ForceClear, "End the live session by force", t.customerID)}
	}
	actions := []Action{action(ClearCustomer, "End what the customer has open, and settle its payment", t.customerID)}
	if t.blocker != nil && t.open.Assigned() {
		actions = append(actions, action(ReleaseSlot, "Put the session back into the queue: mechanic "+t.open.MechanicID+" is free", t.open.ID))
	}
	return actions
}

func (tl *Timeline) paymentActions(t tale, c curfew.Checkout) []Action {
	about := Target{Session: t.paidFor(c), Checkout: c, Named: true}
	action := func(name ActionName, label string) Action {
		return Action{name, label, c.ID, tl.rules.Consequence(name, about)}
	}
	var actions []Action
	if c.Outcome == curfew.Held && c.CustomerID != curfew.Nobody {
		actions = append(actions, action(FulfilPayment, "Give payment "+payment(c)+" its session"))
	}
	if c.Outcome == curfew.Forfeited && !tl.rules.policy.Plans[c.Plan].Extends {
		actions = append(actions, action(CreditPayment, "Make payment "+payment(c)+" a credit"))
	}
	if c.Outcome != curfew.RefundDue && curfew.LegalOutcome(c.Outcome, curfew.RefundDue) && c.Outcome != curfew.Refunding {
		actions = append(actions, action(RefundPayment, "Give payment "+payment(c)+" back"))
	}
	return actions
}

// paidFor is the session that a payment pays for and that has not ended; its zero
// value: none.
func (t tale) paidFor(c curfew.Checkout) curfew.Standing {
	for _, s := range t.sessions {
		if c.Outcome == curfew.Fulfilled && s.CheckoutID == c.ID && !s.Status.Ended() {
			return s
		}
	}
	return curfew.Standing{}
}

// PaidFor is the session that a payment pays for and that has not ended; its zero
// value: none.
func (cs *Checkouts) PaidFor(ctx context.Context, c curfew.Checkout) (curfew.Standing, error) {
	s, err := cs.unendedOf(ctx, c)
	if s == nil || err != nil {
		return curfew.Standing{}, err
	}
	return *s, nil
}
