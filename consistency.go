package curfew

// TallyDifference is a tally that differs from the number of its rows.
type TallyDifference struct {
	Noun    string // session, request or checkout
	Status  string
	Tallied int64
	Counted int64
}

// Contradiction names how a row contradicts another, or lacks one.
type Contradiction string

// The contradictions. Curfew's own writes cannot cause any, since each is one
// transaction: rows were lost, or changed while guards were off.
const (
	ClaimWithoutCheckout   Contradiction = "claim_without_checkout"
	CheckoutWithoutClaim   Contradiction = "checkout_without_claim"
	FulfilledWithoutOne    Contradiction = "fulfilled_without_session"
	GivenBackAndOpen       Contradiction = "open_session_not_paid"
	CheckoutEventsBroken   Contradiction = "checkout_events"
	SessionWithoutCheckout Contradiction = "session_without_checkout"
	SessionWithoutRequest  Contradiction = "session_without_request"
	SessionWithoutSlot     Contradiction = "session_without_slot"
	SessionEventsBroken    Contradiction = "session_events"
	RequestWithoutSession  Contradiction = "request_without_session"
	EventsWithoutSubject   Contradiction = "events_without_subject"
	CaptureDisagrees       Contradiction = "capture_disagrees"
)

// Contradictions lists them.
func Contradictions() []Contradiction {
	return []Contradiction{
		ClaimWithoutCheckout, CheckoutWithoutClaim, FulfilledWithoutOne, GivenBackAndOpen, CheckoutEventsBroken,
		SessionWithoutCheckout, SessionWithoutRequest, SessionWithoutSlot, SessionEventsBroken, RequestWithoutSession, EventsWithoutSubject,
		CaptureDisagrees,
	}
}

// Inconsistency is one row that contradicts another.
type Inconsistency struct {
	Kind Contradiction
	// ID is the row's: a session's, a request's, a checkout's, or a payment's
	// reference.
	ID         string
	CustomerID string
}
