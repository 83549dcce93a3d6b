package stripe

import (
	"cmp"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// charge reads a charge. One without a payment intent is its own payment.
func (t *translation) charge(o object) {
	t.asked = append(t.asked, o.ref("invoice"))
	t.intent = o.ref("payment_intent")
	t.charges = append(t.charges, t.id(o))
	t.chargeFacts(o)
}

// chargeFacts reads what became of the money, and how much of it was refunded.
func (t *translation) chargeFacts(o object) {
	amount, captured := t.amount(o, "amount"), t.captured(o)
	f := curfew.Fact{Kind: "attempt", Amount: amount}
	switch status := stripe.ChargeStatus(o.text("status")); {
	case status == stripe.ChargeStatusFailed:
		f.State, f.Reason = "failed", reason(o.text("failure_code"), o.text("failure_message"))
	case status == stripe.ChargeStatusPending:
		f.State = "pending"
	case captured >= 0:
		f.State, f.Amount, f.At = "captured", captured, t.settled(o)
	case t.kind == string(stripe.EventTypeChargeExpired):
		f.State = "expired"
	case o.flag("refunded"):
		f.State = "voided"
	default:
		f.State, f.Until = "authorised", captureBefore(o)
	}
	t.money(o, f)
	t.total(o, amount, captured)
	for _, refund := range o.list("refunds") {
		t.refundFact(refund)
	}
	if t.answered() && o.flag("disputed") {
		t.disputed = append(t.disputed, o)
	}
}

// captured returns how much of a charge was captured; -1 if it is only reserved. A charge without
// these fields was captured at once.
func (t *translation) captured(o object) int64 {
	amount := t.amountOr(o, "amount_captured", 0)
	switch {
	case amount > 0:
		return amount
	case o.field("captured") == nil && o.field("amount_captured") == nil, o.flag("captured") && o.field("amount_captured") == nil:
		return t.amount(o, "amount")
	case o.flag("captured"):
		return 0
	}
	return -1
}

// total reads how much was refunded in all. Stripe's figure includes money that was only released:
// the remainder of a partial capture, and a reserved charge.
func (t *translation) total(o object, amount, captured int64) {
	refunded := t.amountOr(o, "amount_refunded", 0)
	if captured < 0 && refunded == 0 || o.text("status") == string(stripe.ChargeStatusFailed) {
		return
	}
	released := amount - max(captured, 0)
	t.money(o, curfew.Fact{Kind: "refund_total", State: "total", Amount: max(refunded-released, 0)})
}

// refund reads one refund.
func (t *translation) refund(o object) {
	t.intent = o.ref("payment_intent")
	t.charges = append(t.charges, o.ref("charge"))
	if t.name() != "" {
		t.refundFact(o)
	}
}

// refundFact reads a refund's state. An unknown state counts as pending, because it may still
// return the money. Its charge's total includes the refund from the time it was created.
func (t *translation) refundFact(o object) {
	f := curfew.Fact{
		Kind: "refund", State: "pending", Amount: t.amount(o, "amount"), At: t.settled(o),
		Reason: cmp.Or(o.text("failure_reason"), o.text("pending_reason")),
	}
	switch status := stripe.RefundStatus(o.text("status")); status {
	case stripe.RefundStatusSucceeded, stripe.RefundStatusRequiresAction:
		f.State = string(status)
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		f.State, f.At = string(status), t.at
	}
	t.money(o, f)
}

// dispute reads a dispute by its status. The event's type is not a state: a dispute can be lost
// after its funds were reinstated.
func (t *translation) dispute(o object) {
	t.intent = o.ref("payment_intent")
	t.charges = append(t.charges, o.ref("charge"))
	if t.name() != "" {
		t.disputeFact(o)
	}
}

func (t *translation) disputeFact(o object) {
	t.money(o, curfew.Fact{
		Kind: "dispute", State: disputeState(o.text("status")), Amount: t.amountOr(o, "amount", 0), Reason: o.text("reason"),
	})
}

func disputeState(status string) string {
	switch stripe.DisputeStatus(status) {
	case stripe.DisputeStatusWarningNeedsResponse, stripe.DisputeStatusWarningUnderReview:
		return "warning"
	case stripe.DisputeStatusWarningClosed:
		return "closed"
	case stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusUnderReview, stripe.DisputeStatusWon,
		stripe.DisputeStatusLost, stripe.DisputeStatusPrevented:
		return status
	}
	return "unknown"
}
