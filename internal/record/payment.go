package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// PaymentReport is what one message, or one call, says of a payment.
type PaymentReport struct {
	Provider string
	Account  string
	// References name the payment, at least one. Name is the one of them that refunds and
	// captures use; empty: it is not among them.
	References []string
	Name       string
	Facts      []curfew.Fact
	// Amount is what was paid, and replaces what the shop had reported for the payment's
	// only checkout; an empty Currency leaves it.
	Amount   int64
	Currency string
	// Reason is that of the event that each checkout of the payment gets.
	Reason string
	Actor  curfew.Actor
}

// Ledger is a payment with everything that is known of it.
type Ledger struct {
	curfew.Payment
	// Version rises with everything new that is told of the payment. It is 0 while nobody
	// but the shop has spoken.
	Version   int64
	Checkouts []curfew.Checkout // what it pays for, oldest first
	Now       time.Time
}

// ProviderMessage is a provider's message that was genuine and could not be used.
type ProviderMessage struct {
	Provider string
	Account  string
	ID       string // the provider's
	Type     string // the provider's
	Body     string
	Reason   string // why it could not
	At       time.Time
}
