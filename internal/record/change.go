package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// Admission is the decision to give a customer a session: what the store
// writes in one transaction, or not at all. Every conflict of a key (the
// reference, the customer's slot) is Conflict; who is right is asked after.
type Admission struct {
	Checkout curfew.Checkout // written anew with outcome Fulfilled, unless From is set
	// Session is its ids and plan; the store sets times, status Waiting and
	// version 1. One with StartsAt becomes Scheduled: its deadline is its start,
	// and it has no request yet.
	Session  curfew.Session
	Request  curfew.Request
	Deadline curfew.Deadline
	Actor    curfew.Actor
	Reason   string
	RunID    string       // the undo that revives a session; empty: none
	Stats    curfew.Stats // of that undo, with this session: written into it
	// From is the outcome (Credited or Deferred) of an existing checkout that
	// pays for the session. It is compared, with the checkout's version.
	From curfew.Outcome
	// Key is the caller's idempotency key, claimed for the customer; empty: none.
	Key string
}

// Guard is the condition a change repeats in its WHERE, beside the session's
// status and version. Its zero value adds nothing.
type Guard struct {
	// Overdue: Yes, only past the deadline; No, only up to it.
	Overdue Match
	// OlderThan: only if created longer ago; 0 adds nothing.
	OlderThan time.Duration
	// Unoffered: only while it has no open request and no mechanic.
	Unoffered bool
}

// Change is the decision to move one session: what is written in one
// transaction if the session still has the status and version of From, and the
// guard holds. Otherwise nothing is written, and the error is Conflict.
//
// Fields that are zero leave what is there, but for an ended session the
// deadline goes, its slot is freed, and its open request ends as RequestTo.
type Change struct {
	From     curfew.Session
	Guard    Guard
	To       curfew.SessionStatus
	Reason   string           // of the event
	EndedBy  curfew.EndReason // for an ended session
	Actor    curfew.Actor
	RunID    string
	Deadline curfew.Deadline

	// Assign gives the session, its request and the slot to this mechanic. A
	// taken slot is MechanicBusy, and nothing is written.
	Assign string
	// Release takes the mechanic away and frees his slot.
	Release bool
	// CustomerJoins and MechanicJoins record who came in now.
	CustomerJoins, MechanicJoins bool
	// Offer is the id of the request that an appointment opens when it begins,
	// in its payer's name. Where the customer's slot is taken, nothing is
	// written, and the error is SessionOpen.
	Offer string
	// RequestTo is what becomes of the open request; empty leaves it.
	RequestTo curfew.RequestStatus
	// Owed is what the checkout becomes if it is Fulfilled; empty or Fulfilled
	// leaves it. So do the checkouts of the session's extensions, but what would
	// be Credited or Refunded is RefundDue: nothing could spend such a credit, and
	// what was given back was the session's own payment.
	Owed curfew.Outcome
	// Share is how many percent of the amount are refunded where Owed is
	// RefundDue, rounded up to the minor unit; 0: all of it.
	Share int
}

// Extension is the decision to give a live session the time that a payment
// bought: it is written in one transaction if the session still is Live with
// the version of From, and not overdue. Otherwise, and where the reference is
// claimed, nothing is written, and the error is Conflict.
type Extension struct {
	Checkout curfew.Checkout // written anew, Fulfilled, with the session's id
	From     curfew.Session
	By       time.Duration
	Actor    curfew.Actor
	Reason   string
}

// CheckoutChange is the decision to move a checkout that no session's change
// carries with it. It is written if outcome and version are still those of
// From; otherwise the error is Conflict. Its RefundAmount becomes the amount
// with a refund, stays while that is under way, and is else 0.
type CheckoutChange struct {
	From   curfew.Checkout
	To     curfew.Outcome // Refunding counts an attempt
	Reason string
	Actor  curfew.Actor
	// Wait is how long the refunds' worker leaves it alone.
	Wait time.Duration
	// RefundID and Note replace what is there; empty ones leave it.
	RefundID string
	Note     string
}

// Annotation is something to be known of a checkout whose outcome stays: an event
// of its own, written if outcome and version are still those of From.
type Annotation struct {
	From     curfew.Checkout
	Reason   string
	Actor    curfew.Actor
	Note     string // empty leaves it
	Disputed bool
	// PaymentID comes with what the provider says was paid; empty leaves all
	// three.
	PaymentID string
	Amount    int64
	Currency  string
}

// Reassignment makes a Held checkout usable: it becomes Deferred, to be served in its
// turn. One of Nobody's goes over to the customer with its history. Conflict:
// outcome or version are not those of From any more.
type Reassignment struct {
	From       curfew.Checkout
	CustomerID string
	Plan       string
	Retry      time.Duration // how long it may wait for the slot
	Reason     string
	Actor      curfew.Actor
}

// Slot is a mechanic's one place: it exists exactly while the mechanic is busy.
type Slot struct {
	MechanicID string
	CustomerID string
	SessionID  string
}
