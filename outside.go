package curfew

import (
	"slices"
	"strings"
	"time"
)

// What operators write (reasons, notes, their own names) is for operators only. The types
// in this file are what everybody else may see: customers, mechanics, services, and
// readers of streams, webhooks and mails. They are made from the internal types alone,
// and everything that is sent outside is made from them.

// OutsideRole is who did something, as outsiders see it: a role, never a name.
type OutsideRole string

// The roles that outsiders see. An operator is whoever acts as an admin.
const (
	OutsideCustomer OutsideRole = "customer"
	OutsideMechanic OutsideRole = "mechanic"
	OutsideOperator OutsideRole = "operator"
	OutsideService  OutsideRole = "service"
	OutsideSystem   OutsideRole = "system"
)

// OutsideRoles lists the roles that outsiders see.
func OutsideRoles() []OutsideRole {
	return []OutsideRole{OutsideCustomer, OutsideMechanic, OutsideOperator, OutsideService, OutsideSystem}
}

// Outside returns the actor's role as outsiders see it.
func (a Actor) Outside() OutsideRole {
	switch a.Role {
	case Customer:
		return OutsideCustomer
	case Mechanic:
		return OutsideMechanic
	case Admin:
		return OutsideOperator
	case Service:
		return OutsideService
	}
	return OutsideSystem
}

// OutsideEvent is an event as outsiders see it.
type OutsideEvent struct {
	ID         string
	CustomerID string
	Subject    string // the session's or checkout's id
	Number     int64
	From, To   string
	Actor      OutsideRole
	Reason     ReasonCode
	At         time.Time
}

// Outside returns the event without what operators wrote.
func (e Event) Outside() OutsideEvent {
	return OutsideEvent{
		ID: e.ID, CustomerID: e.CustomerID, Subject: e.Subject, Number: e.Number, From: outsideState(e.From), To: outsideState(e.To),
		Actor: e.Actor.Outside(), Reason: e.Code(), At: e.At,
	}
}

// outsideState is a known status or outcome. Other programs could have written anything
// else.
func outsideState(state string) string {
	if ofSession(state) || slices.Contains(Outcomes(), Outcome(state)) {
		return state
	}
	return ""
}

func ofSession(state string) bool { return slices.Contains(SessionStatuses(), SessionStatus(state)) }

// OutsideSession is a session as outsiders see it.
type OutsideSession Session

// Outside returns the session with one of Curfew's own end reasons: another program may
// have written its own text.
func (s Session) Outside() OutsideSession {
	if s.EndReason != "" && !slices.Contains(EndReasons(), s.EndReason) {
		s.EndReason = Foreign
	}
	return OutsideSession(s)
}

// OutsideCheckout is a payment as its customer may see it: without notes and
// what only operators look at. Email and Name are the customer's own; webhooks
// leave them out.
type OutsideCheckout struct {
	ID           string
	CustomerID   string
	Ref          string
	Plan         string
	Amount       int64 // in the currency's minor unit
	Currency     string
	Email        string
	Name         string
	Outcome      Outcome
	Version      int64
	SessionID    string
	RetryUntil   time.Time
	RefundAmount int64
	Due          int64 // what a refund gives back: see Checkout.Due
	MoneyDue     bool
	PaymentID    string
	Capture      string // see Checkout.Capture
	RefundFailed bool   // the bank refused a refund: it is to be paid back in another way
	Duplicate    bool   // another checkout had already been recorded for its payment
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Outside returns the payment without what operators wrote.
func (c Checkout) Outside() OutsideCheckout {
	return OutsideCheckout{
		ID: c.ID, CustomerID: c.CustomerID, Ref: c.Ref, Plan: c.Plan, Amount: c.Amount, Currency: c.Currency, Email: c.Email, Name: c.Name,
		Outcome: c.Outcome, Version: c.Version, SessionID: c.SessionID, RetryUntil: c.RetryUntil, RefundAmount: c.RefundAmount, Due: c.Due(),
		MoneyDue: c.MoneyDue, PaymentID: c.PaymentID, Capture: c.Capture, RefundFailed: c.Concern == refundFailed,
		Duplicate: c.Outcome == Void && c.LineOf != "" && c.LineOf != c.ID && c.Line <= 1, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}

// refundFailed is the Concern of a checkout whose refund failed.
const refundFailed = "refund_failed"

// ReasonCode says why something happened, to outsiders.
type ReasonCode string

// The codes of steps. Those that end a session are its EndReasons.
const (
	codeAdmitted       ReasonCode = "admitted"          // a payment, or a free plan, brought a session
	codeBooked         ReasonCode = "booked"            // an appointment
	codeCreditSpent    ReasonCode = "credit_spent"      // a credit brought a session
	codeSlotFree       ReasonCode = "slot_free"         // the payment had waited for the slot
	codeRevived        ReasonCode = "revived"           // an operator undid a cleanup
	codeDue            ReasonCode = "due"               // an appointment began
	codeSlotTaken      ReasonCode = "slot_taken"        // it has to wait: another session of the customer is open
	codeAccepted       ReasonCode = "accepted"          // by a mechanic
	codeReleased       ReasonCode = "released"          // by the mechanic, or an operator
	codeTransferred    ReasonCode = "transferred"       // by the mechanic, to a colleague
	codeProlonged      ReasonCode = "prolonged"         // an operator moved the deadline
	codeUnaccepted     ReasonCode = "unaccepted"        // it keeps waiting, and the marketplace is notified
	codeForgotten      ReasonCode = "forgotten"         // the mechanic who had accepted did not come
	codeJoined         ReasonCode = "joined"            // the first of the two came in
	codeBothJoined     ReasonCode = "both_joined"       // the second one came in
	codeExtended       ReasonCode = "extended"          // more time was paid for
	codeTooLate        ReasonCode = "too_late"          // the slot was not free in time, or the session not live any more
	codeHeld           ReasonCode = "held"              // the payment cannot be used as it is
	codeRepaired       ReasonCode = "repaired"          // an operator made a held payment usable
	codeRefundDecided  ReasonCode = "refund_decided"    // by an operator
	codeCreditDecided  ReasonCode = "credit_decided"    // by an operator
	codeCreditOver     ReasonCode = "credit_over"       // nobody has spent it in time
	codeRefundAsked    ReasonCode = "refund_asked"      // the provider is asked to give it back
	codeRefundRefused  ReasonCode = "refund_refused"    // the provider would not
	codeNothingToPay   ReasonCode = "nothing_to_refund" // nothing had been paid
	codeRefundReported ReasonCode = "refund_reported"   // the provider gave it back
	codeNotOurs        ReasonCode = "not_ours"          // another product of the same account
	codeAwaited        ReasonCode = "payment_awaited"   // a bank says later
	codeArrived        ReasonCode = "payment_arrived"   // the money has come, or come back
	codeReduced        ReasonCode = "payment_reduced"   // a part of it was given back or lost
	codeCaptureDue     ReasonCode = "payment_due"       // reserved money is to be taken
	codeCaptured       ReasonCode = "payment_captured"  // it was taken
	codeNotCaptured    ReasonCode = "payment_refused"   // it could not be taken
	codeUnreserved     ReasonCode = "payment_released"  // it is not reserved any more
	codeDisputed       ReasonCode = "disputed"          // the customer's bank asks for it
	codeNoted          ReasonCode = "noted"             // something was noted, and nothing changed
	codeOther          ReasonCode = "other"             // none of these
)

// ReasonCodes lists every code that outsiders can see.
func ReasonCodes() []ReasonCode {
	all := []ReasonCode{
		codeAdmitted, codeBooked, codeCreditSpent, codeSlotFree, codeRevived, codeDue, codeSlotTaken, codeAccepted, codeReleased, codeTransferred, codeProlonged, codeUnaccepted, codeForgotten,
		codeJoined, codeBothJoined, codeExtended, codeTooLate, codeHeld, codeRepaired, codeRefundDecided, codeCreditDecided, codeCreditOver,
		codeRefundAsked, codeRefundRefused, codeNothingToPay, codeRefundReported, codeNotOurs, codeAwaited, codeArrived, codeReduced,
		codeCaptureDue, codeCaptured, codeNotCaptured, codeUnreserved,
		codeDisputed, codeNoted, codeOther,
	}
	for _, r := range EndReasons() {
		all = append(all, ReasonCode(r))
	}
	return all
}

// codes maps the reasons of events to their codes, by the whole text or by the part
// before a note.
var codes = map[string]ReasonCode{
	AdmittedReason: codeAdmitted, BookedReason: codeBooked, SpentReason: codeCreditSpent, ServedReason: codeSlotFree,
	RevivedReason: codeRevived, string(Due): codeDue, PostponedReason: codeSlotTaken, DeferredReason: codeSlotTaken,
	AcceptedReason: codeAccepted, ReleasedReason: codeReleased, TransferredReason: codeTransferred, UnacceptedReason: codeUnaccepted, string(Forgotten): codeForgotten, JoinedReason: codeJoined, BothJoinedReason: codeBothJoined,
	UnservedReason: codeTooLate, RefundAskedReason: codeRefundAsked, RefundRefusedReason: codeRefundRefused,
	NothingPaidReason: codeNothingToPay, GivenBackReason: codeRefundReported, GivenBackBeforeReason: codeRefundReported, ArrivedReason: codeArrived, AwaitedReason: codeAwaited, PartLostReason: codeReduced,
	CaptureReason("due"): codeCaptureDue, CaptureReason("capturing"): codeCaptureDue, CaptureReason("captured"): codeCaptured,
	CaptureReason("failed"): codeNotCaptured, CaptureReason("releasing"): codeUnreserved, CaptureReason("released"): codeUnreserved,
	creditOver: codeCreditOver, disputedCode: codeDisputed, RepairedReason: codeRepaired, ForeignReason: ReasonCode(Foreign),
}

// Code is why the event happened, as outsiders see it. The reason itself may contain what
// an operator wrote.
func (e Event) Code() ReasonCode {
	code, _, _ := strings.Cut(e.Reason, noteMark)
	if known, ok := codes[code]; ok {
		return known
	}
	switch {
	case strings.HasPrefix(code, adoptedReason):
		return ReasonCode(Foreign)
	case slices.Contains(EndReasons(), EndReason(code)):
		return ReasonCode(code)
	case strings.HasPrefix(code, ExtendedReason+" "):
		return codeExtended
	case strings.HasPrefix(code, ProlongedReason+" "):
		return codeProlonged
	}
	return e.codeOfStep()
}

// codeOfStep returns the code for a reason that is free text: the step itself says enough.
func (e Event) codeOfStep() ReasonCode {
	from, to := Outcome(e.From), Outcome(e.To)
	switch {
	case e.From == e.To:
		return codeNoted
	case to == Held:
		return codeHeld
	case to == Ignored:
		return codeNotOurs
	case (from == Held || from == Ignored) && to == Deferred:
		return codeRepaired
	case from == "" && to == RefundDue:
		return codeTooLate
	case to == Refunding:
		return codeRefundAsked
	case to == RefundDue, to == Refunded:
		return codeRefundDecided
	case from == Forfeited && to == Credited:
		return codeCreditDecided
	case to == Void:
		return ReasonCode(ByPayment)
	}
	return codeOther
}
