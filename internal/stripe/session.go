package stripe

import (
	"cmp"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// session reads a Checkout Session. One that only saves a card is not about a payment.
func (t *translation) session(o object) {
	if o.text("mode") == string(stripe.CheckoutSessionModeSetup) {
		return
	}
	t.asked = append(t.asked, t.id(o), o.ref("invoice"))
	t.intent = o.ref("payment_intent")
	if !capturedIntent(o) {
		t.sessionFact(o)
	}
	if inner := o.object("payment_intent"); t.intent != "" && inner != nil {
		t.intentFacts(inner)
	}
	t.order = t.keys.order(o.texts("metadata"), o.text(metaReference), o.list("line_items"))
	t.sold(o, "amount_total", "amount_subtotal")
	details := o.object("customer_details")
	t.buyer(cmp.Or(details.text("email"), o.text("customer_email")), details.text("name"))
}

// capturedIntent reports whether a session contains an intent that received the money. The intent
// then has the right amount: a session's total includes what was never captured.
func capturedIntent(o object) bool {
	return o.object("payment_intent").text("status") == string(stripe.PaymentIntentStatusSucceeded)
}

// sessionFact reads what became of the money. What Stripe reports as paid is paid, whatever the
// event's type; only the failure of a delayed payment is visible in the type alone.
func (t *translation) sessionFact(o object) {
	switch stripe.CheckoutSessionPaymentStatus(o.text("payment_status")) {
	case stripe.CheckoutSessionPaymentStatusPaid:
		t.money(o, curfew.Fact{
			Kind: "attempt", Object: t.paidBy(o), State: "captured", Amount: t.amount(o, "amount_total"), At: t.settled(o),
		})
		return
	case stripe.CheckoutSessionPaymentStatusNoPaymentRequired:
		t.money(o, curfew.Fact{
			Kind: "attempt", Object: t.paidBy(o), State: "captured", Amount: t.amountOr(o, "amount_total", 0), At: t.settled(o),
		})
		return
	}
	if state := t.promise(o); state != "" {
		t.money(o, curfew.Fact{Kind: "promise", State: state, Amount: t.amountOr(o, "amount_total", 0)})
	}
}

func (t *translation) paidBy(o object) string { return cmp.Or(t.intent, o.ref("invoice"), t.id(o)) }

// promise returns the state of a session that is not paid; empty if it is unknown.
func (t *translation) promise(o object) string {
	if t.kind == string(stripe.EventTypeCheckoutSessionAsyncPaymentFailed) {
		return "failed"
	}
	switch stripe.CheckoutSessionStatus(o.text("status")) {
	case stripe.CheckoutSessionStatusOpen:
		return "open"
	case stripe.CheckoutSessionStatusComplete:
		return "promised"
	case stripe.CheckoutSessionStatusExpired:
		return "expired"
	}
	switch stripe.EventType(t.kind) {
	case stripe.EventTypeCheckoutSessionExpired:
		return "expired"
	case stripe.EventTypeCheckoutSessionCompleted, stripe.EventTypeCheckoutSessionAsyncPaymentSucceeded:
		return "promised"
	}
	return ""
}

// sold fills in what was paid, and the same before discounts, tax and shipping.
func (t *translation) sold(o object, amount, price string) {
	t.order.Currency = t.currency(o)
	t.order.Amount = t.amountOr(o, amount, 0)
	t.order.Price = t.amountOr(o, price, t.order.Amount)
}

func (t *translation) buyer(email, name string) {
	t.order.Email, t.order.Name = shown(email, maxEmail), shown(name, maxName)
}
