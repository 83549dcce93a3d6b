package stripetest

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/stripe/stripe-go/v86"
)

// expansion says which objects within a Checkout Session are expanded.
type expansion struct{ intent, lines bool }

// session returns Stripe's Checkout Session with every field: null where there is no value, and other objects as their
// ids unless expanded.
func (f *Fake) session(c checkout, expand expansion) any {
	metadata := map[string]string{}
	maps.Copy(metadata, c.Metadata)
	if c.Plan != "" {
		metadata["plan"] = c.Plan
	}
	session := stripe.CheckoutSession{
		ID: c.ref, Object: "checkout.session", Livemode: f.live, Mode: stripe.CheckoutSessionModePayment,
		AmountSubtotal: c.Amount + 1, AmountTotal: c.Amount, // with a discount: only the total was paid
		Currency:          stripe.Currency(c.Currency),
		ClientReferenceID: c.CustomerID, Metadata: metadata,
		Status: c.status, PaymentStatus: c.paymentStatus, Created: c.createdAt.Unix(),
		CustomerDetails: &stripe.CheckoutSessionCustomerDetails{Email: c.Email, Name: c.Name},
	}
	replace := map[string]any{"payment_intent": id(c.intent)}
	if expand.intent && c.intent != "" {
		replace["payment_intent"] = f.paymentIntent(c, true)
	}
	if c.CustomerID == "" {
		replace["client_reference_id"] = nil
	}
	if expand.lines {
		replace["line_items"] = c.lines()
	}
	return with(session, replace)
}

// lines returns the line items; none if the quantity is 0.
func (c checkout) lines() any {
	data := []any{}
	if c.Quantity > 0 {
		data = append(data, stripe.LineItem{
			ID: "li_" + c.ref, Object: "item", AmountTotal: c.Amount, Currency: stripe.Currency(c.Currency), Quantity: c.Quantity,
		})
	}
	return map[string]any{"object": "list", "has_more": false, "url": "/v1/checkout/sessions/" + c.ref + "/line_items", "data": data}
}

func (f *Fake) intentOf(c checkout) stripe.PaymentIntent {
	intent := stripe.PaymentIntent{
		ID: c.intent, Object: "payment_intent", Livemode: f.live, Amount: c.Amount, Currency: stripe.Currency(c.Currency),
		Created: c.createdAt.Unix(), Status: stripe.PaymentIntentStatusProcessing,
	}
	if c.failed {
		intent.Status = stripe.PaymentIntentStatusRequiresPaymentMethod
	}
	c.heldIntent(&intent)
	if !c.paidAt.IsZero() {
		intent.AmountReceived, intent.Status = c.captured, stripe.PaymentIntentStatusSucceeded
	}
	return intent
}

func (f *Fake) paymentIntent(c checkout, expand bool) any {
	intent, replace := f.intentOf(c), map[string]any{"latest_charge": nil}
	switch {
	case c.hold == refused:
		replace["last_payment_error"] = map[string]any{"type": "card_error", "code": "card_declined", "decline_code": c.decline, "charge": c.charge}
	case c.failed:
		replace["last_payment_error"] = map[string]any{"type": "card_error", "code": "payment_intent_payment_attempt_failed", "charge": c.charge}
	}
	if !c.paidAt.IsZero() || c.hold != "" {
		replace["latest_charge"] = id(c.charge)
		if expand {
			replace["latest_charge"] = f.chargeOf(c)
		}
	}
	return with(intent, replace)
}

func (f *Fake) chargeOf(c checkout) any {
	charge := stripe.Charge{
		ID: c.charge, Object: "charge", Livemode: f.live, Amount: c.Amount, AmountCaptured: c.captured,
		AmountRefunded: c.refunded + c.Amount - c.captured, // what was not captured was released
		Currency:       stripe.Currency(c.Currency), Captured: true, Paid: true, Refunded: c.refunded == c.captured,
		Disputed: c.dispute != "", Created: c.paidAt.Unix(), Status: stripe.ChargeStatusSucceeded,
	}
	if !c.heldAt.IsZero() {
		charge.Created = c.heldAt.Unix()
	}
	if c.hold != "" {
		charge.AmountRefunded, charge.Refunded = 0, false
		c.heldCharge(&charge)
	}
	replace := map[string]any{"payment_intent": id(c.intent), "application_fee": nil, "transfer": nil, "transfer_data": nil}
	if c.Fee > 0 {
		replace["application_fee"], replace["application_fee_amount"] = fmt.Sprintf("fee_%08d", c.number), c.Fee
	}
	if c.Destination != "" {
		replace["transfer"], replace["transfer_data"] = fmt.Sprintf("tr_%08d", c.number), map[string]any{"destination": c.Destination}
	}
	return with(charge, replace)
}

func (f *Fake) disputeOf(c checkout) any {
	return with(stripe.Dispute{
		ID: fmt.Sprintf("du_%08d", c.number), Object: "dispute", Livemode: f.live, Amount: c.Amount, Currency: stripe.Currency(c.Currency),
		Created: c.paidAt.Unix(), Reason: stripe.DisputeReasonProductNotReceived, Status: c.dispute,
	}, map[string]any{"payment_intent": id(c.intent), "charge": id(c.charge)})
}

func (r Refund) object() any {
	refund := stripe.Refund{
		ID: r.ID, Object: "refund", Amount: r.Amount, Currency: stripe.Currency(r.Currency), Created: r.At.Unix(),
		Metadata: r.metadata, Status: r.Status,
	}
	switch r.Status {
	case stripe.RefundStatusFailed:
		refund.FailureReason = stripe.RefundFailureReason(r.Reason)
	case stripe.RefundStatusPending:
		refund.PendingReason = stripe.RefundPendingReason(r.Reason)
	}
	return with(refund, map[string]any{"payment_intent": id(r.PaymentID), "charge": id(r.charge)})
}

// id returns an object's id, or null.
func id(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// with returns an object of the library with some fields replaced: the library's types would encode an id as a whole
// object.
func with(object any, replace map[string]any) map[string]any {
	text, err := json.Marshal(object)
	if err != nil {
		panic(fmt.Sprintf("stripetest: %T: %v", object, err))
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		panic(fmt.Sprintf("stripetest: %T: %v", object, err))
	}
	whole := map[string]any{}
	for name, value := range fields {
		whole[name] = value
	}
	maps.Copy(whole, replace)
	return whole
}
