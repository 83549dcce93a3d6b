package curfew

import "slices"

// Outcome is what has become of a payment. A payment has exactly one at a time.
type Outcome string

// The outcomes. Promised waits for the money, deferred for the customer's slot, credited
// for the customer's next session. Refunding is committed before the provider is called.
// Nothing is owed for a void payment, which was never made or was taken back, or for an
// ignored one, which is not Curfew's.
const (
	Promised  Outcome = "promised"
	Fulfilled Outcome = "fulfilled"
	Deferred  Outcome = "deferred"
	Held      Outcome = "held"
	Credited  Outcome = "credited"
	RefundDue Outcome = "refund_due"
	Refunding Outcome = "refunding"
	Refunded  Outcome = "refunded"
	Forfeited Outcome = "forfeited"
	Void      Outcome = "void"
	Ignored   Outcome = "ignored"
)

// Outcomes lists the outcomes.
func Outcomes() []Outcome {
	return []Outcome{Promised, Fulfilled, Deferred, Held, Credited, RefundDue, Refunding, Refunded, Forfeited, Void, Ignored}
}

// OutcomeStep is one legal step of a checkout.
type OutcomeStep struct{ From, To Outcome }

// OutcomeSteps is the table of legal steps. An empty From is the recording of a payment.
// The databases' guards have the same table; a test compares them.
func OutcomeSteps() []OutcomeStep {
	return slices.Concat(
		// Any outcome except refunding, which follows a refund that is due, and forfeited,
		// which needs a session that has ended.
		from("", Promised, Fulfilled, Deferred, Held, Credited, RefundDue, Refunded, Void, Ignored),
		// The money came, or will not.
		from(Promised, Fulfilled, Deferred, Held, Credited, RefundDue, Refunded, Void),
		// Its session was cancelled, or the provider took the money back.
		from(Fulfilled, Credited, RefundDue, Forfeited, Refunded, Held, Void),
		// The slot is free, or was not in time.
		from(Deferred, Fulfilled, RefundDue, Refunded, Held, Void),
		// An operator, or the shop, made it usable, or says that it is not ours.
		from(Held, Fulfilled, Deferred, RefundDue, Refunded, Void, Ignored),
		// Spent, or given back after all.
		from(Credited, Fulfilled, RefundDue, Refunded, Held, Void),
		// The worker claims it before it calls the provider; until then it may still pay
		// for a session.
		from(RefundDue, Refunding, Fulfilled, RefundDue, Refunded, Void),
		// Only the worker leaves it: done, tried again, or refused for good.
		from(Refunding, Refunded, Refunding, RefundDue),
		// The bank sent the money back.
		from(Refunded, RefundDue),
		// An operator's goodwill.
		from(Forfeited, Credited, RefundDue, Refunded, Void),
		// A dispute was won, or the payment came after all.
		from(Void, Credited, RefundDue, Held, Refunded),
		// It is ours after all.
		from(Ignored, Held, Deferred),
	)
}

// from returns the steps from one outcome to each of the others.
func from(outcome Outcome, to ...Outcome) []OutcomeStep {
	all := make([]OutcomeStep, len(to))
	for i, t := range to {
		all[i] = OutcomeStep{outcome, t}
	}
	return all
}

// LegalOutcome reports whether a payment may go from one outcome to the other.
func LegalOutcome(from, to Outcome) bool {
	return slices.Contains(OutcomeSteps(), OutcomeStep{from, to})
}
