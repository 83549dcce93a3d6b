package stripetest

import (
	"fmt"
	"time"
)

// Paid is a payment that was really made.
type Paid struct {
	Ref        string
	PaymentID  string
	CustomerID string
	Plan       string
	Amount     int64
	Currency   string
	Refunded   int64
	At         time.Time
}

// Refund is a refund that was really made.
type Refund struct {
	ID        string
	Ref       string
	PaymentID string
	Key       string // the call's Idempotency-Key; empty: by hand
	Amount    int64
	Currency  string
	At        time.Time

	metadata map[string]string
}

// Paid returns every payment, oldest first, whether or not its event was sent.
func (f *Fake) Paid() []Paid {
	f.mu.Lock()
	defer f.mu.Unlock()
	var paid []Paid
	for _, c := range f.sold {
		if !c.paidAt.IsZero() {
			paid = append(paid, Paid{
				Ref: c.ref, PaymentID: c.intent, CustomerID: c.CustomerID, Plan: c.Plan,
				Amount: c.Amount, Currency: c.Currency, Refunded: c.refunded, At: c.paidAt,
			})
		}
	}
	return paid
}

// Refunds returns every refund, oldest first.
func (f *Fake) Refunds() []Refund {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Refund(nil), f.refunds...)
}

// Violations describes what must never happen: a key that refunded twice, a payment refunded by more than was paid, or
// one refunded twice through the API. Empty is right.
func (f *Fake) Violations() []string {
	var wrong []string
	keys, payments, sums := map[string]int{}, map[string]int{}, map[string]int64{}
	for _, r := range f.Refunds() {
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
