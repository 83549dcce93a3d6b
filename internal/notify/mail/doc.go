// Package mail e-mails customers about their sessions and payments: one notice per
// transition, describing the state at the time of sending.
//
// A delivery names only the notice. Its text is rendered when it is sent, so it mentions a refund
// made in the meantime; a notice that is outdated by then (the accepted session is over) is not
// sent. Notices about money are always sent; customers can unsubscribe from the others.
//
// The package knows SMTP and templates. The worker decides when to send and retry; the checkout
// decides what a customer is owed.
package mail
