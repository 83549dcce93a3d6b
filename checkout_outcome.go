package curfew

import "slices"

// Outcome is what has become of a payment. A payment has exactly one at a time.
type Outcome string

// The outcomes. Deferred waits for the customer's slot, credited for the customer's next
// session. Refunding is committed before the provider is called.
const (
	Fulfilled Outcome = "fulfilled"
	Deferred  Outcome = "deferred"
	Held      Outcome = "held"
	Credited  Outcome = "credited"
	RefundDue Outcome = "refund_due"
	Refunding Outcome = "refunding"
	Refunded  Outcome = "refunded"
	Forfeited Outcome = "forfeited"
)

// Outcomes lists the outcomes.
func Outcomes() []Outcome {
	return []Outcome{Fulfilled, Deferred, Held, Credited, RefundDue, Refunding, Refunded, Forfeited}
}

// OutcomeStep is one legal step of a checkout.
type OutcomeStep struct{ From, To Outcome }

// OutcomeSteps is the table of legal steps. An empty From is the recording of a payment.
// Nothing leaves Refunded. The databases' guards have the same table; a test compares
// them.
func OutcomeSteps() []OutcomeStep {
	return []OutcomeStep{
		// Recorded: with a session, behind another one, not usable as it is, or
		// for minutes of a session that is not live any more.
		{"", Fulfilled},
		{"", Deferred},
		{"", Held},
		{"", RefundDue},
		{"", Refunded},
		// Its session was cancelled, or the provider says that it was refunded.
		{Fulfilled, Credited},
		{Fulfilled, RefundDue},
		{Fulfilled, Forfeited},
		{Fulfilled, Refunded},
		// The slot is free, or was not in time.
		{Deferred, Fulfilled},
		{Deferred, RefundDue},
		{Deferred, Refunded},
		// An operator made it usable.
		{Held, Fulfilled},
		{Held, Deferred},
		{Held, RefundDue},
		{Held, Refunded},
		// Spent, or given back after all.
		{Credited, Fulfilled},
		{Credited, RefundDue},
		{Credited, Refunded},
		// The worker claims it before it calls the provider; until then it may
		// still pay for a session.
		{RefundDue, Refunding},
		{RefundDue, Fulfilled},
		{RefundDue, RefundDue},
		{RefundDue, Refunded},
		// Only the worker leaves it: done, tried again, or refused for good.
		{Refunding, Refunded},
		{Refunding, Refunding},
		{Refunding, RefundDue},
		// An operator's goodwill.
		{Forfeited, Credited},
		{Forfeited, RefundDue},
		{Forfeited, Refunded},
	}
}

// LegalOutcome reports whether a payment may go from one outcome to the other.
func LegalOutcome(from, to Outcome) bool {
	return slices.Contains(OutcomeSteps(), OutcomeStep{from, to})
}
