package curfew

import (
	"log/slog"
	"time"
)

// Payment is what a customer paid: its names, and what its provider says about it. Only
// the provider's own package knows more about the provider.
type Payment struct {
	ID       string // of its first checkout
	Provider string // empty while only the shop has reported it
	Account  string // the connected account that received it; empty: the provider's main one
	// Name is what refunds and captures call it at the provider; empty until a provider
	// reports it.
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
	// Renewal marks the payment of a later period of a subscription. It becomes a credit,
	// since nobody asks for a session at that moment.
	Renewal  bool
	Metadata map[string]string
	// Flaw is why the order cannot be carried out as it is, such as a customer id that is
	// too long or a start without a time zone. Empty: it can.
	Flaw string
}

// LogValue logs an order without its address, name and metadata.
func (o Order) LogValue() slog.Value {
	return slog.GroupValue(slog.String("plan", o.Plan), slog.Int64("amount", o.Amount), slog.String("currency", o.Currency))
}

// Notice is one message of a provider, verified and translated.
type Notice struct {
	ID       string // the provider's; a message that is sent again keeps it
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
	// Naming marks a message that says only that its references belong to one payment.
	Naming bool
	// Unread is why a genuine message could not be translated, and Body is its text. Only
	// its id, type, provider, account and time are known then.
	Unread string
	Body   []byte
}

// MoneyOrder asks a provider to give money back, to take what is reserved, or to release it.
// An order with the same key is the same in every field, so that the provider does it once.
type MoneyOrder struct {
	Key       string // the operation, the payment's reference and, from the second try on, the number of the try
	Account   string // see Payment
	PaymentID string // see Payment.Name
	Amount    int64
	Currency  string
}
