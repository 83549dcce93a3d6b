package storetest

import (
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// Report is a provider's report of a payment, in the terms of a test.
type Report struct {
	Ref        string // the checkout session
	PaymentID  string // the payment intent
	CustomerID string
	Plan       string
	Quantity   int64
	Amount     int64
	Currency   string
	Renewal    bool
	Email      string
	Name       string
	StartsAt   time.Time
	Extends    string
	Metadata   map[string]string
	Paid       bool
	Refunded   int64 // in all
	Flaw       string
}

// Notice returns the message that the checkout is completed.
func (r Report) Notice() curfew.Notice {
	n := curfew.Notice{
		ID: "evt " + r.Ref, Type: "checkout", Provider: "bank", References: []string{r.Ref}, Name: r.PaymentID,
		Facts: []curfew.Fact{{Kind: "promise", Object: r.Ref, State: "promised"}},
		Order: &curfew.Order{
			CustomerID: r.CustomerID, Plan: r.Plan, Quantity: r.Quantity, Renewal: r.Renewal, Amount: r.Amount, Price: r.Amount,
			Currency: r.Currency, Email: r.Email, Name: r.Name, StartsAt: r.StartsAt, Extends: r.Extends, Metadata: r.Metadata, Flaw: r.Flaw,
		},
	}
	if r.PaymentID != "" {
		n.References = append(n.References, r.PaymentID)
	}
	if r.Paid {
		n.Facts = []curfew.Fact{{Kind: "attempt", Object: n.References[len(n.References)-1], State: "captured", Amount: max(r.Amount, 0), Currency: r.Currency}}
	}
	if r.Refunded > 0 {
		n.Facts = append(n.Facts, r.total(r.Refunded))
	}
	return n
}

// GivenBack returns the message that this amount has been refunded, in all.
func (r Report) GivenBack(amount int64) curfew.Notice {
	return curfew.Notice{
		ID: fmt.Sprint("refund ", r.PaymentID, amount), Type: "refund", Provider: "bank", References: []string{r.PaymentID}, Name: r.PaymentID,
		Facts: []curfew.Fact{r.total(amount)},
	}
}

// Refund returns the message that one refund is in a state.
func (r Report) Refund(id, state string, amount int64) curfew.Notice {
	n := r.GivenBack(amount)
	n.Facts = []curfew.Fact{{Kind: "refund", Object: id, State: state, Amount: amount, Currency: r.Currency}}
	return n
}

// Disputed returns the message that a dispute of the full amount is in a state.
func (r Report) Disputed(state string) curfew.Notice {
	n := r.GivenBack(0)
	n.Facts = []curfew.Fact{{Kind: "dispute", Object: "dp " + r.PaymentID, State: state, Amount: r.Amount, Currency: r.Currency}}
	return n
}

func (r Report) total(amount int64) curfew.Fact {
	return curfew.Fact{Kind: "refund_total", Object: r.PaymentID, State: "total", Amount: amount, Currency: r.Currency}
}
