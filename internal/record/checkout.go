package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// Receipt is a checkout with the first session it brought, as a replay of its
// reference answers.
type Receipt struct {
	Checkout curfew.Checkout
	// Session is the first session; its zero value: there has been none.
	Session   curfew.Session
	RequestID string
	Now       time.Time
}

// PaymentClaim is the claim of a payment's reference whose checkout is missing,
// with what else is left of that checkout: after a restore of some tables, or
// where claim and checkout could not be committed together.
type PaymentClaim struct {
	Ref        string
	CustomerID string
	CheckoutID string
	Plan       string
	// Outcome and Version are the last event's; empty and 0: there is none.
	Outcome   curfew.Outcome
	Version   int64
	SessionID string // its first session; empty: there is none
	Kept      bool   // one of its sessions was not cancelled
}

// RecoveredReason is why a checkout that was lost is there again.
const RecoveredReason = "its record was lost: made anew by its replay"

// Extension reports whether the checkout paid for more time of a session that
// another one had brought.
func (r Receipt) Extension() bool {
	return r.Session.ID != "" && r.Session.ID == r.Checkout.SessionID && r.Session.CheckoutID != r.Checkout.ID
}
