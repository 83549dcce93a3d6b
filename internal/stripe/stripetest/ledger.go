package stripetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stripe/stripe-go/v86"
)

// Paid is a payment that was really made.
type Paid struct {
	Ref        string
	Account    string
	PaymentID  string
	ChargeID   string
	CustomerID string
	Plan       string
	Amount     int64 // that was captured
	Currency   string
	Refunded   int64
	Dispute    stripe.DisputeStatus // empty: there is none
	At         time.Time
}

// Refund is a refund that was really made, or tried.
type Refund struct {
	ID        string
	Ref       string
	PaymentID string
	Key       string // the call's Idempotency-Key; empty: by hand
	Amount    int64
	Currency  string
	Status    stripe.RefundStatus
	Reason    string // why it failed, or is pending
	At        time.Time
	// RefundFee and ReverseTransfer say what else was returned: the platform's fee, and the
	// transfer.
	RefundFee, ReverseTransfer bool

	charge   string
	metadata map[string]string
}

// undone reports whether a refund returned nothing in the end.
func (r Refund) undone() bool {
	return r.Status == stripe.RefundStatusFailed || r.Status == stripe.RefundStatusCanceled
}

// Paid returns every payment, oldest first, whether or not its event was sent.
func (f *Fake) Paid() []Paid {
	f.mu.Lock()
	defer f.mu.Unlock()
	var paid []Paid
	for _, c := range f.sold {
		if !c.paidAt.IsZero() {
			paid = append(paid, Paid{
				Ref: c.ref, Account: c.Account, PaymentID: c.intent, ChargeID: c.charge, CustomerID: c.CustomerID, Plan: c.Plan,
				Amount: c.captured, Currency: c.Currency, Refunded: c.refunded, Dispute: c.dispute, At: c.paidAt,
			})
		}
	}
	return paid
}

// Refunds returns every refund, oldest first, including failed ones.
func (f *Fake) Refunds() []Refund {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Refund(nil), f.refunds...)
}

// Violations describes what must never happen: a key that refunded twice; a payment refunded by
// more than was paid, or twice through the API; a hold captured twice, or both captured and
// released; a key used with two bodies. An empty result is right.
func (f *Fake) Violations() []string {
	f.mu.Lock()
	wrong := slices.Clone(f.wrong)
	f.mu.Unlock()
	keys, payments, sums := map[string]int{}, map[string]int{}, map[string]int64{}
	for _, r := range f.Refunds() {
		if r.undone() {
			continue
		}
		sums[r.PaymentID] += r.Amount
		if r.Key == "" {
			continue
		}
		if keys[r.Key]++; keys[r.Key] == 2 {
			wrong = append(wrong, fmt.Sprintf("key %s gave money back twice", r.Key))
		}
		if payments[r.PaymentID]++; payments[r.PaymentID] == 2 {
			wrong = append(wrong, fmt.Sprintf("payment %s was refunded twice", r.PaymentID))
		}
	}
	for _, p := range f.Paid() {
		if given := sums[p.PaymentID]; given > p.Amount || given != p.Refunded {
			wrong = append(wrong, fmt.Sprintf("of %s's %d %s, %d were given back (the charge says %d)", p.Ref, p.Amount, p.Currency, given, p.Refunded))
		}
	}
	return wrong
}

// Balance returns all payments less all refunds, by currency.
func (f *Fake) Balance() map[string]int64 {
	sums := map[string]int64{}
	for _, p := range f.Paid() {
		sums[p.Currency] += p.Amount - p.Refunded
	}
	return sums
}
