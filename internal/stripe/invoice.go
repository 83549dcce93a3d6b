package stripe

import (
	"cmp"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// invoice reads a subscription's invoice. It contains an order if any of its metadata names the
// plan.
func (t *translation) invoice(o object) {
	id := t.id(o)
	t.asked = append(t.asked, id)
	t.intent = o.ref("payment_intent")
	t.charges = append(t.charges, o.ref("charge"))
	for _, each := range o.list("payments") { // since API version 2025-03-31
		t.paidThrough(each)
	}
	t.invoiceFact(o)
	metadata := t.invoiceMetadata(o)
	if metadata[t.keys.Plan] == "" {
		return
	}
	t.order = t.keys.order(metadata, "", o.list("lines"))
	amount := "amount_due"
	if invoiceStatus(o) == stripe.InvoiceStatusPaid {
		amount = "amount_paid"
	}
	t.order.Renewal = renews(o)
	t.sold(o, amount, "subtotal")
	t.buyer(o.text("customer_email"), o.text("customer_name"))
}

// renews reports whether an invoice is for a later period of its subscription, or for a change to
// it. The first invoice belongs to the checkout that the customer is waiting for.
func renews(o object) bool {
	switch stripe.InvoiceBillingReason(o.text("billing_reason")) {
	case stripe.InvoiceBillingReasonSubscriptionCycle, stripe.InvoiceBillingReasonSubscriptionUpdate,
		stripe.InvoiceBillingReasonSubscriptionThreshold:
		return true
	}
	return false
}

// paidThrough reads what an invoice was paid with. The first payment that Stripe lists counts.
func (t *translation) paidThrough(payment object) {
	means := payment.object("payment")
	t.intent = cmp.Or(t.intent, means.ref("payment_intent"))
	t.charges = append(t.charges, means.ref("charge"))
}

func (t *translation) invoiceFact(o object) {
	f := curfew.Fact{Kind: "promise", Amount: t.amountOr(o, "amount_due", 0)}
	switch invoiceStatus(o) {
	case stripe.InvoiceStatusPaid:
		f = curfew.Fact{
			Kind: "attempt", Object: cmp.Or(t.intent, o.text("id")), State: "captured",
			Amount: t.amount(o, "amount_paid"), At: t.settled(o),
		}
	case stripe.InvoiceStatusDraft, stripe.InvoiceStatusOpen:
		f.State = "open"
	case stripe.InvoiceStatusUncollectible:
		f.State = "failed"
	case stripe.InvoiceStatusVoid:
		f.State = "expired"
	}
	if f.State != "" {
		t.money(o, f)
	}
}

func invoiceStatus(o object) stripe.InvoiceStatus {
	if o.text("status") == "" && o.flag("paid") {
		return stripe.InvoiceStatusPaid
	}
	return stripe.InvoiceStatus(o.text("status"))
}

// invoiceMetadata merges the metadata of the subscription, the invoice and its lines. Metadata
// closer to the subscription wins.
func (t *translation) invoiceMetadata(o object) map[string]string {
	sources := []map[string]string{
		o.object("subscription_details").texts("metadata"), // before API version 2025-03-31
		o.object("parent").object("subscription_details").texts("metadata"),
		o.texts("metadata"),
	}
	for _, line := range o.list("lines") {
		sources = append(sources, line.texts("metadata"))
	}
	all := map[string]string{}
	for _, source := range sources {
		for key, value := range source {
			all[key] = cmp.Or(all[key], value)
		}
	}
	return all
}

// invoicePayment reads that an invoice was paid, and with what: since API version 2025-03-31 the
// invoice itself does not say.
func (t *translation) invoicePayment(o object) {
	t.asked = append(t.asked, o.ref("invoice"))
	t.paidThrough(o)
	if o.text("status") != "paid" {
		return
	}
	t.money(o, curfew.Fact{
		Kind: "attempt", Object: cmp.Or(t.name(), o.ref("invoice")), State: "captured",
		Amount: t.amount(o, "amount_paid"), At: t.settled(o),
	})
}
