package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// Admission is the decision to give a customer a session. The store writes all of it
// in one transaction, or nothing. A conflict on any key (the reference, the
// customer's slot) is Conflict; the caller then finds out which.
type Admission struct {
	Checkout curfew.Checkout // a new one, Fulfilled, unless From is set
	// Session holds the ids and the plan; the store sets the times, status Waiting
	// and version 1. A session with StartsAt becomes Scheduled instead: its deadline
	// is its start, and it has no request yet.
	Session  curfew.Session
	Request  curfew.Request
	Deadline curfew.Deadline
	Actor    curfew.Actor
	Reason   string
	RunID    string       // the undo that revives a session, if any
	Stats    curfew.Stats // where that undo records this session
	// From is the outcome (Credited or Deferred) of an existing checkout that pays
	// for the session. The store compares it and the checkout's version.
	From curfew.Outcome
	// Key is the caller's idempotency key, claimed for the customer, if any.
	Key string
}

// Guard is a condition that a change repeats in its WHERE, besides the session's
// status and version. Its zero value adds nothing.
type Guard struct {
	// Overdue: Yes matches only past the deadline, No only up to it.
	Overdue Match
	// OlderThan matches only sessions created longer ago; 0 adds nothing.
	OlderThan time.Duration
	// Silent matches only sessions whose mechanic has had a stream since accepting, and none
	// for so long; 0 adds nothing.
	Silent time.Duration
	// Unoffered matches only sessions without an open request and a mechanic.
	Unoffered bool
}

// Change is the decision to move one session. It is written in one transaction if the
// session still has the status and version of From, and the guard holds. Otherwise
// nothing is written, and the error is Conflict.
//
// Zero fields leave what is stored, except that an ended session loses its deadline
// and its slot, and its open request ends as RequestTo.
type Change struct {
	From     curfew.Session
	Guard    Guard
	To       curfew.SessionStatus
	Reason   string           // of the event
	EndedBy  curfew.EndReason // for an ended session
	Actor    curfew.Actor
	RunID    string
	Deadline curfew.Deadline

	// Assign gives the session, its request and the slot to this mechanic. If the
	// mechanic's slot is taken, nothing is written, and the error is MechanicBusy.
	Assign string
	// Release removes the mechanic and frees their slot.
	Release bool
	// Nudge records that the marketplace is notified that nobody has accepted.
	Nudge bool
	// Absent counts the mechanic who is released, or whose session ends: they had accepted,
	// and did not join.
	Absent bool
	// CustomerJoins and MechanicJoins record who joins now.
	CustomerJoins, MechanicJoins bool
	// Offer is the id of the request that an appointment opens when it begins, in its
	// payer's name. If the customer's slot is taken, nothing is written, and the
	// error is SessionOpen.
	Offer string
	// RequestTo is the new status of the open request; empty leaves it.
	RequestTo curfew.RequestStatus
	// Owed is the new outcome of the checkout if it is Fulfilled; empty or Fulfilled
	// leaves it. The checkouts of the session's extensions follow, except that
	// Credited and Refunded become RefundDue: such a credit could not be spent, and
	// only the session's own payment was given back.
	Owed curfew.Outcome
	// Capture makes the session's reserved money due. (When a session is cancelled, money that is
	// reserved, or due but not requested yet, is released whatever Owed says, and the checkout
	// becomes Void; but if some of it is kept, by Forfeited or a Share, it becomes due.)
	Capture bool
	// Share is the percentage of the amount to refund if Owed is RefundDue, rounded
	// up to the minor unit; 0 means all of it.
	Share int
}

// Extension is the decision to give a live session the time that a payment bought. It
// is written in one transaction if the session is still Live with the version of
// From, and not overdue. Otherwise, or if the reference is already claimed, nothing
// is written, and the error is Conflict.
type Extension struct {
	Checkout curfew.Checkout // a new one, Fulfilled, with the session's id
	From     curfew.Session
	By       time.Duration
	Actor    curfew.Actor
	Reason   string
}

// CheckoutChange is the decision to move a checkout that no change of a session
// moves. It is written if outcome and version are still those of From; otherwise the
// error is Conflict. RefundAmount becomes the amount when a refund is owed, is kept
// while that is under way, and is 0 otherwise.
type CheckoutChange struct {
	From   curfew.Checkout
	To     curfew.Outcome // Refunding counts an attempt
	Reason string
	Actor  curfew.Actor
	// Wait is how long the refund worker leaves the checkout alone.
	Wait time.Duration
	// RefundID and Note replace the stored values unless empty.
	RefundID string
	Note     string
	// Refund is what is to be given back, if that is less than all of it; 0: see above.
	Refund int64
	// Amount is the price from now on, in minor units; 0 leaves it.
	Amount int64
	// Concern replaces the stored one, also with none.
	Concern string // one of the concerns
	// Capture replaces the stored one unless empty; see Annotation.
	Capture string
}

// Annotation is a note on a checkout whose outcome stays. It is an event of its own,
// written if outcome and version are still those of From.
type Annotation struct {
	From     curfew.Checkout
	Reason   string
	Actor    curfew.Actor
	Note     string // empty leaves it
	Disputed Match  // whether the customer's bank asks for the payment
	// Concern replaces the stored one unless empty. A settled capture is of no concern any more.
	Concern string // one of the concerns, or NoConcern
	// Capture replaces the stored one unless empty. Capturing counts an attempt, and so does
	// releasing what was releasing already; the first sets FirstTryAt. Captured, failed and
	// released forget the attempts, and NextAt; otherwise NextAt is after Wait then.
	Capture string
	Wait    time.Duration
}

// Reassignment makes a checkout usable that is Held, Promised or Ignored: it becomes
// Deferred, to be served in turn. A checkout of Nobody moves to the customer with its history. Conflict if
// outcome or version are no longer those of From.
type Reassignment struct {
	From       curfew.Checkout
	CustomerID string
	Plan       string
	StartsAt   time.Time     // of an appointment; zero leaves it
	Amount     int64         // the price from now on, in minor units; 0 leaves it
	Retry      time.Duration // how long it may wait for the slot
	Reason     string
	Actor      curfew.Actor
}

// Slot is a mechanic's only slot. It exists exactly while the mechanic is busy.
type Slot struct {
	MechanicID string
	CustomerID string
	SessionID  string
	// Silent is how long ago the mechanic last had a live stream since accepting; 0: now, or
	// never.
	Silent time.Duration
}

// Absences counts how often a mechanic accepted a session and did not join.
type Absences struct {
	Total  int
	Lately int // within the time that was asked about
	Last   time.Time
}

// The concerns of checkouts that stay as they are.
const (
	RefundFailed  = "refund_failed"     // the provider could not give the money back
	CaptureFailed = "capture_failed"    // reserved money could not be taken or released
	PaymentLost   = "payment_lost"      // its session took place, and the money was taken back
	Disagreement  = "payment_disagrees" // the shop and the provider disagree about it
)

// NoConcern is the concern of an annotation that removes the stored one.
const NoConcern = "none"

// Concerns lists them.
func Concerns() []string { return []string{RefundFailed, PaymentLost, Disagreement, CaptureFailed} }

// CreditOver is the reason of the event that ends a credit that was not spent in time.
const CreditOver = "the credit's time is over"
