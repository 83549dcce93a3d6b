package curfew

import (
	"time"
)

// Quarantined is a row that could not be settled although the rows around it could. It
// is set apart so that it holds up nothing else, and is retried less and less often until
// it is settled or has moved on.
type Quarantined struct {
	Noun       QuarantineNoun
	CustomerID string
	// ID is that of the session, checkout, event or delivery; empty for a customer.
	ID string
	// Version is the row's when it last failed. A row with another version has moved on.
	// Customers, events and deliveries have none.
	Version int64
	// Step is what was tried: "end", "begin", "give back", "settle", "serve", "refund", "tell"
	// or "deliver".
	Step string
	// FirstError and LastError are safe to show: a code, never a driver's text.
	FirstError string
	LastError  string
	Tries      int64
	Since      time.Time // the first failure
	TriedAt    time.Time // the last one
	NextAt     time.Time // when it is tried again
	// Wait is the time until NextAt by the store's clock; zero or less: it may be tried now.
	Wait time.Duration
}

// QuarantineNoun is the kind of row that was set apart.
type QuarantineNoun string

// The kinds. A customer is set apart where serving them failed.
const (
	QuarantinedSession  QuarantineNoun = "session"
	QuarantinedPayment  QuarantineNoun = "payment"
	QuarantinedCustomer QuarantineNoun = "customer"
	QuarantinedEvent    QuarantineNoun = "event"
	QuarantinedDelivery QuarantineNoun = "delivery"
)
