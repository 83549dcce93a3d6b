package lifecycle

import (
	"time"

	"github.com/curfewhq/curfew"
)

// Purchase is a paid checkout, as reported by the marketplace.
type Purchase struct {
	PaymentRef string // the provider's; it identifies the payment for ever
	CustomerID string
	Plan       string
	Amount     *int64 // minor units; nil: the plan's price
	Currency   string // ISO 4217; empty: the plan's
	Email      string
	Name       string
	StartsAt   *time.Time // of an appointment; nil: now
	Metadata   map[string]string
	PaymentID  string // what a refund names; empty: only a provider knows it

	payment known
}

// known is a payment that a provider was first to tell of, in the version that was judged;
// zero: a new one.
type known struct {
	id      string
	version int64
	capture string // see Checkout.Capture
	// metadata replaces the purchase's: it has what the order is remembered by.
	metadata map[string]string
}

// Fulfillment is what became of a purchase.
type Fulfillment struct {
	Outcome    curfew.Outcome
	Replayed   bool // the reference was known; nothing was done
	CheckoutID string
	Plan       string
	Kind       curfew.PlanKind
	SessionID  string // the first one of the checkout; empty while it has none
	RequestID  string
	RetryUntil time.Time       // deferred: a refund is due from then on
	Blocker    *curfew.Blocker // deferred: who holds the slot
}
