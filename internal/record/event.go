package record

import (
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// Refusal records that a customer was refused because of this session.
type Refusal struct {
	ID         string
	CustomerID string
	SessionID  string
	At         time.Time
}

// EnrichedEvent is an event with the present state of its subject, which may have
// changed since the event.
type EnrichedEvent struct {
	curfew.Event
	Of string // what the subject is: "session" or "checkout"
	// Session is the event's own session, or the first one of its checkout; the
	// zero value if there is none.
	Session curfew.Session
	// Checkout is the event's own checkout, or the one that paid for its session.
	Checkout curfew.Checkout
	// Payment is that of a checkout's event; its zero value was not read.
	Payment curfew.Payment
}

// OfSession reports whether the event is a session's.
func (e EnrichedEvent) OfSession() bool { return e.Of == "session" }

// Kind names the event for receivers outside: session.waiting, checkout.refunded.
// A step that keeps the status is named by its reason.
func (e EnrichedEvent) Kind() string {
	switch {
	case !e.OfSession() && e.From == e.To:
		return "checkout.changed"
	case !e.OfSession():
		return "checkout." + e.To
	case e.From == e.To:
		return "session." + stepWithin(e.Reason)
	}
	return "session." + e.To
}

// stepWithin parses a reason: a code, optionally followed by a colon and a note.
func stepWithin(reason string) string {
	code, _, _ := strings.Cut(reason, ": ")
	switch {
	case slices.Contains(stepsByReason, code):
		return code
	case strings.HasPrefix(code, curfew.ProlongedReason+" "):
		return curfew.ProlongedReason
	case strings.HasPrefix(reason, curfew.ExtendedReason+" "):
		return curfew.ExtendedReason
	case reason == curfew.PostponedReason:
		return "postponed"
	case reason == curfew.UnacceptedReason:
		return "unaccepted"
	}
	return "changed"
}

// stepsByReason are the reasons of the steps that are named by the whole of it.
var stepsByReason = []string{
	curfew.AcceptedReason, curfew.ReleasedReason, curfew.TransferredReason, string(curfew.Forgotten), curfew.JoinedReason,
}

// TestKind is the kind of a delivery that no event caused.
const TestKind = "test"

// EventKinds lists the values of Kind.
func EventKinds() []string {
	var all []string
	for _, s := range curfew.SessionStatuses() {
		all = append(all, "session."+string(s))
	}
	for _, step := range append(slices.Clone(stepsByReason), curfew.ExtendedReason, curfew.ProlongedReason, "unaccepted", "postponed", "changed") {
		all = append(all, "session."+step)
	}
	for _, o := range curfew.Outcomes() {
		all = append(all, "checkout."+string(o))
	}
	return append(all, "checkout.changed")
}

// OutsideEnrichedEvent is an enriched event as outsiders see it.
type OutsideEnrichedEvent struct {
	curfew.OutsideEvent
	Kind     string // see EnrichedEvent.Kind
	Of       string // "session" or "checkout"
	Session  curfew.OutsideSession
	Checkout curfew.OutsideCheckout
	// Money is how a checkout's payment stands, without the provider's reasons; nil: nothing
	// was paid, or it was not read.
	Money *curfew.Balance
}

// Outside returns the event without what operators wrote.
func (e EnrichedEvent) Outside() OutsideEnrichedEvent {
	return OutsideEnrichedEvent{
		OutsideEvent: e.Event.Outside(), Kind: e.Kind(), Of: e.Of, Session: e.Session.Outside(), Checkout: e.Checkout.Outside(), Money: e.money(),
	}
}

func (e EnrichedEvent) money() *curfew.Balance {
	if e.OfSession() || e.Payment.ID == "" || e.Checkout.Free() {
		return nil
	}
	b := Ledger{Payment: e.Payment, Checkouts: []curfew.Checkout{e.Checkout}}.Money()
	b.Refusal = ""
	return &b
}

// OfSession reports whether the event is a session's.
func (e OutsideEnrichedEvent) OfSession() bool { return e.Of == "session" }

// behalfMark stands in a stored actor before the service that acted for them. No id has it.
const behalfMark = "\t"

// ActorText is an actor as it is stored.
func ActorText(a curfew.Actor) string {
	text := string(a.Role) + ":" + a.ID
	if a.By != "" {
		text += behalfMark + a.By
	}
	return text
}

// ParseActor is the inverse of ActorText; a text without a colon is a role
// without an id.
func ParseActor(s string) curfew.Actor {
	s, by, _ := strings.Cut(s, behalfMark)
	role, id, _ := strings.Cut(s, ":")
	return curfew.Actor{Role: curfew.Role(role), ID: id, By: by}
}

// ProbeEvent is an event that no subject has: whether it can be written tells whether others can.
func ProbeEvent(id string) curfew.Event {
	return curfew.Event{
		CustomerID: curfew.Nobody, Subject: id, Number: 1, To: string(curfew.Waiting), Actor: curfew.Actor{Role: curfew.System}, Reason: "probe",
	}
}
