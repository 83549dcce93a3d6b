package stripe_test

import (
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

const session = `"object":"checkout.session","created":1795000000,"mode":"payment","currency":"eur","metadata":{"plan":"chat10","customer_id":"kim"},
	"customer_details":{"email":"kim@example.org","name":null},"customer":"cus_1","payment_link":"plink_1",`

func sessionShapes() map[string]shape {
	const (
		completed = gostripe.EventTypeCheckoutSessionCompleted
		failed    = gostripe.EventTypeCheckoutSessionAsyncPaymentFailed
	)
	both := []string{"cs_1", "pi_1"}
	return map[string]shape{
		"a session is paid": {
			completed, `{"id":"cs_1",` + session + `"status":"complete","payment_status":"paid","amount_total":2900,"amount_subtotal":3500,"payment_intent":"pi_1"}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "pi_1", "captured", 2900)},
			sold(func(o *curfew.Order) { o.Price = 3500 }),
		},
		"a session with a coupon of all of it": {
			completed, `{"id":"cs_1",` + session + `"status":"complete","payment_status":"no_payment_required","amount_total":0,"amount_subtotal":2900,"payment_intent":null}`,
			[]string{"cs_1"},
			"",
			[]curfew.Fact{eur("attempt", "cs_1", "captured", 0)},
			sold(func(o *curfew.Order) { o.Amount = 0 }),
		},
		"a session is completed and unpaid: undecided": {
			completed, `{"id":"cs_1",` + session + `"status":"complete","payment_status":"unpaid","amount_total":2900,"payment_intent":"pi_1"}`,
			both, "pi_1",
			[]curfew.Fact{eur("promise", "cs_1", "promised", 2900)},
			sold(nil),
		},
		"a delayed payment succeeds": {
			gostripe.EventTypeCheckoutSessionAsyncPaymentSucceeded,
			`{"id":"cs_1",` + session + `"status":"complete","payment_status":"paid","amount_total":2900,"payment_intent":"pi_1"}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "pi_1", "captured", 2900)},
			sold(nil),
		},
		"a success that is not paid is none": {
			gostripe.EventTypeCheckoutSessionAsyncPaymentSucceeded,
			`{"id":"cs_1",` + session + `"status":"complete","payment_status":"unpaid","amount_total":2900,"payment_intent":"pi_1"}`,
			both, "pi_1",
			[]curfew.Fact{eur("promise", "cs_1", "promised", 2900)},
			sold(nil),
		},
		"a delayed payment fails": {
			failed, `{"id":"cs_1",` + session + `"status":"complete","payment_status":"unpaid","amount_total":2900,"payment_intent":"pi_1"}`,
			both, "pi_1",
			[]curfew.Fact{eur("promise", "cs_1", "failed", 2900)},
			sold(nil),
		},
		"a failure that is paid is none": {
			failed, `{"id":"cs_1",` + session + `"status":"complete","payment_status":"paid","amount_total":2900,"payment_intent":"pi_1"}`,
			both, "pi_1",
			[]curfew.Fact{eur("attempt", "pi_1", "captured", 2900)},
			sold(nil),
		},
		"a session expires": {
			gostripe.EventTypeCheckoutSessionExpired, `{"id":"cs_1",` + session + `"status":"expired","payment_status":"unpaid","amount_total":2900,"payment_intent":null}`,
			[]string{"cs_1"},
			"",
			[]curfew.Fact{eur("promise", "cs_1", "expired", 2900)},
			sold(nil),
		},
		"a session is still open": {
			completed, `{"id":"cs_1",` + session + `"status":"open","payment_status":"unpaid","amount_total":2900,"payment_intent":null}`,
			[]string{"cs_1"},
			"",
			[]curfew.Fact{eur("promise", "cs_1", "open", 2900)},
			sold(nil),
		},
		"a session says nothing of its state": {
			completed, `{"id":"cs_1",` + session + `"payment_status":"unpaid","amount_total":2900}`,
			[]string{"cs_1"},
			"",
			[]curfew.Fact{eur("promise", "cs_1", "promised", 2900)},
			sold(nil),
		},
		"a session is in a state that nobody knows": {
			completed, `{"id":"cs_1",` + session + `"status":"dreaming","payment_status":"pondered","amount_total":2900}`,
			[]string{"cs_1"},
			"",
			[]curfew.Fact{eur("promise", "cs_1", "promised", 2900)},
			sold(nil),
		},
		"a session only saves a card": {
			completed, `{"id":"cs_1","object":"checkout.session","mode":"setup","status":"complete","payment_status":"no_payment_required","amount_total":null,"setup_intent":"seti_1"}`,
			nil, "", nil, nil,
		},
		"a subscription's session names its invoice": {
			completed, `{"id":"cs_1","object":"checkout.session","mode":"subscription","status":"complete","payment_status":"paid","amount_total":2900,"currency":"eur",
				"customer":"cus_1","customer_email":"kim@example.org","subscription":"sub_1","invoice":"in_1","client_reference_id":"kim","metadata":{"plan":"chat10"}}`,
			[]string{"cs_1", "in_1"},
			"",
			[]curfew.Fact{eur("attempt", "in_1", "captured", 2900)},
			sold(func(o *curfew.Order) { delete(o.Metadata, "customer_id") }),
		},
		"a session holds its intent and charge": {
			completed, `{"id":"cs_1",` + session + `"status":"complete","payment_status":"unpaid","amount_total":2900,"payment_intent":{"id":"pi_1","object":"payment_intent",
				"status":"requires_capture","amount":2900,"amount_capturable":2900,"currency":"eur","latest_charge":{"id":"ch_1","object":"charge","amount":2900,
				"amount_captured":0,"amount_refunded":0,"captured":false,"status":"succeeded","currency":"eur","payment_intent":"pi_1",
				"payment_method_details":{"type":"card","card":{"capture_before":1795521600}}}}}`,
			[]string{"cs_1", "pi_1", "ch_1"},
			"pi_1",
			[]curfew.Fact{
				eur("promise", "cs_1", "promised", 2900),
				until(eur("attempt", "pi_1", "authorised", 2900), noon.AddDate(0, 0, 1)),
				until(eur("attempt", "ch_1", "authorised", 2900), noon.AddDate(0, 0, 1)),
			},
			sold(nil),
		},
	}
}
