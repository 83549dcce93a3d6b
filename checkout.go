package curfew

import (
	"cmp"
	"log/slog"
	"time"
)

// Checkout is one payment and its present outcome. A free session has a
// checkout of amount 0.
type Checkout struct {
	ID         string
	CustomerID string
	Ref        string // the payment's reference; empty for free sessions
	Plan       string
	Amount     int64  // in the currency's minor unit
	Currency   string // ISO 4217, lower case; empty when the marketplace did not say
	Email      string
	Name       string
	Metadata   map[string]string
	Outcome    Outcome
	Version    int64 // the number of its newest event
	// SessionID is the checkout's first session, and never changes. Empty: it has had
	// none yet.
	SessionID  string
	RetryUntil time.Time // deferred: from then on a refund is due
	// RefundAmount is what is to be given back, or was, in the currency's minor unit: for
	// a share of an appointment, less than Amount. 0 unless a refund is due, under way or
	// done.
	RefundAmount int64
	MoneyDue     bool // another program ended the session; the outcome is not settled yet
	CreatedAt    time.Time
	UpdatedAt    time.Time

	// LineOf is the payment that this checkout is a line of, with that number; empty: of
	// the payment that has its own id. Use Payment to read it.
	LineOf string
	Line   int64
	// Capture is how far the capture of the money has come: "authorised" (reserved at the
	// bank), "due", "capturing" (committed before the provider is called), "captured",
	// "failed", "releasing" or "released". Empty: it is taken at payment.
	Capture string
	// AtRisk reports that the payment, by what is known of it, may be worth less than the
	// checkout's price. Mechanics cannot accept a session that it pays for then.
	AtRisk    bool
	StartsAt  time.Time // of an appointment; zero: now
	Extends   string    // the live session whose minutes it buys
	PaymentID string    // the provider's name for the payment; empty until a provider reports it
	RefundID  string    // the provider's name for the refund
	// Attempts counts how often the provider was asked for what is under way, a refund or a
	// capture, the first time at FirstTryAt. The next try is at NextAt; zero means at once.
	Attempts   int64
	FirstTryAt time.Time
	NextAt     time.Time
	DisputedAt time.Time // the customer's bank asked for it back
	Note       string    // why it is as it is, for operators
	Concern    string    // what health reports about it although its outcome stays: refund_failed, payment_lost, payment_disagrees or capture_failed
}

// LogValue logs a checkout without the customer's address and name, and without what people wrote.
func (c Checkout) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", c.ID), slog.String("ref", c.Ref), slog.String("outcome", string(c.Outcome)), slog.Int64("version", c.Version))
}

// Payment returns the id of the checkout's payment.
func (c Checkout) Payment() string { return cmp.Or(c.LineOf, c.ID) }

// Nobody is the customer of a payment whose owner is unknown, because its provider does
// not say. No real customer can have this id: it is a control character.
const Nobody = "\x7f"

// Due is what a refund gives back, in the currency's minor unit: the whole amount, unless
// RefundAmount says otherwise.
func (c Checkout) Due() int64 {
	if c.RefundAmount > 0 {
		return c.RefundAmount
	}
	return c.Amount
}

// CheckoutSearch selects payments, ordered by id and thus by time. Empty fields match
// everything.
type CheckoutSearch struct {
	Outcome    Outcome
	CustomerID string
	Email      string // exact, except for the case of ASCII letters
	Concern    string
	After      string // only those after this id
	Limit      int
}

// Beginning is the state in which a checkout can be recorded if payments do not begin
// with its outcome. step reports whether one more step leads from there to the outcome.
func (c Checkout) Beginning() (first Checkout, step bool) {
	first = c
	if LegalOutcome("", c.Outcome) {
		return first, false
	}
	first.Outcome, first.Version = Fulfilled, c.Version-1
	if c.Outcome == Refunding {
		first.Outcome = RefundDue
	}
	return first, true
}

// Free reports whether nothing was paid: the checkout belongs to a session of a free
// plan, and nothing is owed for it. A payment that was reported without an amount is not
// free, since what was paid is unknown.
func (c Checkout) Free() bool {
	return c.Ref == "" && c.PaymentID == "" && c.LineOf == "" && c.Amount == 0
}
