package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// StreamEvent is an event with the session it is about.
type StreamEvent struct {
	curfew.Event
	// SessionID is the event's own session, or the first one of its checkout;
	// empty if there is none.
	SessionID string
}

// OfSession reports whether the event is a session's, not a checkout's.
func (n StreamEvent) OfSession() bool { return n.SessionID == n.Subject }

// Offers reports whether the event may have moved the session's request into or
// out of the queue. Joining changes nothing there.
func (n StreamEvent) Offers() bool {
	to := curfew.SessionStatus(n.To)
	return to == curfew.Waiting && n.Reason != curfew.JoinedReason && n.Reason != curfew.UnacceptedReason || curfew.SessionStatus(n.From) == curfew.Waiting && to.Ended()
}

// Message is a message of the live streams, encoded once for everybody who
// follows one of its topics.
type Message struct {
	Topics []string
	Text   []byte
}

// ResumeSlack is how far before the time that a client names a stream resumes:
// a long transaction commits events with times before those already sent. No
// transaction may stay open longer than this.
const ResumeSlack = 30 * time.Second
