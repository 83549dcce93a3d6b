package stripetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/stripe/stripe-go/v86"
	"github.com/stripe/stripe-go/v86/webhook"
)

// Event is one message to the webhook. It shows the state when it happened, whenever it is sent.
type Event struct {
	ID   string
	Type stripe.EventType
	Ref  string // the Checkout Session it is about

	number  int
	at      time.Time
	live    bool
	account string
	body    func() []byte // rendered once
}

// emit adds an event about the present state. It is called with the lock held.
func (f *Fake) emit(kind stripe.EventType, c *checkout) {
	then := *c
	f.push(kind, c, func() any { return f.subject(kind, then) })
}

// emitRefund adds an event about the present state of a refund.
func (f *Fake) emitRefund(kind stripe.EventType, c *checkout, then Refund) {
	f.push(kind, c, func() any { return then.object() })
}

func (f *Fake) push(kind stripe.EventType, c *checkout, subject func() any) {
	f.made++
	event := &Event{ID: fmt.Sprintf("evt_%08d", f.made), Type: kind, Ref: c.ref, number: f.made, at: f.now(), live: f.live, account: c.Account}
	event.body = sync.OnceValue(func() []byte { return event.render(subject()) })
	f.events = append(f.events, event)
}

// Events returns the events not delivered yet, oldest first.
func (f *Fake) Events() []*Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*Event(nil), f.events...)
}

// Lost returns the events that are never delivered.
func Lost(f *Fake) []*Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]*Event(nil), f.lost...)
}

// Body returns the message, byte for byte the same each time.
func (e *Event) Body() []byte { return e.body() }

func (e *Event) render(subject any) []byte {
	object, err := json.Marshal(subject)
	if err != nil {
		panic(err) // it was unmarshalled from JSON
	}
	body, err := json.MarshalIndent(stripe.Event{
		ID: e.ID, Object: "event", APIVersion: stripe.APIVersion, Created: e.at.Unix(), Livemode: e.live, Account: e.account,
		Type: e.Type, PendingWebhooks: 1, Request: &stripe.EventRequest{}, Data: &stripe.EventData{Raw: object},
	}, "", "  ")
	if err != nil {
		panic(err)
	}
	return body
}

// subject returns the object that an event is about.
func (f *Fake) subject(kind stripe.EventType, c checkout) any {
	switch kind {
	case stripe.EventTypeChargeRefunded, stripe.EventTypeChargeSucceeded, stripe.EventTypeChargeCaptured, stripe.EventTypeChargeExpired,
		stripe.EventTypeChargeFailed:
		return f.chargeOf(c)
	case stripe.EventTypePaymentIntentAmountCapturableUpdated, stripe.EventTypePaymentIntentSucceeded, stripe.EventTypePaymentIntentCanceled,
		stripe.EventTypePaymentIntentProcessing, stripe.EventTypePaymentIntentPaymentFailed:
		return f.paymentIntent(c, false)
	case stripe.EventTypeChargeDisputeCreated, stripe.EventTypeChargeDisputeUpdated, stripe.EventTypeChargeDisputeFundsWithdrawn,
		stripe.EventTypeChargeDisputeClosed:
		return f.disputeOf(c)
	}
	return f.session(c, expansion{})
}

// Sign returns the Stripe-Signature header of a body, made by Stripe's library.
func Sign(secret string, at time.Time, body []byte) string {
	return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: at}).Header
}
