package curfew

import "time"

// News is an event with the session it is about.
type News struct {
	Event
	// SessionID is the event's own session, or the first one of its checkout;
	// empty: there is none.
	SessionID string
}

// OfSession reports whether the event is a session's, not a checkout's.
func (n News) OfSession() bool { return n.SessionID == n.Subject }

// Offers reports whether the event may have moved the session's request into
// the queue or out of it: mechanics joining changes nothing there.
func (n News) Offers() bool {
	to := SessionStatus(n.To)
	return to == Waiting && n.Reason != "joined" || SessionStatus(n.From) == Waiting && to.Ended()
}

// Frame is a message of the live streams, made once for all who get it:
// whoever follows one of its topics.
type Frame struct {
	Topics []string
	Text   []byte
}

// ResumeSlack is how far before the time that a client names a stream begins
// again: a transaction that took long commits events that are older than what
// was told already. No transaction may be open for longer.
const ResumeSlack = 30 * time.Second
