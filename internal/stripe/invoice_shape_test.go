package stripe_test

import (
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

const invoice = `"object":"invoice","currency":"eur","subtotal":3500,"amount_due":2900,"customer":"cus_1","customer_email":"kim@example.org",`

func invoiceShapes() map[string]shape {
	const meta = `"metadata":{"plan":"chat10","customer_id":"kim"}`
	price := sold(func(o *curfew.Order) { o.Price = 3500 })
	captured := []curfew.Fact{eur("attempt", "pi_1", "captured", 2900)}
	return map[string]shape{
		"an invoice of an older version is paid": {
			gostripe.EventTypeInvoicePaid, `{"id":"in_1",` + invoice + `"status":"paid","amount_paid":2900,"subscription":"sub_1","payment_intent":"pi_1","charge":"ch_1",
				"subscription_details":{` + meta + `},"metadata":{"plan":"other"}}`,
			[]string{"in_1", "pi_1", "ch_1"},
			"pi_1", captured, price,
		},
		"an invoice is paid, and does not say with what": {
			gostripe.EventTypeInvoicePaymentSucceeded, `{"id":"in_1",` + invoice + `"status":"paid","amount_paid":2900,"parent":{"type":"subscription_details","subscription_details":{"subscription":"sub_1",` + meta + `}}}`,
			[]string{"in_1"},
			"",
			[]curfew.Fact{eur("attempt", "in_1", "captured", 2900)},
			price,
		},
		"an invoice holds its payments": {
			gostripe.EventTypeInvoicePaid, `{"id":"in_1",` + invoice + `"status":"paid","amount_paid":2900,` + meta + `,"payments":{"object":"list","data":[
				{"id":"inpay_1","object":"invoice_payment","status":"paid","payment":{"type":"payment_intent","payment_intent":"pi_1"}}]}}`,
			[]string{"in_1", "pi_1"},
			"pi_1", captured, price,
		},
		"an invoice's line says what it is for": {
			gostripe.EventTypeInvoicePaid, `{"id":"in_1",` + invoice + `"status":"paid","amount_paid":2900,"payment_intent":"pi_1","metadata":{},
				"lines":{"object":"list","data":[{"id":"il_1","object":"line_item","quantity":2,` + meta + `}]}}`,
			[]string{"in_1", "pi_1"},
			"pi_1", captured, sold(func(o *curfew.Order) { o.Price, o.Quantity = 3500, 2 }),
		},
		"an invoice of a subscription's first period": {
			gostripe.EventTypeInvoicePaid, `{"id":"in_1",` + invoice + `"status":"paid","amount_paid":2900,"billing_reason":"subscription_create","payment_intent":"pi_1",` + meta + `}`,
			[]string{"in_1", "pi_1"},
			"pi_1", captured, price,
		},
		"an invoice of a later period": {
			gostripe.EventTypeInvoicePaid, `{"id":"in_1",` + invoice + `"status":"paid","amount_paid":2900,"billing_reason":"subscription_cycle","payment_intent":"pi_1",` + meta + `}`,
			[]string{"in_1", "pi_1"},
			"pi_1", captured, sold(func(o *curfew.Order) { o.Price, o.Renewal = 3500, true }),
		},
		"an invoice could not be paid yet": {
			gostripe.EventTypeInvoicePaymentFailed, `{"id":"in_1",` + invoice + `"status":"open","amount_paid":0,"payment_intent":"pi_1",` + meta + `}`,
			[]string{"in_1", "pi_1"},
			"pi_1",
			[]curfew.Fact{eur("promise", "in_1", "open", 2900)},
			price,
		},
		"an invoice will not be paid": {
			gostripe.EventTypeInvoiceMarkedUncollectible, `{"id":"in_1",` + invoice + `"status":"uncollectible","amount_paid":0}`,
			[]string{"in_1"},
			"",
			[]curfew.Fact{eur("promise", "in_1", "failed", 2900)},
			nil,
		},
		"an invoice is void": {
			gostripe.EventTypeInvoiceVoided, `{"id":"in_1",` + invoice + `"status":"void","amount_paid":0}`,
			[]string{"in_1"},
			"",
			[]curfew.Fact{eur("promise", "in_1", "expired", 2900)},
			nil,
		},
		"an invoice of another product": {
			gostripe.EventTypeInvoicePaid, `{"id":"in_1",` + invoice + `"status":"paid","amount_paid":2900,"payment_intent":"pi_1","metadata":{"book":"7"}}`,
			[]string{"in_1", "pi_1"},
			"pi_1", captured, nil,
		},
		"an invoice's payment names both": {
			gostripe.EventTypeInvoicePaymentPaid, `{"id":"inpay_1","object":"invoice_payment","invoice":"in_1","status":"paid","amount_paid":2900,"amount_requested":2900,"currency":"eur",
				"payment":{"type":"payment_intent","payment_intent":"pi_1"}}`,
			[]string{"in_1", "pi_1"},
			"pi_1", captured, nil,
		},
		"an invoice's payment is a charge": {
			gostripe.EventTypeInvoicePaymentPaid, `{"id":"inpay_1","object":"invoice_payment","invoice":"in_1","status":"paid","amount_paid":2900,"amount_requested":2900,"currency":"eur",
				"payment":{"type":"charge","charge":"ch_1"}}`,
			[]string{"in_1", "ch_1"},
			"ch_1",
			[]curfew.Fact{eur("attempt", "ch_1", "captured", 2900)},
			nil,
		},
	}
}
