package stripe_test

import (
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

const intent = `"object":"payment_intent","amount":2900,"currency":"eur","customer":"cus_1",`

func intentShapes() map[string]shape {
	const declined = `"last_payment_error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"Your card has insufficient funds.","charge":"ch_1"}`
	both := []string{"pi_1", "ch_1"}
	return map[string]shape{
		"an intent is authorised": {
			gostripe.EventTypePaymentIntentAmountCapturableUpdated,
			`{"id":"pi_1",` + intent + `"status":"requires_capture","amount_capturable":2500,"amount_received":0,"latest_charge":"ch_1","metadata":{}}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "pi_1", "authorised", 2500)},
			nil,
		},
		"an intent succeeds": {
			gostripe.EventTypePaymentIntentSucceeded, `{"id":"pi_1",` + intent + `"status":"succeeded","amount_received":2000,"latest_charge":"ch_1","metadata":{}}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "pi_1", "captured", 2000)},
			nil,
		},
		"an intent of an older version holds its charges": {
			gostripe.EventTypePaymentIntentSucceeded, `{"id":"pi_1",` + intent + `"status":"succeeded","amount_received":2900,"invoice":"in_1","metadata":{},
				"charges":{"object":"list","data":[{"id":"ch_1","object":"charge","amount":2900,"amount_captured":2900,"amount_refunded":0,"captured":true,"currency":"eur","status":"succeeded"}]}}`,
			[]string{"in_1", "pi_1", "ch_1"},
			"pi_1",
			[]curfew.Fact{
				eur("attempt", "pi_1", "captured", 2900), eur("attempt", "ch_1", "captured", 2900), eur("refund_total", "ch_1", "total", 0),
			},
			nil,
		},
		"an intent is cancelled": {
			gostripe.EventTypePaymentIntentCanceled, `{"id":"pi_1",` + intent + `"status":"canceled","cancellation_reason":"automatic","latest_charge":"ch_1","metadata":{}}`,
			both, "pi_1",
			[]curfew.Fact{because(eur("attempt", "pi_1", "voided", 2900), "automatic")},
			nil,
		},
		"an intent is under way": {
			gostripe.EventTypePaymentIntentProcessing, `{"id":"pi_1",` + intent + `"status":"processing","metadata":{}}`,
			[]string{"pi_1"},
			"pi_1",
			[]curfew.Fact{eur("attempt", "pi_1", "pending", 2900)},
			nil,
		},
		"an intent's charge fails": {
			gostripe.EventTypePaymentIntentPaymentFailed, `{"id":"pi_1",` + intent + `"status":"requires_payment_method",` + declined + `,"latest_charge":"ch_1","metadata":{}}`,
			both, "pi_1",
			[]curfew.Fact{because(eur("attempt", "ch_1", "failed", 2900), "insufficient_funds: Your card has insufficient funds.")},
			nil,
		},
		"an intent holds the charge that failed, and both say why": {
			gostripe.EventTypePaymentIntentPaymentFailed, `{"id":"pi_1",` + intent + `"status":"requires_payment_method","last_payment_error":{"code":"card_declined","charge":"ch_1"},
				"latest_charge":{"id":"ch_1",` + charge + `"status":"failed","captured":false,"failure_code":"card_declined","failure_message":"No."}}`,
			both, "pi_1",
			[]curfew.Fact{because(eur("attempt", "ch_1", "failed", 2900), "card_declined: No.")},
			nil,
		},
		"an intent fails without a charge": {
			gostripe.EventTypePaymentIntentPaymentFailed,
			`{"id":"pi_1",` + intent + `"status":"requires_payment_method","last_payment_error":{"type":"invalid_request_error","code":"payment_intent_authentication_failure"},"latest_charge":null}`,
			[]string{"pi_1"},
			"pi_1",
			[]curfew.Fact{because(eur("attempt", "pi_1", "failed", 2900), "payment_intent_authentication_failure")},
			nil,
		},
		"a failure whose intent succeeded is none": {
			gostripe.EventTypePaymentIntentPaymentFailed, `{"id":"pi_1",` + intent + `"status":"succeeded","amount_received":2900,` + declined + `}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "pi_1", "captured", 2900)},
			nil,
		},
		"an intent waits for its customer": {
			gostripe.EventTypePaymentIntentProcessing, `{"id":"pi_1",` + intent + `"status":"requires_action"}`, []string{"pi_1"}, "pi_1", nil, nil,
		},
		"an intent without Checkout says what it buys": {
			gostripe.EventTypePaymentIntentSucceeded, `{"id":"pi_1",` + intent + `"status":"succeeded","amount_received":2900,"latest_charge":"ch_1",
				"receipt_email":"kim@example.org","metadata":{"plan":"chat10","customer_id":"kim","quantity":"3"}}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "pi_1", "captured", 2900)},
			sold(func(o *curfew.Order) { o.Quantity = 3; with(o, "quantity", "3") }),
		},
	}
}
