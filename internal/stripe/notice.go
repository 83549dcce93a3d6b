package stripe

import (
	"encoding/json"
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// reading translates an event into what it says about a payment.
type reading func(stripe.Event) (curfew.NoticeKind, curfew.Payment, error)

// readings lists the events that matter here. They are read by the state of Stripe's
// object, not by their order of arrival.
var readings = map[stripe.EventType]reading{
	stripe.EventTypeCheckoutSessionCompleted:             readPaid,
	stripe.EventTypeCheckoutSessionAsyncPaymentSucceeded: readPaid,
	stripe.EventTypeCheckoutSessionAsyncPaymentFailed:    readUnpaid(curfew.NoticeFailed),
	stripe.EventTypeCheckoutSessionExpired:               readUnpaid(curfew.NoticeExpired),
	stripe.EventTypeChargeRefunded:                       readRefunded,
	stripe.EventTypeChargeDisputeCreated:                 readDisputed,
	stripe.EventTypeChargeDisputeFundsWithdrawn:          readDisputed,
	stripe.EventTypeChargeDisputeClosed:                  readDisputeClosed,
}

func translate(event stripe.Event) (curfew.NoticeKind, curfew.Payment, error) {
	read, ok := readings[event.Type]
	if !ok {
		return curfew.NoticeOther, curfew.Payment{}, nil
	}
	return read(event)
}

// readPaid reads a completed checkout. With a delayed payment method it completes
// unpaid, and another event reports the payment.
func readPaid(event stripe.Event) (curfew.NoticeKind, curfew.Payment, error) {
	payment, err := readCheckout(event)
	if err != nil || !payment.Paid {
		return curfew.NoticeOther, payment, err
	}
	payment.PaidAt = instant(event.Created)
	return curfew.NoticePaid, payment, nil
}

func readUnpaid(kind curfew.NoticeKind) reading {
	return func(event stripe.Event) (curfew.NoticeKind, curfew.Payment, error) {
		payment, err := readCheckout(event)
		return kind, payment, err
	}
}

func readCheckout(event stripe.Event) (curfew.Payment, error) {
	var session checkoutSession
	if err := object(event, &session); err != nil {
		return curfew.Payment{}, err
	}
	if err := curfew.CheckRef("the Checkout Session's id", session.ID); err != nil {
		return curfew.Payment{}, err
	}
	return session.payment(), nil
}

// readRefunded reads how much of a payment has been refunded so far, by whomever. A
// charge does not name its checkout.
func readRefunded(event stripe.Event) (curfew.NoticeKind, curfew.Payment, error) {
	var charge struct {
		Amount         int64     `json:"amount"`
		AmountRefunded int64     `json:"amount_refunded"`
		Currency       string    `json:"currency"`
		PaymentIntent  reference `json:"payment_intent"`
	}
	if err := object(event, &charge); err != nil {
		return curfew.NoticeOther, curfew.Payment{}, err
	}
	return about(curfew.NoticeRefunded, curfew.Payment{
		PaymentID: string(charge.PaymentIntent),
		Amount:    charge.Amount,
		Currency:  strings.ToLower(charge.Currency),
		Refunded:  charge.AmountRefunded,
	})
}

// dispute declares the fields of a dispute that are read. Amount is what the bank claims.
type dispute struct {
	Amount        int64                `json:"amount"`
	Currency      string               `json:"currency"`
	PaymentIntent reference            `json:"payment_intent"`
	Status        stripe.DisputeStatus `json:"status"`
}

func readDisputed(event stripe.Event) (curfew.NoticeKind, curfew.Payment, error) {
	var d dispute
	if err := object(event, &d); err != nil {
		return curfew.NoticeOther, curfew.Payment{}, err
	}
	return d.notice()
}

// readDisputeClosed matters only if the dispute was lost.
func readDisputeClosed(event stripe.Event) (curfew.NoticeKind, curfew.Payment, error) {
	var d dispute
	if err := object(event, &d); err != nil {
		return curfew.NoticeOther, curfew.Payment{}, err
	}
	switch d.Status {
	case stripe.DisputeStatusWon, stripe.DisputeStatusWarningClosed, stripe.DisputeStatusPrevented:
		return curfew.NoticeOther, curfew.Payment{}, nil
	}
	return d.notice()
}

func (d dispute) notice() (curfew.NoticeKind, curfew.Payment, error) {
	return about(curfew.NoticeDisputed, curfew.Payment{
		PaymentID: string(d.PaymentIntent),
		Amount:    d.Amount,
		Currency:  strings.ToLower(d.Currency),
	})
}

// about returns a notice of a payment without a reference. Without a payment intent
// it did not come from a Checkout Session, so it is not ours.
func about(kind curfew.NoticeKind, payment curfew.Payment) (curfew.NoticeKind, curfew.Payment, error) {
	if payment.PaymentID == "" {
		return curfew.NoticeOther, curfew.Payment{}, nil
	}
	return kind, payment, nil
}

// object decodes an event's object. Only the necessary fields are declared, so that
// no other field of another API version can make a payment unreadable.
func object(event stripe.Event, into any) error {
	if event.Data == nil || json.Unmarshal(event.Data.Raw, into) != nil {
		return curfew.Errorf(curfew.Invalid, "Stripe's %s event does not hold what it should", event.Type)
	}
	return nil
}

// reference is the id of another object. Stripe sends the whole object if it was
// expanded.
type reference string

// UnmarshalJSON reads both forms, and null as none.
func (r *reference) UnmarshalJSON(data []byte) error {
	if data[0] != '{' {
		return json.Unmarshal(data, (*string)(r))
	}
	var expanded struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(data, &expanded)
	*r = reference(expanded.ID)
	return err
}
