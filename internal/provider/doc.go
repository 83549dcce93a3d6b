// Package provider reads a marketplace's reports of payments at any provider: PayPal, Mollie, a bank. Hook verifies the
// signature (https://www.standardwebhooks.com) and translates each event into facts, as package stripe does for Stripe.
//
// # Facts
//
//	type          kind of fact   state
//	authorised    attempt        authorised
//	paid          attempt        captured
//	declined      attempt        failed: another try may follow
//	promised      promise        promised
//	failed        promise        failed: nothing will come of it
//	expired       attempt        expired
//	voided        attempt        voided
//	refund        refund         as the event says
//	refund_total  refund_total   total
//	dispute       dispute        as the event says
//
// # What it does not do
//
// It calls nobody, stores nothing and decides nothing. It knows no provider by name but Stripe, which it refuses: Stripe's
// own messages say more.
package provider
