package api

import "time"

// Session is a customer's claim on one live slot.
type Session struct {
	ID         string    `json:"id"`
	Status     string    `json:"status" enum:"scheduled,waiting,live,completed,cancelled"`
	CustomerID string    `json:"customerId"`
	MechanicID string    `json:"mechanicId,omitempty"`
	Plan       string    `json:"plan"`
	Type       string    `json:"type" enum:"chat,video,diagnostic"`
	CreatedAt  time.Time `json:"createdAt"`
	StartsAt   time.Time `json:"startsAt,omitzero" doc:"Of an appointment"`
	ExpiresAt  time.Time `json:"expiresAt,omitzero" doc:"The deadline; absent once it ended"`
	StartedAt  time.Time `json:"startedAt,omitzero" doc:"When both parties were in"`
	EndedAt    time.Time `json:"endedAt,omitzero"`
	EndReason  string    `json:"endReason,omitempty"`
}

// Event is one line of a session's history.
type Event struct {
	Number int64     `json:"number"`
	From   string    `json:"from" doc:"Empty for the first"`
	To     string    `json:"to"`
	Actor  string    `json:"actor" doc:"role:id"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Events is a session's history, in order.
type Events struct {
	Events []Event `json:"events" nullable:"false"`
}

// NewSession asks for a session of a free plan, or for a credit's.
type NewSession struct {
	Plan       string `json:"plan" minLength:"1" maxLength:"128" doc:"A free plan, or one the customer has a credit of"`
	CustomerID string `json:"customerId,omitempty" doc:"For whom: a service says it, a customer need not"`
}
