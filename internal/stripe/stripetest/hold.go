package stripetest

import (
	"time"

	"github.com/stripe/stripe-go/v86"
)

// holdFor is how long a bank reserves money.
const holdFor = 7 * 24 * time.Hour

// hold is what became of money that was reserved at the bank.
type hold string

const (
	held     hold = "held"
	released hold = "released"
	lapsed   hold = "lapsed"
)

// Authorise creates a Checkout Session whose money is reserved, to be captured later, and returns its id.
func (f *Fake) Authorise(c Checkout) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := f.open(c)
	made.status, made.hold, made.heldAt = stripe.CheckoutSessionStatusComplete, held, f.now()
	f.emit(stripe.EventTypeChargeSucceeded, made)
	f.emit(stripe.EventTypePaymentIntentAmountCapturableUpdated, made)
	f.emit(stripe.EventTypeCheckoutSessionCompleted, made)
	return made.ref
}

// Capture takes an amount of the reserved money, and releases the rest.
func (f *Fake) Capture(ref string, amount int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.reserved(ref)
	f.complete(c)
	c.hold, c.captured = "", amount
	f.emit(stripe.EventTypeChargeCaptured, c)
	f.emit(stripe.EventTypePaymentIntentSucceeded, c)
}

// Release gives up the reserved money. Stripe tells it as a refund, too.
func (f *Fake) Release(ref string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.reserved(ref)
	c.hold = released
	f.emit(stripe.EventTypeChargeRefunded, c)
	f.emit(stripe.EventTypePaymentIntentCanceled, c)
}

// Lapse lets the bank give up the reserved money.
func (f *Fake) Lapse(ref string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.reserved(ref)
	c.hold = lapsed
	f.emit(stripe.EventTypeChargeExpired, c)
	f.emit(stripe.EventTypePaymentIntentCanceled, c)
}

func (f *Fake) reserved(ref string) *checkout {
	c := f.known(ref)
	if c.hold != held {
		panic("stripetest: nothing is reserved for " + ref)
	}
	return c
}

// heldIntent fills in a payment intent whose money is reserved, or was and is not taken.
func (c checkout) heldIntent(intent *stripe.PaymentIntent) {
	switch c.hold {
	case held:
		intent.Status, intent.AmountCapturable = stripe.PaymentIntentStatusRequiresCapture, c.Amount
	case released:
		intent.Status, intent.CancellationReason = stripe.PaymentIntentStatusCanceled, stripe.PaymentIntentCancellationReasonRequestedByCustomer
	case lapsed:
		intent.Status, intent.CancellationReason = stripe.PaymentIntentStatusCanceled, stripe.PaymentIntentCancellationReasonAutomatic
	}
}

// heldCharge fills in the charge of such an intent.
func (c checkout) heldCharge(charge *stripe.Charge) {
	charge.Captured, charge.AmountCaptured, charge.Created = false, 0, c.heldAt.Unix()
	charge.PaymentMethodDetails = &stripe.ChargePaymentMethodDetails{
		Type: "card", Card: &stripe.ChargePaymentMethodDetailsCard{CaptureBefore: c.heldAt.Add(holdFor).Unix()},
	}
	if c.hold != held {
		charge.AmountRefunded, charge.Refunded = c.Amount, true
	}
}
