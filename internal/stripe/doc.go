// Package stripe is the only package that knows Stripe. Hook verifies and translates
// its webhook events; Client refunds payments and lists payments and refunds.
//
// It stores nothing and decides nothing. What happens to a payment, when a refund is
// due and when to retry are up to its callers.
package stripe
