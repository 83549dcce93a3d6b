package httpapi

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

// Operators see the inside: names, and what operators wrote. Everybody else sees
// the outside, and the functions that make it take curfew's Outside types alone.

// operates reports whether somebody sees the inside.
func operates(who curfew.Actor) bool { return who.Role == curfew.Admin }

// eventsFor is a history as somebody may see it.
func eventsFor(who curfew.Actor, events []curfew.Event) api.Events {
	if operates(who) {
		return insideEvents(events)
	}
	all := api.Events{Events: make([]api.Event, len(events))}
	for i, e := range events {
		all.Events[i] = eventJSON(e.Outside())
	}
	return all
}

// eventJSON is an event as outsiders see it.
func eventJSON(e curfew.OutsideEvent) api.Event {
	return api.Event{
		Number: e.Number, From: e.From, To: e.To, Actor: string(e.Actor), Reason: string(e.Reason), At: e.At.UTC(),
	}
}

// insideEvents is a history as operators see it.
func insideEvents(events []curfew.Event) api.Events {
	all := api.Events{Events: make([]api.Event, len(events))}
	for i, e := range events {
		all.Events[i] = insideEvent(e)
	}
	return all
}

func insideEvent(e curfew.Event) api.Event {
	return api.Event{
		Number: e.Number, From: e.From, To: e.To, Actor: e.Actor.String(), Reason: e.Reason, At: e.At.UTC(),
	}
}

// sessionFor is a session as somebody may see it.
func sessionFor(who curfew.Actor, s curfew.Session) api.Session {
	if operates(who) {
		return insideSession(s)
	}
	return sessionJSON(s.Outside())
}

// insideSession is a session as operators see it: with an end reason that
// another program wrote.
func insideSession(s curfew.Session) api.Session {
	out := sessionJSON(s.Outside())
	out.EndReason = string(s.EndReason)
	return out
}

// sessionJSON is a session as outsiders see it.
func sessionJSON(s curfew.OutsideSession) api.Session {
	return api.Session{
		ID: s.ID, Status: string(s.Status), CustomerID: s.CustomerID, MechanicID: s.MechanicID,
		Plan: s.Plan, Type: string(s.Kind), CreatedAt: s.CreatedAt.UTC(), StartsAt: s.StartsAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
		StartedAt: s.StartedAt.UTC(), EndedAt: s.EndedAt.UTC(), EndReason: string(s.EndReason), Revives: s.Revives,
	}
}

// checkoutsJSON is a customer's payments as outsiders see them.
func checkoutsJSON(checkouts []curfew.Checkout) api.Checkouts {
	all := api.Checkouts{Checkouts: make([]api.Checkout, len(checkouts))}
	for i, c := range checkouts {
		all.Checkouts[i] = checkoutJSON(c.Outside())
	}
	return all
}

func checkoutJSON(c curfew.OutsideCheckout) api.Checkout {
	return api.Checkout{
		ID: c.ID, PaymentRef: c.Ref, Plan: c.Plan, Amount: c.Amount, Currency: c.Currency,
		Outcome: string(c.Outcome), SessionID: c.SessionID, RetryUntil: c.RetryUntil.UTC(), RefundAmount: refund(c),
		CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
	}
}

// refund is what is given back of a payment, where something is.
func refund(c curfew.OutsideCheckout) *int64 {
	switch c.Outcome {
	case curfew.RefundDue, curfew.Refunding, curfew.Refunded:
		return &c.RefundAmount
	}
	return nil
}
