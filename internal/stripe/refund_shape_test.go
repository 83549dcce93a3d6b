package stripe_test

import (
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

func refundShapes() map[string]shape {
	refund := `"object":"refund","created":1795000000,"amount":2900,"currency":"eur","payment_intent":"pi_1","charge":"ch_1","metadata":{},"reason":"requested_by_customer",`
	both := []string{"pi_1", "ch_1"}
	row := func(kind gostripe.EventType, rest, state, reason string) shape {
		f := because(eur("refund", "re_1", state, 2900), reason)
		if state != "failed" && state != "canceled" {
			f = since(f)
		}
		return shape{kind, `{"id":"re_1",` + refund + rest + `}`, both, "pi_1", []curfew.Fact{f}, nil}
	}
	return map[string]shape{
		"a refund succeeds":          row(gostripe.EventTypeRefundCreated, `"status":"succeeded"`, "succeeded", ""),
		"a refund is pending":        row(gostripe.EventTypeRefundCreated, `"status":"pending","pending_reason":"insufficient_funds"`, "pending", "insufficient_funds"),
		"a refund waits for someone": row(gostripe.EventTypeRefundUpdated, `"status":"requires_action"`, "requires_action", ""),
		"a refund fails":             row(gostripe.EventTypeRefundFailed, `"status":"failed","failure_reason":"expired_or_canceled_card"`, "failed", "expired_or_canceled_card"),
		"a refund fails, in the older event": row(gostripe.EventTypeChargeRefundUpdated,
			`"status":"failed","failure_reason":"lost_or_stolen_card"`, "failed", "lost_or_stolen_card"),
		"a refund is cancelled":                 row(gostripe.EventTypeRefundUpdated, `"status":"canceled"`, "canceled", ""),
		"a failure that succeeded is none":      row(gostripe.EventTypeRefundFailed, `"status":"succeeded"`, "succeeded", ""),
		"a refund in a state that nobody knows": row(gostripe.EventTypeRefundUpdated, `"status":"dreaming"`, "pending", ""),
		"a refund of a charge that is its own payment": {
			gostripe.EventTypeRefundCreated, `{"id":"re_1","object":"refund","amount":5,"currency":"eur","charge":"ch_1","payment_intent":null,"status":"succeeded"}`,
			[]string{"ch_1"},
			"ch_1",
			[]curfew.Fact{eur("refund", "re_1", "succeeded", 5)},
			nil,
		},
		"a refund of no payment": {
			gostripe.EventTypeRefundCreated, `{"id":"re_1","object":"refund","amount":5,"currency":"eur","charge":null,"payment_intent":null,"status":"succeeded"}`, nil, "", nil, nil,
		},
	}
}

func disputeShapes() map[string]shape {
	all := map[string]shape{}
	for status, state := range map[string]string{
		"warning_needs_response": "warning", "warning_under_review": "warning", "warning_closed": "closed", "needs_response": "needs_response",
		"under_review": "under_review", "won": "won", "lost": "lost", "prevented": "prevented", "charge_refunded": "unknown", "": "unknown",
	} {
		for _, kind := range []gostripe.EventType{
			gostripe.EventTypeChargeDisputeCreated, gostripe.EventTypeChargeDisputeUpdated, gostripe.EventTypeChargeDisputeClosed,
			gostripe.EventTypeChargeDisputeFundsWithdrawn, gostripe.EventTypeChargeDisputeFundsReinstated,
		} {
			all[string(kind)+" of a dispute that is "+status] = shape{
				kind, `{"id":"du_1","object":"dispute","amount":2900,"currency":"eur","payment_intent":"pi_1","charge":"ch_1","status":"` + status + `","reason":"fraudulent"}`,
				[]string{"pi_1", "ch_1"},
				"pi_1",
				[]curfew.Fact{because(eur("dispute", "du_1", state, 2900), "fraudulent")},
				nil,
			}
		}
	}
	all["a dispute without an amount"] = shape{
		gostripe.EventTypeChargeDisputeCreated, `{"id":"du_1","object":"dispute","amount":null,"currency":null,"payment_intent":null,"charge":"ch_1","status":"lost"}`,
		[]string{"ch_1"},
		"ch_1",
		[]curfew.Fact{{Kind: "dispute", Object: "du_1", State: "lost", At: noon}},
		nil,
	}
	return all
}
