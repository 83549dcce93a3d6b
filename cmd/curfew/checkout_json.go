package main

import (
	"time"

	"github.com/curfewhq/curfew"
)

// checkoutView is a payment for programs.
type checkoutView struct {
	ID         string         `json:"id"`
	PaymentRef string         `json:"paymentRef,omitempty"`
	CustomerID string         `json:"customerId,omitempty"` // absent: nobody knows
	Plan       string         `json:"plan"`
	Amount     int64          `json:"amount"`
	Currency   string         `json:"currency,omitempty"`
	Outcome    curfew.Outcome `json:"outcome"`
	Due        int64          `json:"refundAmount,omitzero"`
	SessionID  string         `json:"sessionId,omitempty"`
	PaymentID  string         `json:"paymentId,omitempty"`
	RefundID   string         `json:"refundId,omitempty"`
	Attempts   int64          `json:"attempts,omitzero"`
	Note       string         `json:"note,omitempty"`
	RetryUntil time.Time      `json:"retryUntil,omitzero"`
	NextAt     time.Time      `json:"nextAt,omitzero"`
	DisputedAt time.Time      `json:"disputedAt,omitzero"`
	CreatedAt  time.Time      `json:"createdAt"`
	UpdatedAt  time.Time      `json:"updatedAt"`
	Events     []eventView    `json:"events,omitempty"`
}

// eventView is a line of its history.
type eventView struct {
	Number int64     `json:"number"`
	From   string    `json:"from"`
	To     string    `json:"to"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

func viewOf(k curfew.Checkout) checkoutView {
	v := checkoutView{
		ID: k.ID, PaymentRef: k.Ref, CustomerID: k.CustomerID, Plan: k.Plan, Amount: k.Amount, Currency: k.Currency,
		Outcome: k.Outcome, SessionID: k.SessionID, PaymentID: k.PaymentID, RefundID: k.RefundID, Attempts: k.Attempts,
		Note: k.Note, RetryUntil: k.RetryUntil, NextAt: k.NextAt, DisputedAt: k.DisputedAt, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt,
	}
	if k.CustomerID == curfew.Nobody {
		v.CustomerID = ""
	}
	switch k.Outcome {
	case curfew.RefundDue, curfew.Refunding, curfew.Refunded:
		v.Due = k.Due()
	}
	return v
}
