package timeline

import (
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// summary is a timeline's first sentence: what blocks the customer, and what else
// waits; behind it, how what was asked for stands.
func (x *Explainer) summary(t facts, f target) string {
	parts := []string{x.blocked(t)}
	for _, s := range t.sessions {
		if s.Status == curfew.Scheduled {
			parts = append(parts, fmt.Sprintf("Appointment %s starts at %s.", called(s.Session), instant(s.StartsAt)))
		}
	}
	parts = append(parts, x.waitingPayments(t)...)
	switch {
	case f.session.ID != "" && (t.open == nil || f.session.ID != t.open.ID):
		parts = append(parts, standsAs(f.session.Session))
	case f.checkout.ID != "" && f.checkout.Free():
		parts = append(parts, fmt.Sprintf("Nothing was paid for %s (plan %s).", f.checkout.ID, f.checkout.Plan))
	case f.checkout.ID != "":
		parts = append(parts, fmt.Sprintf("Payment %s is %s.", payment(f.checkout), f.checkout.Outcome))
		parts = append(parts, t.moneyOf(f.checkout)...)
	}
	return strings.Join(parts, " ")
}

// moneyOf says how the money of a checkout stands.
func (t facts) moneyOf(c curfew.Checkout) []string {
	l, ok := t.ledgers[c.Payment()]
	if !ok {
		return nil
	}
	return Money(l, c)
}

func (x *Explainer) blocked(t facts) string {
	switch {
	case t.blocker != nil && t.blocker.Why != "":
		return fmt.Sprintf("Customer %s is blocked by session %s (%s) until that ends. Curfew does not end it: %s.",
			t.customerID, called(t.open.Session), mechanicOf(t.open.Session), t.blocker.Why)
	case t.blocker != nil:
		return fmt.Sprintf("Customer %s is blocked by session %s (%s), at the latest until %s; what can be done: %s.",
			t.customerID, called(t.open.Session), mechanicOf(t.open.Session), instant(t.blocker.ReleasesAt), strings.Join(t.blocker.Actions, ", "))
	case t.open != nil:
		return fmt.Sprintf("Customer %s is not blocked: session %s (%s) is overdue, and the next sweep or call settles it.",
			t.customerID, called(t.open.Session), mechanicOf(t.open.Session))
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
		return fmt.Sprintf("Session %s is %s (%s) since %s.", called(s), s.Status, s.EndReason, instant(s.EndedAt))
	}
	return fmt.Sprintf("Session %s is %s.", called(s), s.Status)
}

// mostNamed is how many payments a sentence names.
const mostNamed = 5

// waitingPayments are the payments that somebody waits for.
func (x *Explainer) waitingPayments(t facts) []string {
	words := map[curfew.Outcome]string{
		curfew.Deferred: "waits for the slot", curfew.Held: "is held for an operator", curfew.Credited: "is a credit",
		curfew.RefundDue: "is to be given back", curfew.Refunding: "is being given back", curfew.Promised: "waits for its money",
	}
	var parts []string
	for _, c := range t.checkouts {
		if c.Free() {
			continue
		}
		what := words[c.Outcome]
		if c.Outcome == curfew.RefundDue && (c.Concern == record.RefundFailed || !x.rules.AsksProvider()) {
			what += " by hand"
		}
		if what != "" {
			parts = append(parts, fmt.Sprintf("Payment %s %s.", payment(c), what))
		}
	}
	if more := len(parts) - mostNamed; more > 0 {
		parts = append(parts[:mostNamed], count(more, "more payment")+" beside.")
	}
	return parts
}
