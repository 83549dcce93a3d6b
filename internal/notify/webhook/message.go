package webhook

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// message is the body of a webhook. It contains no e-mail address, name, reference or metadata;
// receivers can read those through the API.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      any       `json:"data"`
}

// Change is the history entry that a webhook reports.
type Change struct {
	ID     string `json:"id" doc:"The event's id"`
	Number int64  `json:"number" doc:"The numbers of a session, or of a payment, have no gap"`
	From   string `json:"from,omitempty" doc:"Absent for the first event"`
	To     string `json:"to"`
	Actor  string `json:"actor"`  // a curfew.OutsideRole
	Reason string `json:"reason"` // a curfew.ReasonCode
}

// SessionChange is the data of a session's event.
type SessionChange struct {
	Change
	Session session `json:"session" doc:"The session when the message was made: its version shows whether it has changed since"`
}

// CheckoutChange is the data of a payment's event.
type CheckoutChange struct {
	Change
	Checkout checkout `json:"checkout" doc:"The payment when the message was made: its version shows whether it has changed since"`
}

// Test is the data of a test event.
type Test struct {
	EndpointID string `json:"endpointId"`
}

type session struct {
	ID         string     `json:"id"`
	Status     string     `json:"status"`
	Version    int64      `json:"version"`
	CustomerID string     `json:"customerId"`
	MechanicID string     `json:"mechanicId,omitempty"`
	Plan       string     `json:"plan"`
	Type       string     `json:"type"`
	CreatedAt  time.Time  `json:"createdAt"`
	StartsAt   *time.Time `json:"startsAt,omitempty"`
	ExpiresAt  *time.Time `json:"expiresAt,omitempty"`
	StartedAt  *time.Time `json:"startedAt,omitempty"`
	EndedAt    *time.Time `json:"endedAt,omitempty"`
	EndReason  string     `json:"endReason,omitempty"`
	Revives    string     `json:"revives,omitempty"`
	Adopted    *adopted   `json:"adopted,omitempty"`
}

// adopted names the row of the marketplace's table that a session mirrors.
type adopted struct {
	From string `json:"from"`
	ID   string `json:"id"`
}

type checkout struct {
	ID           string `json:"id"`
	Outcome      string `json:"outcome"`
	Version      int64  `json:"version"`
	CustomerID   string `json:"customerId,omitempty"`
	SessionID    string `json:"sessionId,omitempty"`
	Plan         string `json:"plan"`
	Amount       int64  `json:"amount"`
	Currency     string `json:"currency,omitempty"`
	RefundAmount int64  `json:"refundAmount,omitempty"`
	// Payment is absent if nothing was paid.
	Payment *payment `json:"payment,omitempty"`
}

// payment is the state of a checkout's money, in minor units of the currency.
type payment struct {
	State           string     `json:"state"`
	Capture         string     `json:"capture,omitempty"`
	Currency        string     `json:"currency,omitempty"`
	Captured        int64      `json:"captured"`
	Authorised      int64      `json:"authorised,omitempty"`
	AuthorisedUntil *time.Time `json:"authorisedUntil,omitempty"`
	Refunded        int64      `json:"refunded"`
	Refunding       int64      `json:"refunding,omitempty"`
	RefundFailed    bool       `json:"refundFailed,omitempty"`
	Disputed        int64      `json:"disputed"`
	Lost            int64      `json:"lost"`
	Worth           int64      `json:"worth"`
}

// messageOf returns the message for an event.
func messageOf(h record.OutsideEnrichedEvent) message {
	m := message{Type: h.Kind, Timestamp: h.At.UTC()}
	c := Change{ID: h.ID, Number: h.Number, From: h.From, To: h.To, Actor: string(h.Actor), Reason: string(h.Reason)}
	if h.OfSession() {
		h.Session.ID, h.Session.CustomerID = h.Subject, h.CustomerID
		m.Data = SessionChange{c, sessionOf(h.Session)}
		return m
	}
	h.Checkout.ID, h.Checkout.CustomerID = h.Subject, h.CustomerID
	paid := checkoutOf(h.Checkout)
	paid.Payment = paymentOf(h.Checkout, h.Money)
	m.Data = CheckoutChange{c, paid}
	return m
}

func sessionOf(s curfew.OutsideSession) session {
	out := session{
		ID: s.ID, Status: string(s.Status), Version: s.Version, CustomerID: s.CustomerID, MechanicID: s.MechanicID, Plan: s.Plan,
		Type: string(s.Kind), CreatedAt: s.CreatedAt.UTC(), StartsAt: moment(s.StartsAt), ExpiresAt: moment(s.ExpiresAt),
		StartedAt: moment(s.StartedAt), EndedAt: moment(s.EndedAt), EndReason: string(s.EndReason),
		Revives: s.Revives,
	}
	if s.AdoptedFrom != "" {
		out.Adopted = &adopted{s.AdoptedFrom, s.AdoptedID}
	}
	return out
}

func checkoutOf(c curfew.OutsideCheckout) checkout {
	out := checkout{
		ID: c.ID, Outcome: string(c.Outcome), Version: c.Version, CustomerID: c.CustomerID, SessionID: c.SessionID, Plan: c.Plan,
		Amount: c.Amount, Currency: c.Currency, RefundAmount: c.RefundAmount,
	}
	if c.CustomerID == curfew.Nobody {
		out.CustomerID = ""
	}
	return out
}

func paymentOf(c curfew.OutsideCheckout, b *curfew.Balance) *payment {
	if b == nil {
		return nil
	}
	return &payment{
		State: cmp.Or(b.State, "unpaid"), Capture: c.Capture, Currency: b.Currency, Captured: b.Captured, Authorised: b.Authorised,
		AuthorisedUntil: moment(b.AuthorisedUntil), Refunded: b.Refunded, Refunding: b.Refunding, RefundFailed: c.RefundFailed,
		Disputed: b.Disputed, Lost: b.Lost, Worth: b.Worth(),
	}
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// encode returns the body that is sent and signed on every attempt.
func encode(m message) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		panic(err) // it is made of texts, numbers and times
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}
