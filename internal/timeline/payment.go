package timeline

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// payment names a payment, or a line of one: its reference, how much it was, and its plan.
func payment(c curfew.Checkout) string {
	name := record.Title(c)
	switch {
	case c.Plan == "":
		return c.ID
	case name == "":
		return fmt.Sprintf("%s (free, %s)", c.ID, c.Plan)
	case c.Amount == 0 && c.Currency == "":
		return fmt.Sprintf("%s (%s)", name, c.Plan)
	}
	return fmt.Sprintf("%s (%s, %s)", name, curfew.Amount(c.Amount, c.Currency), c.Plan)
}

// reportedReason is that of an event with what a provider reports.
const reportedReason = "the provider reports"

// disputedReason begins those of events that note a dispute, or its end.
var disputedReason, _, _ = strings.Cut(curfew.DisputedReason, ": ")

// payments say what happened to a payment, by step.
var payments = map[curfew.OutcomeStep]string{
	{From: "", To: curfew.Fulfilled}:               "Payment %s brought its session",
	{From: "", To: curfew.Deferred}:                "Payment %s came while the customer's slot was taken: it waits for it",
	{From: "", To: curfew.Held}:                    "Payment %s cannot be used as it is: it is held for an operator",
	{From: "", To: curfew.RefundDue}:               "Payment %s came too late: its refund is due",
	{From: "", To: curfew.Refunded}:                "Payment %s had been given back before it was known",
	{From: "", To: curfew.Promised}:                "Payment %s is promised: its money has not come yet",
	{From: "", To: curfew.Void}:                    "Payment %s had failed, or been taken back, before it was known: it bought nothing",
	{From: "", To: curfew.Ignored}:                 "Payment %s is for nothing that is sold here: it is left alone",
	{From: "", To: curfew.Credited}:                "Payment %s is a credit: it pays for the customer's next session of its plan",
	{From: curfew.Promised, To: curfew.Credited}:   "The money of payment %s came: it is a credit for the customer's next session of its plan",
	{From: curfew.Promised, To: curfew.Fulfilled}:  "The money of payment %s came: it brought its session",
	{From: curfew.Promised, To: curfew.Deferred}:   "The money of payment %s came: it waits for the customer's slot",
	{From: curfew.Promised, To: curfew.Held}:       "The money of payment %s came, but it cannot be used as it is: it is held for an operator",
	{From: curfew.Promised, To: curfew.RefundDue}:  "The money of promised payment %s came, and its refund is due",
	{From: curfew.Promised, To: curfew.Refunded}:   "Promised payment %s was given back",
	{From: curfew.Promised, To: curfew.Void}:       "The money of payment %s will not come: nothing is owed for it",
	{From: curfew.Fulfilled, To: curfew.Held}:      "A part of payment %s is gone: what is left is held for an operator",
	{From: curfew.Fulfilled, To: curfew.Void}:      "Payment %s failed, or was taken back: nothing is owed for it",
	{From: curfew.Deferred, To: curfew.Held}:       "A part of payment %s is gone while it waited for the slot: what is left is held for an operator",
	{From: curfew.Deferred, To: curfew.Void}:       "Payment %s failed, or was taken back, while it waited for the slot: nothing is owed for it",
	{From: curfew.Held, To: curfew.Void}:           "Held payment %s failed, or was taken back: nothing is owed for it",
	{From: curfew.Held, To: curfew.Ignored}:        "Held payment %s is not for anything sold here: it is left alone",
	{From: curfew.Credited, To: curfew.Held}:       "A part of payment %s is gone, and it is no credit any more: what is left is held for an operator",
	{From: curfew.Credited, To: curfew.Void}:       "Payment %s was taken back, and is no credit any more: nothing is owed for it",
	{From: curfew.RefundDue, To: curfew.Void}:      "Payment %s failed, or was taken back: there is nothing left to give back",
	{From: curfew.Refunded, To: curfew.RefundDue}:  "The refund of payment %s failed at the provider: it is due again, by hand",
	{From: curfew.Forfeited, To: curfew.Void}:      "Forfeited payment %s was taken back",
	{From: curfew.Void, To: curfew.Credited}:       "The money of payment %s came after all: it is a credit for the customer's next session of its plan",
	{From: curfew.Void, To: curfew.RefundDue}:      "The money of payment %s came after all, and its refund is due",
	{From: curfew.Void, To: curfew.Held}:           "The money of payment %s came after all: it is held for an operator",
	{From: curfew.Void, To: curfew.Refunded}:       "The money of payment %s came after all, and was given back",
	{From: curfew.Ignored, To: curfew.Held}:        "Payment %s is for something sold here after all: it is held for an operator",
	{From: curfew.Ignored, To: curfew.Deferred}:    "Payment %s is for something sold here after all: it waits for the customer's slot",
	{From: curfew.Fulfilled, To: curfew.Credited}:  "Payment %s became a credit: it pays for the customer's next session of its plan",
	{From: curfew.Fulfilled, To: curfew.RefundDue}: "The refund of payment %s is due",
	{From: curfew.Fulfilled, To: curfew.Forfeited}: "Payment %s was forfeited",
	{From: curfew.Fulfilled, To: curfew.Refunded}:  "Payment %s was given back",
	{From: curfew.Deferred, To: curfew.Fulfilled}:  "The slot was free: payment %s brought its session",
	{From: curfew.Deferred, To: curfew.RefundDue}:  "The refund of payment %s is due: it waited for the slot, and got none",
	{From: curfew.Deferred, To: curfew.Refunded}:   "Payment %s was given back while it waited for the slot",
	{From: curfew.Held, To: curfew.Fulfilled}:      "Held payment %s was repaired, and brought its session",
	{From: curfew.Held, To: curfew.Deferred}:       "Held payment %s was repaired: it waits for the customer's slot",
	{From: curfew.Held, To: curfew.RefundDue}:      "The refund of held payment %s is due",
	{From: curfew.Held, To: curfew.Refunded}:       "Held payment %s was given back",
	{From: curfew.Credited, To: curfew.Fulfilled}:  "The credit of payment %s was spent on a new session",
	{From: curfew.Credited, To: curfew.RefundDue}:  "The refund of payment %s is due instead of the credit",
	{From: curfew.Credited, To: curfew.Refunded}:   "Payment %s was given back, and is no credit any more",
	{From: curfew.RefundDue, To: curfew.Refunding}: "The provider was asked to give payment %s back",
	{From: curfew.RefundDue, To: curfew.Fulfilled}: "Payment %s pays for a new session, and is not given back",
	{From: curfew.RefundDue, To: curfew.RefundDue}: "The refund of payment %s stays due",
	{From: curfew.RefundDue, To: curfew.Refunded}:  "Payment %s was given back",
	{From: curfew.Refunding, To: curfew.Refunded}:  "Payment %s was given back",
	{From: curfew.Refunding, To: curfew.Refunding}: "The provider was asked once more to give payment %s back",
	{From: curfew.Refunding, To: curfew.RefundDue}: "The provider did not give payment %s back: the refund stays due",
	{From: curfew.Forfeited, To: curfew.Credited}:  "Forfeited payment %s became a credit after all",
	{From: curfew.Forfeited, To: curfew.RefundDue}: "The refund of forfeited payment %s is due after all",
	{From: curfew.Forfeited, To: curfew.Refunded}:  "Forfeited payment %s was given back after all",
}

// paymentSentence describes one step of a payment. A step that leaves the outcome as
// it is is an annotation.
func paymentSentence(c curfew.Checkout, e curfew.Event) string {
	note := e.Reason
	if annotation(e) != "" {
		_, note, _ = strings.Cut(note, ": ")
	}
	if selfEvident[note] {
		note = ""
	}
	if c.Free() {
		return freeSentence(c, e)
	}
	if said, ok := strings.CutPrefix(note, reportedReason+": "); ok && e.From == e.To {
		return fmt.Sprintf("The provider reports of payment %s, which is %s: %s.", payment(c), e.To, said)
	}
	text := cmp.Or(nothingOwed(c, e), annotation(e), payments[curfew.OutcomeStep{From: curfew.Outcome(e.From), To: curfew.Outcome(e.To)}])
	if text == "" {
		text = "Something was noted of payment %s, which is " + e.To
	}
	return fmt.Sprintf(text, payment(c)) + by(e.Actor, note) + "."
}

// annotation says what happened if the outcome stayed; empty: nothing known.
func annotation(e curfew.Event) string {
	if e.From != e.To {
		return ""
	}
	code, _, _ := strings.Cut(e.Reason, ": ")
	return annotations[code]
}

// nothingOwed says why a checkout is void although its payment did not fail; empty: it did,
// or it is not.
func nothingOwed(c curfew.Checkout, e curfew.Event) string {
	code, _, _ := strings.Cut(e.Reason, ": ")
	switch {
	case code == string(curfew.Duplicate) && (e.To == string(curfew.Void) || e.From == e.To):
		return "Payment %s is another name of a payment that was recorded before: it bought nothing of its own"
	case e.To == string(curfew.Void) && e.From != e.To && code != string(curfew.ByPayment) && c.Capture != "":
		return "Nothing is owed for payment %s: what was reserved at the customer's bank is released, and nothing is charged"
	}
	return ""
}

// freeSentence describes a step of a checkout for which nothing was paid.
func freeSentence(c curfew.Checkout, e curfew.Event) string {
	switch curfew.Outcome(e.To) {
	case curfew.Fulfilled:
		return fmt.Sprintf("A session of plan %s was given without a payment (%s)%s.", c.Plan, c.ID, by(e.Actor, ""))
	case curfew.Void:
		return fmt.Sprintf("Nobody spent it in time (%s, %s), and nothing was paid for it, so nothing is owed%s.", c.ID, c.Plan, by(e.Actor, ""))
	case curfew.Credited, curfew.RefundDue, curfew.Refunding, curfew.Refunded, curfew.Forfeited:
		return fmt.Sprintf("Nothing was paid for it (%s, %s), so nothing is owed.", c.ID, c.Plan)
	}
	return fmt.Sprintf("Something was noted of %s (free, %s)%s.", c.ID, c.Plan, by(e.Actor, e.Reason))
}

// lostReason is that of an event which reminds operators of money that a bank took back.
const lostReason = "the payment failed, or was taken back"

// annotations say what happened to a payment that kept its outcome, by the event's reason.
var annotations = map[string]string{
	curfew.CaptureReason("due"):       "What is reserved for payment %s is to be charged now",
	curfew.CaptureReason("capturing"): "The provider was asked to charge what is reserved for payment %s",
	curfew.CaptureReason("captured"):  "What was reserved for payment %s was charged",
	curfew.CaptureReason("failed"):    "What was reserved for payment %s could not be charged: nothing was taken",
	curfew.CaptureReason("releasing"): "The provider was asked to release what is reserved for payment %s",
	curfew.CaptureReason("released"):  "Nothing is reserved for payment %s any more, and nothing was taken: the customer's bank may show it for some days",

	string(curfew.ByPayment): "Payment %s failed, or was taken back, after it had bought a session: somebody has to ask the customer for it",
	curfew.GivenBackReason:   "Payment %s was given back after it had bought a session",
	curfew.PartLostReason:    "A part of payment %s is gone after it had bought a session",
	curfew.ArrivedReason:     "The money of payment %s is there after all",
	lostReason:               "The loss of payment %s has to be booked: nothing is owed for it",
}
