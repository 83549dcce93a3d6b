package stripe

import (
	"cmp"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// intentAlone reads a PaymentIntent. Its metadata names the plan only if it was created without a
// Checkout Session.
func (t *translation) intentAlone(o object) {
	t.asked = append(t.asked, o.ref("invoice"))
	t.intent = t.id(o)
	t.intentFacts(o)
	metadata := o.texts("metadata")
	if metadata[t.keys.Plan] == "" {
		return
	}
	t.order = t.keys.order(metadata, "", nil)
	t.sold(o, "amount", "amount")
	if received := t.amountOr(o, "amount_received", 0); received > 0 {
		t.order.Amount = received
	}
	t.buyer(o.text("receipt_email"), "")
}

// intentFacts reads what became of the money from the intent's status and the charge it contains.
func (t *translation) intentFacts(o object) {
	t.id(o)
	charge := latest(o)
	t.charges = append(t.charges, cmp.Or(o.ref("latest_charge"), charge.text("id"), failedCharge(o)))
	f := curfew.Fact{Kind: "attempt", Amount: t.amountOr(o, "amount", 0)}
	switch status := stripe.PaymentIntentStatus(o.text("status")); status {
	case stripe.PaymentIntentStatusSucceeded:
		f.State, f.Amount, f.At = "captured", t.received(o, "amount_received"), t.capturedAt(o, charge)
	case stripe.PaymentIntentStatusRequiresCapture:
		f.State, f.Amount, f.Until = "authorised", t.received(o, "amount_capturable"), captureBefore(charge)
	case stripe.PaymentIntentStatusCanceled:
		f.State, f.Reason = "voided", o.text("cancellation_reason")
	case stripe.PaymentIntentStatusProcessing:
		f.State = "pending"
	case stripe.PaymentIntentStatusRequiresAction, stripe.PaymentIntentStatusRequiresConfirmation:
	default:
		if t.declined(o, status) {
			f.State, f.Object, f.Reason = "failed", cmp.Or(failedCharge(o), o.ref("latest_charge")), declineReason(o.object("last_payment_error"))
		}
	}
	if f.State != "" {
		t.money(o, f)
	}
	if charge != nil && f.State != "pending" { // what is under way is reserved, too, as its charge says
		t.chargeFacts(charge)
	}
}

// received returns the amount in a field; the full amount if the API version has no such field.
func (t *translation) received(o object, name string) int64 {
	if o.field(name) == nil {
		return t.amount(o, "amount")
	}
	return t.amount(o, name)
}

func (t *translation) capturedAt(o, charge object) time.Time {
	if charge != nil {
		return t.settled(charge)
	}
	return t.settled(o)
}

// declined reports whether the last attempt to pay an intent failed. The intent itself waits for
// another attempt.
func (t *translation) declined(o object, status stripe.PaymentIntentStatus) bool {
	if t.kind == string(stripe.EventTypePaymentIntentPaymentFailed) {
		return true
	}
	return status == stripe.PaymentIntentStatusRequiresPaymentMethod && o.object("last_payment_error") != nil
}

// latest returns the charge that an intent contains; nil if it only names one, or has none.
func latest(o object) object {
	if charge := o.object("latest_charge"); charge != nil {
		return charge
	}
	if charges := o.list("charges"); len(charges) > 0 { // before API version 2022-11-15
		return charges[0]
	}
	return nil
}

func failedCharge(o object) string { return o.object("last_payment_error").ref("charge") }

// declineReason returns why the last attempt failed: the bank's code, else Stripe's.
func declineReason(failed object) string {
	return reason(cmp.Or(failed.text("decline_code"), failed.text("code")), failed.text("message"))
}

// captureBefore returns when an authorization lapses; zero if Stripe does not say.
func captureBefore(charge object) time.Time {
	details := charge.object("payment_method_details")
	return details.object(details.text("type")).time("capture_before")
}
