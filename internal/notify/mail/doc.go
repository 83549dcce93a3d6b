// Package mail tells customers by e-mail what became of their sessions and
// their money: one notice a transition, in words that are true at the moment of
// sending.
//
// A delivery holds only which notice it is. What it says is read when it is
// sent, so that a refund that was made meanwhile is called made; what has been
// overtaken by then (a session accepted and over) is not sent. Notices about
// money always go out; those that are a courtesy can be unsubscribed.
//
// It knows SMTP and words. When a delivery is tried, and how often, is the
// worker's to say; what somebody is owed, the checkout's.
package mail
