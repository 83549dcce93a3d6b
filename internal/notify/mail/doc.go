// Package mail e-mails customers about their sessions and payments: one notice per
// transition, describing the state at the time of sending.
//
// A delivery names only the notice. Its text is rendered when it is sent, so that it
// mentions a refund made in the meantime; a notice that is outdated by then (the
// accepted session is over) is not sent. Notices about money are always sent;
// customers can unsubscribe from the others.
//
// The package knows SMTP and templates. When to send and retry is up to the worker;
// what a customer is owed is up to the checkout.
package mail
