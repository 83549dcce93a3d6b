package timeline

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// Action is something that is possible now, and to what: the id of a customer,
// session, checkout or run.
type Action struct {
	Name  lifecycle.ActionName
	Label string
	ID    string
	// Consequence is everything that it does: see lifecycle.Rules.Consequence.
	Consequence string
}

// actionsOf is what is possible now: about the open session, and the payments
// that wait for something or were asked for.
func (x *Explainer) actionsOf(t facts, f target) []Action {
	actions := x.openActions(t)
	for _, c := range t.checkouts {
		asked := c.ID == f.checkout.ID || t.open != nil && c.ID == t.open.CheckoutID || c.ID != "" && c.ID == f.session.CheckoutID
		waits := c.Outcome == curfew.Deferred || c.Outcome == curfew.Held || c.Outcome == curfew.Credited
		if asked || waits {
			actions = append(actions, x.paymentActions(t, c)...)
		}
	}
	return actions
}

func (x *Explainer) openActions(t facts) []Action {
	if t.open == nil || t.blocker != nil && t.open.Adopted() {
		return nil // what is adopted is moved where its row is
	}
	about := lifecycle.Target{Session: *t.open, Checkout: t.checkout(t.open.CheckoutID), Named: true}
	action := func(name lifecycle.ActionName, label, id string) Action {
		return Action{name, label, id, x.rules.Consequence(name, about)}
	}
	if t.blocker != nil && t.open.Status == curfew.Live {
		return []Action{action(lifecycle.ForceClear, "End the live session by force", t.customerID)}
	}
	actions := []Action{action(lifecycle.ClearCustomer, "End what the customer has open, and settle its payment", t.customerID)}
	if t.blocker != nil && t.open.Assigned() {
		actions = append(actions, action(lifecycle.ReleaseSlot, "Put the session back into the queue: mechanic "+t.open.MechanicID+" is free", t.open.ID))
	}
	return actions
}

func (x *Explainer) paymentActions(t facts, c curfew.Checkout) []Action {
	about := lifecycle.Target{Session: t.paidFor(c), Checkout: c, Named: true}
	action := func(name lifecycle.ActionName, label string) Action {
		return Action{name, label, c.ID, x.rules.Consequence(name, about)}
	}
	var actions []Action
	if c.Outcome == curfew.Held && c.CustomerID != curfew.Nobody {
		actions = append(actions, action(lifecycle.FulfillPayment, "Give payment "+payment(c)+" its session"))
	}
	if c.Outcome == curfew.Forfeited && !x.rules.Policy().Plans[c.Plan].Extends {
		actions = append(actions, action(lifecycle.CreditPayment, "Make payment "+payment(c)+" a credit"))
	}
	if refundable(c) {
		label := "Give payment " + payment(c) + " back"
		if c.Capture == "authorised" || c.Capture == "due" {
			label = "Release what is reserved for payment " + payment(c)
		}
		actions = append(actions, action(lifecycle.RefundPayment, label))
	}
	return actions
}

// refundable reports whether there is something of a payment to give back, and nobody does
// that yet.
func refundable(c curfew.Checkout) bool {
	if c.Free() {
		return false
	}
	switch c.Outcome {
	case curfew.Promised, curfew.Fulfilled, curfew.Deferred, curfew.Held, curfew.Credited, curfew.Forfeited:
		return true
	}
	return false
}

// paidFor is the session that a payment pays for and that has not ended; its zero
// value: none.
func (t facts) paidFor(c curfew.Checkout) curfew.Snapshot {
	for _, s := range t.sessions {
		if c.Outcome == curfew.Fulfilled && s.CheckoutID == c.ID && !s.Status.Ended() {
			return s
		}
	}
	return curfew.Snapshot{}
}
