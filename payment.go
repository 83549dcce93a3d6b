package curfew

import (
	"strings"
	"time"
)

// Payment is what a provider reports about one paid checkout. The package of a provider
// translates into it; nothing else knows the provider.
type Payment struct {
	Ref        string // the checkout's reference at the provider: the idempotency key
	PaymentID  string // what a refund names; empty where nothing was charged
	CustomerID string // empty: the provider does not know whose it is
	Plan       string
	Amount     int64 // minor units, as the provider says, never a browser
	Currency   string
	Email      string
	Name       string
	StartsAt   time.Time // of an appointment
	Extends    string    // the live session whose minutes it buys
	Metadata   map[string]string
	// Paid is false for a delayed method whose money has not come yet.
	Paid bool
	// Refunded is how much of it the provider has given back.
	Refunded int64
	PaidAt   time.Time
}

// NoticeKind is what a provider's message is about.
type NoticeKind string

// The kinds of notices. Everything else that a provider sends is NoticeOther, which is
// acknowledged and changes nothing.
const (
	NoticePaid     NoticeKind = "paid"     // Payment is to be fulfilled
	NoticeFailed   NoticeKind = "failed"   // a delayed payment that will not come
	NoticeExpired  NoticeKind = "expired"  // nobody paid
	NoticeRefunded NoticeKind = "refunded" // Payment.Refunded of Payment.PaymentID was given back
	NoticeDisputed NoticeKind = "disputed" // the customer's bank took it back, or asks for it
	NoticeOther    NoticeKind = "other"
)

// Notice is one message of a provider, verified and translated.
type Notice struct {
	ID      string // the provider's; the same message has the same one
	Kind    NoticeKind
	Payment Payment
	At      time.Time
}

// RefundOrder asks a provider to give money back. Its key is the same for every try, so
// that the provider gives the money back once.
type RefundOrder struct {
	Key       string // "refund:" and the payment's reference
	PaymentID string
	Amount    int64
	Currency  string
}

// Repayment is money that a provider gave back.
type Repayment struct {
	ID       string
	Amount   int64
	Currency string
	// Key is that of the order it was made for; empty: somebody gave it back
	// without Curfew.
	Key string
	// Disputed is whether the customer's bank asked for the payment back.
	Disputed bool
}

// Covers reports whether at least that amount was given back. Amounts in different
// currencies cannot be compared, and a repayment of nothing covers nothing.
func (r Repayment) Covers(amount int64, currency string) bool {
	comparable := r.Currency == "" || currency == "" || strings.EqualFold(r.Currency, currency)
	return comparable && r.Amount > 0 && r.Amount >= amount
}
