package stripe

import (
	"encoding/json"
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
)

// reading tells what an event says of a payment.
type reading func(stripe.Event) (curfew.NoticeKind, curfew.Payment, error)

// readings is the table of the events that mean something here. It says what
// Stripe's object says, not what the order of arrival suggests.
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

// readPaid is of a completed checkout. A delayed method completes it unpaid,
// and tells by another event when the money has come.
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

// readRefunded tells how much of a payment has been given back so far, by
// whomever. Which checkout it was for, a charge does not know.
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

// dispute is what is read of one: Amount is what the bank asks for.
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

// readDisputeClosed is bad news only if the money stays away.
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

// about is a notice of a payment that has no reference here. Without a payment
// intent it came from no Checkout Session, so it is none of ours.
func about(kind curfew.NoticeKind, payment curfew.Payment) (curfew.NoticeKind, curfew.Payment, error) {
	if payment.PaymentID == "" {
		return curfew.NoticeOther, curfew.Payment{}, nil
	}
	return kind, payment, nil
}

// object decodes what an event is about. Only what is needed is declared, so
// that a field of another API version cannot make a payment unreadable.
func object(event stripe.Event, into any) error {
	if event.Data == nil || json.Unmarshal(event.Data.Raw, into) != nil {
		return curfew.Errorf(curfew.Invalid, "Stripe's %s event does not hold what it should", event.Type)
	}
	return nil
}

// reference is another object's id; Stripe sends the object itself where it was
// asked to expand it.
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
