package curfew

import (
	"log/slog"
	"time"
)

// Payment is money that a customer gave: its names, and what its provider says of it. Only
// the package of a provider knows the provider.
type Payment struct {
	ID       string // of its first checkout
	Provider string // empty while only the shop has reported it
	Account  string // the connected account that received it; empty: the provider's main one
	// Name is what refunds and captures call it at the provider; empty while no provider
	// has said it.
	Name string
	// References are all its names, in order: the shop's, a checkout session's, an
	// intent's, a charge's.
	References []string
	Facts      []Fact
}

// Order is what was bought, as the shop told the provider.
type Order struct {
	CustomerID string // empty: the provider does not know whose it is
	Plan       string
	Quantity   int64 // how often; 0 counts as 1
	// Amount is what was paid, in the currency's minor unit, as the provider says, never a
	// browser; Price is the same before discounts, tax and shipping.
	Amount   int64
	Price    int64
	Currency string
	Email    string
	Name     string
	StartsAt time.Time // of an appointment
	Extends  string    // the live session whose minutes it buys
	// Renewal is for a later period of a subscription: it brings a credit, since nobody asks
	// for a session at that moment.
	Renewal  bool
	Metadata map[string]string
	// Flaw is why the order cannot be carried out as it is: a customer's id that is too
	// long, a start without a time zone. Empty: it can.
	Flaw string
}

// LogValue logs an order without its address, name and metadata.
func (o Order) LogValue() slog.Value {
	return slog.GroupValue(slog.String("plan", o.Plan), slog.Int64("amount", o.Amount), slog.String("currency", o.Currency))
}

// Notice is one message of a provider, verified and translated.
type Notice struct {
	ID       string // the provider's; the same message has the same one
	Type     string // the provider's
	Provider string
	Account  string // see Payment
	At       time.Time
	// References name the payment that the message is about, the one that names its
	// checkout first. Name is the one that refunds and captures use. A message without
	// references is about no payment.
	References []string
	Name       string
	Facts      []Fact
	Order      *Order // nil: the message does not say what was bought
	// Naming is for a message that says nothing but that its references are one payment's.
	Naming bool
	// Unread is why a genuine message could not be translated, and Body what it was. Then
	// nothing but its id, type, provider, account and time is known.
	Unread string
	Body   []byte
}

// MoneyOrder asks a provider to give money back, to take what is reserved, or to release it.
// An order with the same key is the same in every field, so that the provider does it once.
type MoneyOrder struct {
	Key       string // what is asked for, the payment's reference, and from the second try on its number
	Account   string // see Payment
	PaymentID string // the payment's name
	Amount    int64
	Currency  string
}
