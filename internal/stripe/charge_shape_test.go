package stripe_test

import (
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

const charge = `"object":"charge","created":1795000000,"amount":2900,"currency":"eur","customer":"cus_1","payment_intent":"pi_1","metadata":{},`

func chargeShapes() map[string]shape {
	both := []string{"pi_1", "ch_1"}
	captured := eur("attempt", "ch_1", "captured", 2900)
	total := func(amount int64) curfew.Fact { return eur("refund_total", "ch_1", "total", amount) }
	return map[string]shape{
		"a charge is captured": {
			gostripe.EventTypeChargeSucceeded, `{"id":"ch_1",` + charge + `"status":"succeeded","captured":true,"amount_captured":2900,"amount_refunded":0}`,
			both, "pi_1",
			[]curfew.Fact{captured, total(0)},
			nil,
		},
		"a charge is refunded in part": {
			gostripe.EventTypeChargeRefunded, `{"id":"ch_1",` + charge + `"status":"succeeded","captured":true,"amount_captured":2900,"amount_refunded":500,"refunded":false}`,
			both, "pi_1",
			[]curfew.Fact{since(captured), total(500)},
			nil,
		},
		"a charge of an older version is refunded": {
			gostripe.EventTypeChargeRefunded, `{"id":"ch_1",` + charge + `"status":"succeeded","captured":true,"amount_refunded":2900,"refunded":true,"invoice":"in_1",
				"refunds":{"object":"list","data":[{"id":"re_2","object":"refund","amount":1900,"currency":"eur","status":"failed","failure_reason":"lost_or_stolen_card"},
				{"id":"re_1","object":"refund","amount":2900,"currency":"eur","status":"succeeded"}]}}`,
			[]string{"in_1", "pi_1", "ch_1"},
			"pi_1",
			[]curfew.Fact{
				since(captured), total(2900), because(eur("refund", "re_2", "failed", 1900), "lost_or_stolen_card"), eur("refund", "re_1", "succeeded", 2900),
			},
			nil,
		},
		"a charge is captured in part, and the rest is released": {
			gostripe.EventTypeChargeCaptured, `{"id":"ch_1",` + charge + `"status":"succeeded","captured":true,"amount_captured":2000,"amount_refunded":900,"refunded":false}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "ch_1", "captured", 2000), total(0)},
			nil,
		},
		"a charge is captured in part, and some of that is refunded": {
			gostripe.EventTypeChargeRefunded, `{"id":"ch_1",` + charge + `"status":"succeeded","captured":true,"amount_captured":2000,"amount_refunded":1200,"refunded":false}`,
			both, "pi_1",
			[]curfew.Fact{since(eur("attempt", "ch_1", "captured", 2000)), total(300)},
			nil,
		},
		"a released hold looks like a refund": {
			gostripe.EventTypeChargeRefunded, `{"id":"ch_1",` + charge + `"status":"succeeded","captured":false,"amount_captured":0,"amount_refunded":2900,"refunded":true}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "ch_1", "voided", 2900), total(0)},
			nil,
		},
		"a hold lapses": {
			gostripe.EventTypeChargeExpired, `{"id":"ch_1",` + charge + `"status":"succeeded","captured":false,"amount_captured":0,"amount_refunded":2900,"refunded":true}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "ch_1", "expired", 2900), total(0)},
			nil,
		},
		"a charge is reserved": {
			gostripe.EventTypeChargeSucceeded, `{"id":"ch_1",` + charge + `"status":"succeeded","captured":false,"amount_captured":0,"amount_refunded":0,
				"payment_method_details":{"type":"card","card":{"capture_before":1795521600}}}`,
			both, "pi_1",
			[]curfew.Fact{until(eur("attempt", "ch_1", "authorised", 2900), noon.AddDate(0, 0, 1))},
			nil,
		},
		"a charge is under way": {
			gostripe.EventTypeChargePending, `{"id":"ch_1",` + charge + `"status":"pending","captured":false,"amount_captured":0,"amount_refunded":0}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "ch_1", "pending", 2900)},
			nil,
		},
		"a charge fails": {
			gostripe.EventTypeChargeFailed, `{"id":"ch_1",` + charge + `"status":"failed","captured":false,"amount_captured":0,"amount_refunded":0,"failure_code":"card_declined","failure_message":"No."}`,
			both, "pi_1",
			[]curfew.Fact{because(eur("attempt", "ch_1", "failed", 2900), "card_declined: No.")},
			nil,
		},
		"a charge without an intent is its own payment": {
			gostripe.EventTypeChargeRefunded, `{"id":"ch_1","object":"charge","amount":2900,"currency":"eur","payment_intent":null,"status":"succeeded","captured":true,"amount_captured":2900,"amount_refunded":2900}`,
			[]string{"ch_1"},
			"ch_1",
			[]curfew.Fact{captured, total(2900)},
			nil,
		},
	}
}
