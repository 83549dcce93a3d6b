package stripe_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// told is one message of a course.
type reported struct {
	kind   gostripe.EventType
	object string
}

// What real accounts were told, message by message, and what it leaves of the money. All
// of a course can happen in one second.
func TestNotice_OfWholeCourses(t *testing.T) {
	t.Parallel()
	const (
		completed = gostripe.EventTypeCheckoutSessionCompleted
		paid      = `{"id":"cs_1","object":"checkout.session","mode":"payment","status":"complete","payment_status":"paid","amount_total":2900,"amount_subtotal":2900,"currency":"eur","metadata":{"plan":"chat10"},"payment_intent":"pi_1"}`
		unpaid    = `{"id":"cs_1","object":"checkout.session","mode":"payment","status":"complete","payment_status":"unpaid","amount_total":2900,"amount_subtotal":2900,"currency":"eur","metadata":{"plan":"chat10"},"payment_intent":"pi_1"}`
		refunded  = `{"id":"ch_1","object":"charge","amount":2900,"amount_captured":2900,"amount_refunded":2900,"currency":"eur","payment_intent":"pi_1","refunded":true,"disputed":false,"status":"succeeded","metadata":{}}`
		refund    = `{"id":"re_1","object":"refund","amount":2900,"currency":"eur","payment_intent":"pi_1","charge":"ch_1","status":"failed","metadata":{},"reason":null`
		disputed  = `{"id":"dp_1","object":"dispute","amount":2900,"currency":"eur","payment_intent":"pi_1","charge":"ch_1","reason":"fraudulent","is_charge_refundable":false,"status":`
		intent    = `{"id":"pi_1","object":"payment_intent","amount":2900,"currency":"eur","metadata":{},`
		charge    = `{"id":"ch_1","object":"charge","amount":2900,"currency":"eur","payment_intent":"pi_1","status":"succeeded",`
	)
	for sentence, row := range map[string]struct {
		course []reported
		want   curfew.Balance
	}{
		"a bank's debit fails": {
			[]reported{{completed, unpaid}, {gostripe.EventTypeCheckoutSessionAsyncPaymentFailed, unpaid}},
			curfew.Balance{State: "failed"},
		},
		"a bank's debit succeeds": {
			[]reported{{completed, unpaid}, {gostripe.EventTypeCheckoutSessionAsyncPaymentSucceeded, paid}},
			curfew.Balance{State: "captured", Captured: 2900, Currency: "eur"},
		},
		"a refund fails after it succeeded": {
			[]reported{
				{completed, paid},
				{gostripe.EventTypeChargeRefunded, refunded},
				{gostripe.EventTypeRefundFailed, refund + `,"failure_reason":"expired_or_canceled_card"}`},
				{gostripe.EventTypeChargeRefundUpdated, refund + `}`},
			},
			curfew.Balance{State: "captured", Captured: 2900, Currency: "eur", Refusal: "refund re_1 is failed: expired_or_canceled_card"},
		},
		"a dispute is lost": {
			[]reported{{completed, paid}, {gostripe.EventTypeChargeDisputeCreated, disputed + `"needs_response"}`}, {gostripe.EventTypeChargeDisputeClosed, disputed + `"lost"}`}},
			curfew.Balance{State: "captured", Captured: 2900, Currency: "eur", Lost: 2900},
		},
		"a dispute is won": {
			[]reported{
				{completed, paid},
				{gostripe.EventTypeChargeDisputeCreated, disputed + `"needs_response"}`},
				{gostripe.EventTypeChargeDisputeClosed, disputed + `"won"}`},
				{gostripe.EventTypeChargeDisputeFundsReinstated, disputed + `"won"}`},
			},
			curfew.Balance{State: "captured", Captured: 2900, Currency: "eur"},
		},
		"an inquiry is closed": {
			[]reported{{completed, paid}, {gostripe.EventTypeChargeDisputeCreated, disputed + `"warning_needs_response"}`}, {gostripe.EventTypeChargeDisputeClosed, disputed + `"warning_closed"}`}},
			curfew.Balance{State: "captured", Captured: 2900, Currency: "eur"},
		},
		"all is given back by hand": {
			[]reported{{completed, paid}, {gostripe.EventTypeChargeRefunded, refunded}},
			curfew.Balance{State: "captured", Captured: 2900, Currency: "eur", Refunded: 2900},
		},
		"a hold is captured": {
			[]reported{{completed, unpaid}, {gostripe.EventTypePaymentIntentSucceeded, intent + `"amount_received":2900,"status":"succeeded"}`}},
			curfew.Balance{State: "captured", Captured: 2900, Currency: "eur"},
		},
		"a hold is reserved": {
			[]reported{{completed, unpaid}, {gostripe.EventTypePaymentIntentAmountCapturableUpdated, intent + `"amount_capturable":2900,"status":"requires_capture"}`}},
			curfew.Balance{State: "authorised", Authorised: 2900, Currency: "eur"},
		},
		"a hold is released, which looks like a refund": {
			[]reported{
				{completed, unpaid},
				{gostripe.EventTypePaymentIntentAmountCapturableUpdated, intent + `"amount_capturable":2900,"status":"requires_capture"}`},
				{gostripe.EventTypePaymentIntentCanceled, intent + `"status":"canceled","cancellation_reason":"requested_by_customer"}`},
				{gostripe.EventTypeChargeRefunded, charge + `"captured":false,"amount_captured":0,"amount_refunded":2900,"refunded":true}`},
			},
			curfew.Balance{State: "failed"},
		},
		"a hold lapses": {
			[]reported{
				{completed, unpaid},
				{gostripe.EventTypeChargeSucceeded, charge + `"captured":false,"amount_captured":0,"amount_refunded":0,"refunded":false}`},
				{gostripe.EventTypeChargeExpired, charge + `"captured":false,"amount_captured":0,"amount_refunded":2900,"refunded":true}`},
			},
			curfew.Balance{State: "failed"},
		},
		"a hold is captured in part, which releases the rest": {
			[]reported{
				{completed, unpaid},
				{gostripe.EventTypeChargeCaptured, charge + `"captured":true,"amount_captured":2000,"amount_refunded":900,"refunded":false}`},
				{gostripe.EventTypePaymentIntentSucceeded, intent + `"amount_received":2000,"status":"succeeded"}`},
			},
			curfew.Balance{State: "captured", Captured: 2000, Currency: "eur"},
		},
		"a card is declined, and another one is not": {
			[]reported{
				{gostripe.EventTypePaymentIntentPaymentFailed, intent + `"status":"requires_payment_method","last_payment_error":{"type":"card_error","code":"card_declined","charge":"ch_0"}}`},
				{gostripe.EventTypePaymentIntentSucceeded, intent + `"amount_received":2900,"status":"succeeded","latest_charge":"ch_1"}`},
				{completed, paid},
			},
			curfew.Balance{State: "captured", Captured: 2900, Currency: "eur"},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			for _, payment := range []curfew.Payment{{Facts: facts(t, row.course, false)}, {Facts: facts(t, row.course, true)}} {
				if diff := cmp.Diff(row.want, payment.Balance(0, "")); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// facts are those of a course, told in order or the other way round.
func facts(t *testing.T, course []reported, backwards bool) []curfew.Fact {
	t.Helper()
	var all []curfew.Fact
	for i := range course {
		message := course[i]
		if backwards {
			message = course[len(course)-1-i]
		}
		body := eventBody(t, message.kind, message.object)
		notice, err := hook(t).Read(signed(stripetest.Sign(secret, noon, body)), body)
		if err != nil || notice.Unread != "" || notice.Name != "pi_1" {
			t.Fatalf("%+v, %v", notice, err)
		}
		all = append(all, notice.Facts...)
	}
	return all
}

func TestNotice_OfThreeDecimals(t *testing.T) {
	t.Parallel()
	got, err := read(t, hook(t), gostripe.Event{}, map[string]any{
		"id": "cs_1", "payment_status": "paid", "amount_total": 9990, "amount_subtotal": 9990, "currency": "kwd", "payment_intent": "pi_1",
		"metadata": map[string]string{"plan": "chat10", "starts_at": "2026-11-23T15:00:00Z"},
	})
	want := curfew.Fact{Kind: "attempt", Object: "pi_1", State: "captured", Amount: 9990, Currency: "kwd", At: noon}
	if diff := cmp.Diff([]curfew.Fact{want}, got.Facts); diff != "" || err != nil || !got.Order.StartsAt.Equal(noon.Add(3*time.Hour)) {
		t.Error(err, diff, got.Order)
	}
}
