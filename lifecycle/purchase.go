package lifecycle

import (
	"time"

	"github.com/curfewhq/curfew"
)

// Purchase is a paid checkout, as reported by the marketplace.
type Purchase struct {
	PaymentRef string // the provider's reference; it identifies the payment forever
	CustomerID string
	Plan       string
	Amount     *int64 // minor units; nil: the plan's price
	Currency   string // ISO 4217; empty: the plan's
	Email      string
	Name       string
	StartsAt   *time.Time // of an appointment; nil: now
	Metadata   map[string]string
	PaymentID  string // the provider's name for the payment, for refunds; empty: unknown

	payment reported
}

// reported is a payment that its provider reported before the shop did, in the version that
// was judged; zero: a new one.
type reported struct {
	id      string
	version int64
	capture string // see Checkout.Capture
	// metadata replaces the purchase's. It also holds what was recorded about the order.
	metadata map[string]string
}

// Fulfillment is what became of a purchase.
type Fulfillment struct {
	Outcome    curfew.Outcome
	Replayed   bool // the reference was reported before; nothing was done
	CheckoutID string
	Plan       string
	Kind       curfew.PlanKind
	SessionID  string // the first one of the checkout; empty while it has none
	RequestID  string
	RetryUntil time.Time       // deferred: a refund is due from then on
	Blocker    *curfew.Blocker // deferred: the session that holds the slot
}
