package curfew

import "time"

// PlanKind is how customer and mechanic meet.
type PlanKind string

// The kinds of plans.
const (
	Chat       PlanKind = "chat"
	Video      PlanKind = "video"
	Diagnostic PlanKind = "diagnostic"
)

// Plan is something that customers can buy.
type Plan struct {
	Name       string // what people read; empty: its key
	Kind       PlanKind
	Duration   time.Duration
	WaitingTTL time.Duration // 0: the policy's
	JoinOffer  time.Duration // 0: the policy's
	Price      *int64        // minor units; nil: not known here; 0: free
	Currency   string
	Extends    bool // sells minutes for a live session, not a session
	// Capture is when the money is taken, which is reserved until then: "at_payment",
	// "at_acceptance" (of the request, by a mechanic) or "at_live" (both are in). Empty:
	// at payment.
	Capture string
	// CaptureEarly takes the money at payment if it cannot be reserved for long enough.
	// Without it, such a payment is refused and nothing is taken.
	CaptureEarly bool
	// Delayed gives a session at once for money that a bank promises for later, such as a
	// direct debit. Otherwise the session waits for the money.
	Delayed bool
}

// When the money of a plan is taken.
const (
	atPayment    = "at_payment"
	atAcceptance = "at_acceptance"
	atLive       = "at_live"
)

// Reserves reports whether the money is reserved at payment, and taken later.
func (p Plan) Reserves() bool { return p.CapturesAccepted() || p.CapturesLive() }

// CapturesAccepted reports whether the money is taken when a mechanic accepts.
func (p Plan) CapturesAccepted() bool { return p.Capture == atAcceptance }

// CapturesLive reports whether the money is taken when both parties are in.
func (p Plan) CapturesLive() bool { return p.Capture == atLive }

// Free reports whether the plan costs nothing.
func (p Plan) Free() bool { return p.Price != nil && *p.Price == 0 }

// BuiltinPlans are the plans that apply when none are configured.
func BuiltinPlans() map[string]Plan {
	free := int64(0)
	return map[string]Plan{
		"chat10":     {Kind: Chat, Duration: 30 * time.Minute},
		"video15":    {Kind: Video, Duration: 45 * time.Minute},
		"diagnostic": {Kind: Diagnostic, Duration: 60 * time.Minute},
		"free":       {Kind: Chat, Duration: 30 * time.Minute, Price: &free},
	}
}
