// Package stripe is the one room that knows Stripe: what it tells (Hook: a
// webhook's signature verified, its event translated into a curfew.Notice) and
// what it is asked (Client: give money back, list what was given back, list
// what was paid).
//
// It keeps nothing and decides nothing. What becomes of a payment, when a
// refund is due and how long to wait before it is asked for again are its
// callers' affairs.
package stripe
