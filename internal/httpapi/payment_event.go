package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/provider"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// eventReceipt is the answer to a marketplace's event: what became of it.
type eventReceipt struct {
	Outcome   string            `json:"outcome" enum:"recorded,kept" doc:"kept: the event was stored unchanged, and had no effect"`
	Why       string            `json:"why,omitempty" doc:"For kept: what is wrong with the event"`
	State     string            `json:"state,omitempty" enum:"reported,promised,authorised,captured,failed" doc:"The payment's state, by everything that is known about it. Absent while no payment has been reported"`
	Worth     *int64            `json:"worth,omitempty" doc:"What the payment can pay for now, in the currency's minor unit. Money that is only reserved does not count yet"`
	Currency  string            `json:"currency,omitempty"`
	Checkouts []receiptCheckout `json:"checkouts,omitempty" nullable:"false" doc:"What it pays for, oldest first; absent until an order or the shop says what was bought"`
}

type receiptCheckout struct {
	ID      string `json:"id"`
	Outcome string `json:"outcome" enum:"promised,fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited,void,ignored"`
}

// eventAnswers answers the events of any provider.
type eventAnswers struct{ payments *lifecycle.Payments }

// answer returns the state of the event's payment once the event is committed.
func (a eventAnswers) answer(ctx context.Context, w http.ResponseWriter, n curfew.Notice) error {
	receipt := eventReceipt{Outcome: "kept", Why: n.Unread}
	if n.Unread == "" {
		l, err := a.payments.Ledger(ctx, n.References[0])
		if err != nil {
			return err
		}
		receipt = receiptOf(l)
	}
	w.Header().Set("Content-Type", jsonType)
	_ = json.NewEncoder(w).Encode(receipt) // an error means that the sender has gone
	return nil
}

func receiptOf(l record.Ledger) eventReceipt {
	r := eventReceipt{Outcome: "recorded"}
	if b := l.Money(); b.State != "reported" || len(l.Checkouts) > 0 {
		worth := b.Worth()
		r.State, r.Worth, r.Currency = b.State, &worth, b.Currency
	}
	for _, c := range l.Checkouts {
		r.Checkouts = append(r.Checkouts, receiptCheckout{c.ID, string(c.Outcome)})
	}
	return r
}

// eventExample is a payment at PayPal, for the documentation.
const eventExample = `{
	"id": "WH-58D329510W468432D", "type": "paid", "provider": "paypal", "references": ["2GG279541U471931P", "order-1001"],
	"amount": 2900, "currency": "eur", "at": "2026-11-28T10:00:00Z", "order": {"customerId": "kim", "plan": "chat10"}
}`

// eventOperation describes the webhook for any provider. Huma does not check the body, because the
// signature covers its bytes, and a signed body is kept even if it is wrong.
func (d door) eventOperation(to *router) *huma.Operation {
	op, schemas := d.operation(to), to.api.OpenAPI().Components.Schemas
	op.OperationID, op.Tags = "receivePaymentEvent", []string{"payments"}
	op.Summary = "Receive an event about a payment at any provider"
	op.Description = strings.Join([]string{
		"For: a program of the marketplace that translates a provider's messages, authenticated by its signature (https://www.standardwebhooks.com) with payments.secret.",
		"Repeating an event changes nothing, and events may come in any order.",
		"Every event with a valid signature is answered 200; one that cannot be used is kept, and the answer says why. Send the event again after any other status than 2xx.",
	}, " ")
	op.RequestBody = &huma.RequestBody{
		Description: "One event. An event with unknown fields is kept, and has no effect", Required: true,
		Content: map[string]*huma.MediaType{jsonType: {
			Schema: schemas.Schema(reflect.TypeFor[provider.PaymentEvent](), true, ""), Example: json.RawMessage(eventExample),
		}},
	}
	op.Responses[strconv.Itoa(http.StatusOK)] = &huma.Response{
		Description: "The event is stored, now or earlier; do not send it again",
		Content:     map[string]*huma.MediaType{jsonType: {Schema: schemas.Schema(reflect.TypeFor[eventReceipt](), true, "")}},
	}
	op.Parameters = signedBy((*provider.Hook).Headers(nil)) // the same without a secret
	return op
}
