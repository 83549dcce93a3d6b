package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// StreamEvent is an event with the session it is about.
type StreamEvent struct {
	curfew.Event
	// SessionID is the event's own session, or the first one of its checkout;
	// empty: there is none.
	SessionID string
}

// OfSession reports whether the event is a session's, not a checkout's.
func (n StreamEvent) OfSession() bool { return n.SessionID == n.Subject }

// Offers reports whether the event may have moved the session's request into
// the queue or out of it: mechanics joining changes nothing there.
func (n StreamEvent) Offers() bool {
	to := curfew.SessionStatus(n.To)
	return to == curfew.Waiting && n.Reason != "joined" || curfew.SessionStatus(n.From) == curfew.Waiting && to.Ended()
}

// Message is a message of the live streams, made once for all who get it:
// whoever follows one of its topics.
type Message struct {
	Topics []string
	Text   []byte
}

// ResumeSlack is how far before the time that a client names a stream begins
// again: a transaction that took long commits events that are older than what
// was told already. No transaction may be open for longer.
const ResumeSlack = 30 * time.Second
