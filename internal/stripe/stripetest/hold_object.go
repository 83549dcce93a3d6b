package stripetest

import (
	"cmp"

	"github.com/stripe/stripe-go/v86"
)

// heldIntent fills in a payment intent whose money is reserved, or was reserved and never captured.
func (c checkout) heldIntent(intent *stripe.PaymentIntent) {
	switch c.hold {
	case held:
		intent.Status, intent.AmountCapturable = stripe.PaymentIntentStatusRequiresCapture, c.Amount
	case processing:
		intent.Status = stripe.PaymentIntentStatusProcessing
	case refused:
		intent.Status = stripe.PaymentIntentStatusRequiresPaymentMethod
	case released:
		intent.Status = stripe.PaymentIntentStatusCanceled
		intent.CancellationReason = cmp.Or(c.cancelReason, stripe.PaymentIntentCancellationReasonRequestedByCustomer)
	case lapsed:
		intent.Status, intent.CancellationReason = stripe.PaymentIntentStatusCanceled, stripe.PaymentIntentCancellationReasonAutomatic
	}
	if !c.heldAt.IsZero() {
		intent.CaptureMethod = stripe.PaymentIntentCaptureMethodManual
	}
}

// heldCharge fills in the charge of such an intent.
func (c checkout) heldCharge(charge *stripe.Charge) {
	charge.Captured, charge.AmountCaptured = false, 0
	charge.PaymentMethodDetails = &stripe.ChargePaymentMethodDetails{
		Type: "card", Card: &stripe.ChargePaymentMethodDetailsCard{CaptureBefore: c.heldUntil().Unix()},
	}
	switch c.hold {
	case released, lapsed:
		charge.AmountRefunded, charge.Refunded = c.Amount, true
	case refused:
		charge.Status, charge.Paid, charge.FailureCode = stripe.ChargeStatusFailed, false, c.decline
	}
}
