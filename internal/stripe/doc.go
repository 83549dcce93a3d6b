// Package stripe is the only package that knows Stripe. Hook verifies its webhook events
// and translates them into facts; Client makes refunds, takes or releases reserved money, and
// translates what Stripe's API lists in the same way.
//
// # Facts
//
// Every object is read by its own state, whatever the type of the event that brings it:
//
//	Stripe's object      kind of fact          states
//	checkout.session     promise, attempt      open, promised, failed, expired; captured
//	invoice              promise, attempt      open, failed, expired; captured
//	invoice_payment      attempt               captured
//	payment_intent       attempt               pending, authorised, captured, voided, failed
//	charge               attempt, refund_total pending, authorised, captured, voided, expired, failed
//	refund               refund                requires_action, pending, succeeded, canceled, failed
//	dispute              dispute               warning, closed, needs_response, under_review, prevented, won, lost
//
// The event's type decides only three outcomes, and only where the object's state allows them: that
// a delayed payment failed, that an attempt to pay an intent failed, and that a hold lapsed.
//
// A charge's refund total excludes what was only released: Stripe's figure includes the remainder
// of a partial capture and a hold that was released. A refund in an unknown state is pending; such
// a dispute is unknown.
//
// A fact's time is that of the event, or the Date of the API's response. What was captured or
// refunded stays so, and keeps the object's own time when the API is asked, or when the event is
// about something else.
//
// # What it does not do
//
// It stores nothing and decides nothing. What a payment buys, when a refund is due and
// when to retry are up to its callers.
package stripe
