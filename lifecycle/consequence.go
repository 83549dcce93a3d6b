package lifecycle

import (
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// This file has all texts about what an action does. Explain, the pages, the command line
// and the API's description use them, so each of them mentions every consequence.

// Target is the session or checkout that an action would change, as it is now.
type Target struct {
	Session  curfew.Snapshot // what the action would end or move; zero: nothing that has not ended
	Checkout curfew.Checkout // zero: not known here
	// Named means that the reader is an operator, who may see ids and amounts.
	Named bool
}

// Consequence describes everything that an action would do to its target now.
func (r *Rules) Consequence(a ActionName, t Target) string {
	switch a {
	case EndSession, CancelSession:
		return r.ends(t, r.byHand(t.Session, curfew.Actor{}))
	case ClearCustomer, ForceClear:
		return r.clears(t)
	case ReleaseSlot:
		return releases(t)
	case ProlongSession:
		return prolongs(t)
	case TransferRequest:
		return r.transfers(t)
	case RefundPayment, CloseRefundAction:
		return r.refunds(a, t)
	case FulfillPayment:
		return r.fulfills(t)
	case AssignPayment:
		return "The payment becomes that customer's for good. " + r.fulfills(t)
	}
	return Describe(a)
}

// clears describes what a clearing does to a session.
func (r *Rules) clears(t Target) string {
	if why := r.keep(t.Session, Clearing{Force: true}); why != "" && t.Session.Adopted() {
		return "Nothing: " + why + "."
	}
	if r.Ends(t.Session) {
		return "The session is overdue: it ends now by its own rule, as the next sweep or call would end it."
	}
	c := r.byHand(t.Session, curfew.Actor{})
	c.Owed, c.Share = r.owed(t.Session.Session, c.To, curfew.Cleared), 0
	return r.ends(t, c) + " Appointments stay."
}

// ends describes what a change that ends a session does.
func (r *Rules) ends(t Target, c record.Change) string {
	s := t.Session
	what := map[curfew.SessionStatus]string{
		curfew.Scheduled: "The appointment", curfew.Waiting: "The waiting session", curfew.Live: "The live session",
	}[s.Status]
	said := []string{fmt.Sprintf("%s ends now, for %s, and counts as %s; it cannot be reopened.", what, parties(t), c.To), r.owes(t, c)}
	if s.Status == curfew.Live && c.EndedBy == curfew.TooShort {
		later := "Once it has been live for " + Span(r.policy.MinimumLive) + ", it counts as completed instead"
		if !r.isFree(t) {
			later += ", and its payment is used up"
		}
		said = append(said, later+".")
	}
	if c.To == curfew.Cancelled && r.extended(s) {
		said = append(said, "What was paid for more time is given back too.")
	}
	if s.Status != curfew.Scheduled {
		said = append(said, "A payment or an appointment of the customer that waits for the slot takes it.")
	}
	return strings.Join(said, " ")
}

// parties names those for whom a session ends.
func parties(t Target) string {
	s := t.Session
	customer, mechanic := "its customer", "its mechanic"
	if t.Named {
		customer, mechanic = "customer "+s.CustomerID, "mechanic "+s.MechanicID
	}
	if !s.Assigned() {
		return customer
	}
	return customer + " and " + mechanic
}

func (r *Rules) extended(s curfew.Snapshot) bool {
	plan, known := r.policy.Plans[s.Plan]
	return known && s.Status == curfew.Live && s.Duration > plan.Duration
}

// owes describes what becomes of a session's payment.
func (r *Rules) owes(t Target, c record.Change) string {
	switch {
	case r.isFree(t):
		return "Nothing was paid for it."
	case reserved(t.Checkout) && c.Owed == curfew.RefundDue && c.Share > 0 && c.Share < 100:
		return fmt.Sprintf("What is reserved for it%s is charged, and %d %% of it is given back.", sum(t), c.Share)
	case reserved(t.Checkout) && (c.Owed == curfew.Fulfilled || c.Owed == curfew.Forfeited):
		return "What is reserved for it" + sum(t) + " is charged, and nothing is given back."
	case reserved(t.Checkout):
		return "What is reserved for it" + sum(t) + " is released: nothing is charged."
	case c.Owed == curfew.Credited:
		return "Its payment" + sum(t) + " becomes a credit for the customer's next session of the same plan."
	case c.Owed == curfew.RefundDue && c.Share > 0 && c.Share < 100:
		return fmt.Sprintf("%d %% of its payment%s is given back.", c.Share, sum(t))
	case c.Owed == curfew.RefundDue, c.Owed == curfew.Refunded:
		return rest(t) + " of its payment" + sum(t) + " is given back."
	case c.Owed == curfew.Forfeited:
		return "Nothing of its payment" + sum(t) + " is given back."
	}
	return "Its payment" + sum(t) + " is used up: nothing is given back."
}

// isFree reports whether nothing was paid for a session. Where its checkout is not known, its plan says so.
func (r *Rules) isFree(t Target) bool {
	if t.Checkout.ID == "" {
		return r.policy.Plans[t.Session.Plan].Free()
	}
	return t.Checkout.Free()
}

// sum is how much was paid, for operators.
func sum(t Target) string {
	if !t.Named || t.Checkout.Amount == 0 {
		return ""
	}
	price := curfew.Amount(t.Checkout.Amount, t.Checkout.Currency)
	if t.Checkout.AtRisk { // some of it may be gone
		return " (of " + price + ")"
	}
	return " (" + price + ")"
}

// rest is how much of a payment can still be given back.
func rest(t Target) string {
	if t.Checkout.AtRisk {
		return "What is left"
	}
	return "All"
}

func releases(t Target) string {
	return "The session goes back into the queue with its place kept, and " + mechanicOf(t) + " is free for another. " +
		"The customer keeps session and payment; where nobody else accepts in time, it ends by itself as expired."
}

// mechanicOf names the mechanic of a session, for operators by their id.
func mechanicOf(t Target) string {
	if t.Named && t.Session.Assigned() {
		return "mechanic " + t.Session.MechanicID
	}
	return "its mechanic"
}

// prolongs describes what a later deadline does.
func prolongs(t Target) string {
	said := "The session ends by itself only that much later, and holds the customer's slot until then"
	if t.Session.Assigned() {
		said += ", and the time of " + mechanicOf(t)
	}
	if t.Session.Status == curfew.Live {
		return said + ". What was bought stays as it is: nothing more is charged, and no time is added to what was paid for."
	}
	return said + ". Its payment stays as it is."
}

// transfers describes what giving a request to a colleague does.
func (r *Rules) transfers(t Target) string {
	return fmt.Sprintf("The colleague has the session from now on, and %s to join it; you are free for another. "+
		"The customer keeps session, payment and place. A colleague who has a session already is refused.",
		Span(r.policy.JoinDeadline(t.Session.Plan).After))
}

// refunds describes what giving a payment back does.
func (r *Rules) refunds(a ActionName, t Target) string {
	var said []string
	switch {
	case t.Session.ID != "":
		c := r.endChange(t.Session, curfew.Cancelled, curfew.ByRefund, curfew.Actor{})
		c.Owed = curfew.RefundDue
		said = append(said, r.ends(t, c))
	case reserved(t.Checkout):
		said = append(said, "What is reserved"+sum(t)+" is released: nothing is charged.")
	default:
		said = append(said, fmt.Sprintf(map[curfew.Outcome]string{
			curfew.Fulfilled: "Its session stays as it ended. %[2]s of the payment%[1]s is given back.",
			curfew.Promised:  "The payment brings no session. If its money%[1]s comes, it is given back.",
			curfew.Deferred:  "The payment waits for the slot no longer, and brings no session. %[2]s of it%[1]s is given back.",
			curfew.Held:      "The payment brings no session. %[2]s of it%[1]s is given back.",
			curfew.Credited:  "The credit can be spent no longer. %[2]s of the payment%[1]s is given back.",
			curfew.Forfeited: "%[2]s of the payment%[1]s is given back, though it was used up.",
			curfew.RefundDue: "The refund%[1]s that is due counts as made.", curfew.Refunding: "The refund%[1]s under way counts as made.",
		}[t.Checkout.Outcome], sum(t), rest(t)))
	}
	switch {
	case reserved(t.Checkout):
	case a == CloseRefundAction:
		said = append(said, "It is recorded as given back: no provider is asked.")
	case !t.Checkout.DisputedAt.IsZero():
		said = append(said, "It is disputed: nothing is given back before the customer's bank has decided.")
	case !r.asksProvider:
		said = append(said, "No provider is set up: somebody has to give the money back, and record that.")
	default:
		said = append(said, "The provider is asked for it.")
	}
	return strings.Join(said, " ")
}

// fulfills describes what a held payment brings.
func (r *Rules) fulfills(t Target) string {
	wait := r.policy.WaitingTTL
	if own := r.policy.Plans[t.Checkout.Plan].WaitingTTL; own > 0 {
		wait = own
	}
	return fmt.Sprintf("A session begins to wait for a mechanic now, and ends by itself where nobody accepts within %s. "+
		"Where another session of the customer is open, the payment waits for the slot for up to %s, and is then given back.",
		Span(wait), Span(r.policy.DeferTTL))
}

// descriptions describe what actions do where no target is known.
var descriptions = map[ActionName]string{
	EndSession: "Ends the session now, for its customer and its mechanic. One that was live for at least a minute counts as completed, and its payment is " +
		"used up; otherwise it counts as cancelled, and its payment becomes a credit or is refunded, depending on the policy. For an appointment, the " +
		"policy says which share is refunded, by how long before its start it ends.",
	CancelSession: "Ends the session by the rules for ending one. Before it is live, a mechanic's cancel puts it back into the queue instead.",
	ClearCustomer: "Ends the customer's waiting session now, for its mechanic too; its payment becomes a credit or is refunded, depending on the policy. " +
		"Live sessions and appointments stay. A payment or an appointment that waits for the slot takes it.",
	ForceClear: "Also ends the customer's live session, for both parties. If it was live for at least a minute, it counts as completed, and its payment is used up.",
	ReleaseSlot: "Puts the session back into the queue, where it keeps its place, and frees its mechanic. The customer keeps session and payment; if nobody " +
		"else accepts in time, the session ends by itself.",
	RefundPayment: "Refunds the whole payment. A session that it pays for and that has not ended, even a live one, ends now as cancelled, for its customer and its " +
		"mechanic, and what was paid to extend it is refunded too. A credit can no longer be spent; a payment that waits for the slot gets no session.",
	CloseRefundAction: "Records that the payment was refunded, without asking a provider. A session that it pays for and that has not ended, even a live one, ends now as cancelled.",
	CreditPayment:     "Makes the forfeited payment a credit: the customer can spend it on their next session of the same plan.",
	FulfillPayment: "Gives the held payment its session, which begins to wait for a mechanic now. If the customer has another open session, the payment " +
		"waits for the slot for some time, and is then refunded.",
	AssignPayment:   "Assigns the held payment to the customer, for good, and fulfills it: a session begins to wait for a mechanic now, or the payment waits for the slot.",
	ProlongSession:  "Lets the session end by itself only that much later. Until then it holds the customer's slot, and its mechanic's time; what was bought and paid stays as it is.",
	TransferRequest: "Gives the session to a colleague, who has as long to join as if they had accepted it. The mechanic is free for another; the customer keeps session, payment and place.",
	UndoRun: "Gives each session that the run ended a new one, which begins to wait for a mechanic, if its customer is free and its payment has not been used " +
		"otherwise: a credit is spent again, and a refund that was not requested yet is withdrawn. Sessions that were live or missed do not come back; each one " +
		"that cannot is listed with the reason. Nothing ended is reopened.",
}

// Describe describes what an action does where no target is known. It is empty for an
// unknown action.
func Describe(a ActionName) string { return descriptions[a] }
