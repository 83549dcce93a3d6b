package openapi

import (
	"slices"

	"github.com/curfewhq/curfew"
)

// outcomeDocs say what each outcome means to whoever reported the payment.
var outcomeDocs = map[curfew.Outcome]string{
	curfew.Promised:  "The money has not come yet. The session follows when it does",
	curfew.Fulfilled: "The payment has its session",
	curfew.Deferred:  "The payment is recorded. Its session follows when the customer's slot is free",
	curfew.Held:      "The payment cannot be used as it is. An operator decides",
	curfew.Credited:  "The customer can spend the payment on another session",
	curfew.RefundDue: "The payment is to be refunded",
	curfew.Refunding: "The provider is being asked for the refund",
	curfew.Refunded:  "The payment was refunded",
	curfew.Forfeited: "The session ended without the customer, and the payment is kept",
	curfew.Void:      "The payment was never made, or was taken back. Nothing is owed",
	curfew.Ignored:   "The payment is for something that is not sold here",
}

// uniteOutcomes makes unions of the answers that depend on what became of a payment.
func (d description) uniteOutcomes() {
	d.unite("Fulfillment", "outcome", variantsOf(func(o curfew.Outcome) variant {
		switch o {
		case curfew.Fulfilled:
			return variant{has: []string{"sessionId", "route"}, may: []string{"requestId"}}
		case curfew.Deferred:
			return variant{has: []string{"detail", "retryUntil"}, may: []string{"blockedBy", "sessionId", "requestId", "route"}}
		}
		return variant{may: []string{"sessionId", "requestId", "route"}}
	}))
	d.unite("Extended", "outcome", variantsOf(func(curfew.Outcome) variant { return variant{} }))
	d.unite("EventReceipt", "outcome", []variant{
		{value: "recorded", doc: "The event is recorded", may: []string{"state", "worth", "currency", "checkouts"}},
		{value: "kept", doc: "The event is stored unchanged, and had no effect", has: []string{"why"}},
	})
}

// variantsOf returns a variant for each outcome.
func variantsOf(fields func(curfew.Outcome) variant) []variant {
	var all []variant
	for _, o := range curfew.Outcomes() {
		v := fields(o)
		v.value, v.doc = string(o), outcomeDocs[o]
		all = append(all, v)
	}
	return slices.Clip(all)
}
