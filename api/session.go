package api

import (
	"context"
	"time"
)

// Session is a customer's claim on one live slot.
type Session struct {
	ID         string    `json:"id"`
	Status     string    `json:"status" enum:"scheduled,waiting,live,completed,cancelled"`
	CustomerID string    `json:"customerId"`
	MechanicID string    `json:"mechanicId,omitempty"`
	Plan       string    `json:"plan"`
	Type       string    `json:"type" enum:"chat,video,diagnostic"`
	CreatedAt  time.Time `json:"createdAt"`
	StartsAt   time.Time `json:"startsAt,omitzero" doc:"Start of an appointment"`
	ExpiresAt  time.Time `json:"expiresAt,omitzero" doc:"The deadline; absent once it has ended"`
	StartedAt  time.Time `json:"startedAt,omitzero" doc:"When both parties had joined"`
	EndedAt    time.Time `json:"endedAt,omitzero"`
	EndReason  string    `json:"endReason,omitempty" doc:"Why it ended, as a code"`
	Revives    string    `json:"revives,omitempty" doc:"The ended session that this one replaces, because an admin undid a cleanup"`
	Adopted    *Adopted  `json:"adopted,omitempty" doc:"The row, in one of the marketplace's own tables, that the session mirrors"`
}

// Adopted names a row of a table of the marketplace's own. The session ends where that row does.
type Adopted struct {
	From string `json:"from" doc:"The name of the table's mapping in the settings"`
	ID   string `json:"id" doc:"The row's id"`
}

// Reason is why an operator takes a session from its mechanic, or credits, ignores or
// restores a payment.
type Reason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Kept in the history"`
}

// Event is one line of a session's history.
type Event struct {
	Number int64     `json:"number"`
	From   string    `json:"from" doc:"Empty for the first event"`
	To     string    `json:"to"`
	Actor  string    `json:"actor" doc:"customer, mechanic, operator, service or system; for admins role:id"`
	Reason string    `json:"reason" doc:"A code; for admins, with what operators noted"`
	At     time.Time `json:"at"`
}

// Events is a session's history, in order.
type Events struct {
	Events []Event `json:"events" nullable:"false"`
}

// Extension is paid time for a live session.
type Extension struct {
	Plan       string `json:"plan" minLength:"1" maxLength:"128" doc:"A plan that extends"`
	PaymentRef string `json:"paymentRef" minLength:"1" doc:"The payment's reference at its provider. The same reference is always the same payment"`
	Amount     *int64 `json:"amount,omitempty" minimum:"0" doc:"In the currency's minor unit"`
	Currency   string `json:"currency,omitempty" pattern:"^[A-Za-z]{3}$" doc:"ISO 4217; required with an amount if the plan has no currency"`
}

// Extended is the result of an extension.
type Extended struct {
	Outcome   string    `json:"outcome" enum:"promised,fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited,void,ignored" doc:"refund_due: the session was no longer live"`
	SessionID string    `json:"sessionId"`
	Status    string    `json:"status" enum:"scheduled,waiting,live,completed,cancelled" doc:"The session's status"`
	ExpiresAt time.Time `json:"expiresAt,omitzero" doc:"The session's deadline; absent once it has ended"`
}

// NewSession requests a session of a free plan, or one paid with a credit.
type NewSession struct {
	Plan       string `json:"plan" minLength:"1" maxLength:"128" doc:"A free plan, or one that the customer has a credit for"`
	CustomerID string `json:"customerId,omitempty" minLength:"1" doc:"The customer; required of services, optional for customers"`
}

// Unassign puts a mechanic's session back into the queue, for an operator.
func (c *Client) Unassign(ctx context.Context, sessionID string, why Reason) (Session, error) {
	return post[Session](ctx, c, at("/api/debug/sessions/%s/release", sessionID), why)
}
