package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// Receipt is a checkout with the first session it paid for: the answer to a
// replay of its reference.
type Receipt struct {
	Checkout curfew.Checkout
	// Session is the first session, or the zero value if there has been none.
	Session   curfew.Session
	RequestID string
	Now       time.Time
}

// Credit is a checkout that its customer can spend on a session of its plan.
type Credit struct {
	curfew.Checkout
	Ends time.Time // when it is given back; zero: never
	Why  string    // it cannot be spent now; empty: it can
}

// PaymentClaim is the claim of a payment reference whose checkout is missing,
// with what is left of that checkout. It occurs after some tables were
// restored, or if claim and checkout could not be committed together.
type PaymentClaim struct {
	Ref        string
	CustomerID string
	CheckoutID string
	Plan       string
	// Outcome and Version are the last event's; empty and 0 without one.
	Outcome   curfew.Outcome
	Version   int64
	SessionID string // its first session, if any
	Kept      bool   // one of its sessions was not cancelled
}

// RecoveredReason is the reason of the event that restores a lost checkout.
const RecoveredReason = "its record was lost: made anew by its replay"

// Extension reports whether the checkout paid for more time in a session that
// another checkout had paid for.
func (r Receipt) Extension() bool {
	return r.Session.ID != "" && r.Session.ID == r.Checkout.SessionID && r.Session.CheckoutID != r.Checkout.ID
}
