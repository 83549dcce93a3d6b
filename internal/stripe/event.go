package stripe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// kind is a kind of Stripe object, and how to read it.
type kind struct {
	object string // Stripe's name of it
	read   func(*translation, object)
}

var (
	sessions        = kind{"checkout.session", (*translation).session}
	intents         = kind{"payment_intent", (*translation).intentAlone}
	charges         = kind{"charge", (*translation).charge}
	refunds         = kind{"refund", (*translation).refund}
	disputes        = kind{"dispute", (*translation).dispute}
	invoices        = kind{"invoice", (*translation).invoice}
	invoicePayments = kind{"invoice_payment", (*translation).invoicePayment}
)

// kinds lists the events that matter to a payment. They are read by the state of the object, not by
// their type or order of arrival.
var kinds = map[stripe.EventType]kind{
	stripe.EventTypeCheckoutSessionCompleted:             sessions,
	stripe.EventTypeCheckoutSessionAsyncPaymentSucceeded: sessions,
	stripe.EventTypeCheckoutSessionAsyncPaymentFailed:    sessions,
	stripe.EventTypeCheckoutSessionExpired:               sessions,
	stripe.EventTypePaymentIntentAmountCapturableUpdated: intents,
	stripe.EventTypePaymentIntentCanceled:                intents,
	stripe.EventTypePaymentIntentPaymentFailed:           intents,
	stripe.EventTypePaymentIntentProcessing:              intents,
	stripe.EventTypePaymentIntentSucceeded:               intents,
	stripe.EventTypeChargeCaptured:                       charges,
	stripe.EventTypeChargeExpired:                        charges,
	stripe.EventTypeChargeFailed:                         charges,
	stripe.EventTypeChargePending:                        charges,
	stripe.EventTypeChargeRefunded:                       charges,
	stripe.EventTypeChargeSucceeded:                      charges,
	stripe.EventTypeChargeRefundUpdated:                  refunds,
	stripe.EventTypeRefundCreated:                        refunds,
	stripe.EventTypeRefundFailed:                         refunds,
	stripe.EventTypeRefundUpdated:                        refunds,
	stripe.EventTypeChargeDisputeClosed:                  disputes,
	stripe.EventTypeChargeDisputeCreated:                 disputes,
	stripe.EventTypeChargeDisputeFundsReinstated:         disputes,
	stripe.EventTypeChargeDisputeFundsWithdrawn:          disputes,
	stripe.EventTypeChargeDisputeUpdated:                 disputes,
	stripe.EventTypeInvoiceMarkedUncollectible:           invoices,
	stripe.EventTypeInvoicePaid:                          invoices,
	stripe.EventTypeInvoicePaymentFailed:                 invoices,
	stripe.EventTypeInvoicePaymentSucceeded:              invoices,
	stripe.EventTypeInvoiceVoided:                        invoices,
	stripe.EventTypeInvoicePaymentPaid:                   invoicePayments,
}

// Events lists the event types that Hook reads, in order. An endpoint should receive all of them
// and needs no others.
func Events() []string {
	var all []string
	for _, each := range slices.Sorted(maps.Keys(kinds)) {
		all = append(all, string(each))
	}
	return all
}

// event is a message with a valid signature, whatever it contains.
type event struct {
	id      string
	kind    string // its type
	account string
	live    bool
	at      time.Time
	data    object
	broken  error // it is no event
}

// open decodes the envelope of an event. An event without a usable id gets the digest of its body
// as its id, so that a repetition is recognized.
func open(body []byte) event {
	var o object
	if err := json.Unmarshal(body, &o); err != nil || o == nil {
		return event{id: digest(body), broken: errors.New("the message is signed, but is no JSON object")}
	}
	e := event{
		id:      o.text("id"),
		kind:    shown(o.text("type"), curfew.MaxRef),
		account: o.text("account"),
		live:    o.flag("livemode"),
		at:      o.time("created"),
		data:    o.object("data").object("object"),
	}
	if curfew.CheckRef("id", e.id) != nil {
		e.id = digest(body)
	}
	return e
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// notice returns a notice of the event's envelope alone.
func (e event) notice() curfew.Notice {
	return curfew.Notice{ID: e.id, Type: e.kind, Provider: Provider, Account: shown(e.account, curfew.MaxID), At: e.at}
}

// translated returns what the event says, or why it could not be read.
func (e event) translated(keys Keys, body []byte) curfew.Notice {
	n, err := e.translate(keys)
	if err != nil {
		n = e.notice()
		n.Unread, n.Body = err.Error(), slices.Clone(body)
	}
	return n
}

// translate returns an error for an event that should be readable but is not.
func (e event) translate(keys Keys) (curfew.Notice, error) {
	known, ok := kinds[stripe.EventType(e.kind)]
	if !ok {
		return e.notice(), e.broken
	}
	if e.data == nil {
		return e.notice(), fmt.Errorf("the event has no %s", known.object)
	}
	if is := e.data.text("object"); is != "" && is != known.object {
		return e.notice(), fmt.Errorf("the event has %q where it should have a %s", shown(is, maxShown), known.object)
	}
	t := &translation{keys: keys, kind: e.kind, at: e.at}
	known.read(t, e.data)
	n, err := t.notice()
	n.ID, n.Account = e.id, e.notice().Account
	return n, err
}
