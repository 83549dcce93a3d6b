package api

import "time"

// Purchase is a paid checkout to fulfil.
type Purchase struct {
	PaymentRef string            `json:"paymentRef" doc:"The payment's reference at its provider: the same one is the same payment for ever"`
	CustomerID string            `json:"customerId" doc:"The marketplace's own id"`
	Plan       string            `json:"plan" minLength:"1" maxLength:"128"`
	Amount     *int64            `json:"amount,omitempty" minimum:"0" doc:"In the currency's minor unit"`
	Currency   string            `json:"currency,omitempty" pattern:"^[A-Za-z]{3}$" doc:"ISO 4217"`
	Email      string            `json:"email,omitempty" maxLength:"320"`
	Name       string            `json:"name,omitempty" maxLength:"200" doc:"Shown to mechanics"`
	StartsAt   *time.Time        `json:"startsAt,omitempty" doc:"Of an appointment: ahead, at most a year"`
	Metadata   map[string]string `json:"metadata,omitempty" maxProperties:"50"`
}

// Fulfilment is what became of a purchase, or of the wish for a session.
type Fulfilment struct {
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
