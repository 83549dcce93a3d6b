package api

import "time"

// Purchase is a paid checkout to fulfil.
type Purchase struct {
	PaymentRef string            `json:"paymentRef" minLength:"1" doc:"The payment's reference at its provider: the same one is the same payment for ever"`
	CustomerID string            `json:"customerId" minLength:"1" doc:"The marketplace's own id"`
	Plan       string            `json:"plan" minLength:"1" maxLength:"128"`
	Amount     *int64            `json:"amount,omitempty" minimum:"0" doc:"In the currency's minor unit"`
	Currency   string            `json:"currency,omitempty" pattern:"^[A-Za-z]{3}$" doc:"ISO 4217"`
	Email      string            `json:"email,omitempty" maxLength:"320"`
	Name       string            `json:"name,omitempty" maxLength:"200" doc:"Shown to mechanics"`
	StartsAt   *time.Time        `json:"startsAt,omitempty" doc:"Of an appointment: ahead, at most a year"`
	Metadata   map[string]string `json:"metadata,omitempty" maxProperties:"50"`
}

// Fulfillment is what became of a purchase, or of the wish for a session.
type Fulfillment struct {
	Outcome    string    `json:"outcome" enum:"fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited"`
	SessionID  string    `json:"sessionId,omitempty" doc:"The first session it brought"`
	RequestID  string    `json:"requestId,omitempty"`
	Route      string    `json:"route,omitempty" doc:"Where the customer goes: /chat/<id>"`
	Type       string    `json:"type" enum:"chat,video,diagnostic"`
	Detail     string    `json:"detail,omitempty" doc:"Deferred: why"`
	RetryUntil time.Time `json:"retryUntil,omitzero" doc:"Deferred: a refund is due from then on"`
	BlockedBy  *Blocker  `json:"blockedBy,omitempty" doc:"Deferred: who holds the slot"`
}

// Checkout is one payment and its present outcome.
type Checkout struct {
	ID           string    `json:"id"`
	PaymentRef   string    `json:"paymentRef,omitempty" doc:"Absent for free sessions"`
	Plan         string    `json:"plan"`
	Amount       int64     `json:"amount" doc:"In the currency's minor unit"`
	Currency     string    `json:"currency,omitempty"`
	Outcome      string    `json:"outcome" enum:"fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited"`
	SessionID    string    `json:"sessionId,omitempty" doc:"The first session it brought"`
	RetryUntil   time.Time `json:"retryUntil,omitzero"`
	RefundAmount *int64    `json:"refundAmount,omitempty" doc:"What is given back, or was: of an appointment cancelled late, a share"`
	CreatedAt    time.Time `json:"createdAt"`
	UpdatedAt    time.Time `json:"updatedAt"`
}

// Checkouts is a customer's payments, oldest first.
type Checkouts struct {
	Checkouts []Checkout `json:"checkouts" nullable:"false"`
}

// CheckoutSelection chooses payments. What is empty chooses all.
type CheckoutSelection struct {
	Outcome    string
	CustomerID string
	Email      string // exactly, but for the case of its letters
	After      string // a NextCursor
	Limit      int    // 0: 50
}

// CheckoutPage is payments as operators see them, oldest first.
type CheckoutPage struct {
	Checkouts  []CheckoutDetail `json:"checkouts" nullable:"false"`
	NextCursor *string          `json:"nextCursor" doc:"Where the next page begins; null on the last"`
}

// CheckoutDetail is a payment as operators see it.
type CheckoutDetail struct {
	Checkout
	CustomerID string            `json:"customerId,omitempty" doc:"Absent: nobody knows whose it is"`
	Email      string            `json:"email,omitempty"`
	Name       string            `json:"name,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	PaymentID  string            `json:"paymentId,omitempty" doc:"What the provider calls the money"`
	RefundID   string            `json:"refundId,omitempty" doc:"What the provider calls what it gave back"`
	Attempts   int64             `json:"attempts,omitempty" doc:"How often the provider was asked to give it back"`
	NextAt     time.Time         `json:"nextAt,omitzero" doc:"When it is asked again"`
	DisputedAt time.Time         `json:"disputedAt,omitzero" doc:"When the customer's bank asked for it back"`
	Note       string            `json:"note,omitempty" doc:"Why it is as it is"`
	Events     []Event           `json:"events,omitempty" doc:"Its history, where one payment was asked for"`
}

// Repair fulfils a held payment.
type Repair struct {
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Kept in the payment's history"`
}

// Assignment says whose a held payment is, and what for.
type Assignment struct {
	CustomerID string `json:"customerId" minLength:"1" doc:"The marketplace's own id"`
	Plan       string `json:"plan" minLength:"1" maxLength:"128"`
	Reason     string `json:"reason" minLength:"1" maxLength:"500" doc:"Kept in the payment's history"`
}

// Refund gives a payment up; a session that it pays for is cancelled.
type Refund struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Kept in the payment's history"`
	ByHand bool   `json:"byHand,omitempty" doc:"It has been given back already, without Curfew: nobody is asked for it"`
}

// Credit lets a customer spend a forfeited payment after all.
type Credit struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Kept in the payment's history"`
}
