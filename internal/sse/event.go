package sse

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// Topics of the live streams. Those of one customer and of one mechanic begin with the role. Nobody subscribes to two
// topics that can carry the same event.
const (
	everySession   = "sessions" // as outsiders see them
	insideSessions = "sessions:inside"
	everyCheckout  = "checkouts"
	theQueue       = "queue"
)

func topicOf(role curfew.Role, id string) string { return string(role) + ":" + id }

// Topics returns the topics that a caller may subscribe to: those that carry what the lists would show them.
func Topics(who curfew.Actor) []string {
	switch who.Role {
	case curfew.Customer:
		return []string{topicOf(who.Role, who.ID)}
	case curfew.Mechanic:
		return []string{topicOf(who.Role, who.ID), theQueue}
	case curfew.Admin:
		return []string{insideSessions, everyCheckout, theQueue}
	case curfew.Service:
		return []string{everySession}
	}
	return nil
}

// Encode returns what the live streams send about an event whose session is now s, and to whom. It uses the shapes of
// the lists, and shows nobody more than the lists do.
func Encode(n record.StreamEvent, s curfew.Snapshot) []record.Message {
	switch {
	case !n.OfSession():
		return []record.Message{checkoutEvent(n)}
	case s.ID == "":
		return nil // the session was removed by hand
	case n.Offers() && s.Request.ID != "":
		return append([]record.Message{sessionEvent(n, s), insideEvent(n, s), requestEvent(n, s)}, takenEvent(n, s)...)
	}
	return []record.Message{sessionEvent(n, s), insideEvent(n, s)}
}

// takenEvent tells a mechanic that a session is theirs no more, because they did not come. What became of it since is not
// theirs to know.
func takenEvent(n record.StreamEvent, s curfew.Snapshot) []record.Message {
	code, mechanicID, _ := strings.Cut(n.Reason, ": ")
	if code != string(curfew.Forgotten) || mechanicID == "" || mechanicID == s.MechanicID {
		return nil
	}
	session := wire.Session(s.Outside())
	session = api.Session{
		ID: session.ID, Status: n.To, CustomerID: session.CustomerID, Plan: session.Plan, Type: session.Type, CreatedAt: session.CreatedAt,
	}
	return []record.Message{{Topics: []string{topicOf(curfew.Mechanic, mechanicID)}, Text: eventText(n.At, api.SessionEvent, api.SessionChange{
		SessionID: s.ID, Event: wire.Event(n.Outside()), Session: session,
	})}}
}

// sessionEvent is a session's change for everybody but operators.
func sessionEvent(n record.StreamEvent, s curfew.Snapshot) record.Message {
	topics := []string{everySession, topicOf(curfew.Customer, s.CustomerID)}
	if s.Assigned() {
		topics = append(topics, topicOf(curfew.Mechanic, s.MechanicID))
	}
	return record.Message{Topics: topics, Text: eventText(n.At, api.SessionEvent, api.SessionChange{
		SessionID: s.ID, Event: wire.Event(n.Outside()), Session: wire.Session(s.Outside()),
	})}
}

// insideEvent is a session's change for operators: it says who made it, and includes their notes.
func insideEvent(n record.StreamEvent, s curfew.Snapshot) record.Message {
	return record.Message{Topics: []string{insideSessions}, Text: eventText(n.At, api.SessionEvent, api.SessionChange{
		SessionID: s.ID, Event: wire.InsideEvent(n.Event), Session: wire.InsideSession(s.Session),
	})}
}

// requestEvent says whether the session's request is in the queue now.
func requestEvent(n record.StreamEvent, s curfew.Snapshot) record.Message {
	var body any = api.RequestRemoved{Change: "removed", Request: api.RequestRef{ID: s.Request.ID, SessionID: s.ID}}
	if s.Queued() {
		body = api.RequestAdded{Change: "added", Request: wire.Offer(s)}
	}
	return record.Message{Topics: []string{theQueue}, Text: eventText(n.At, api.RequestEvent, body)}
}

func checkoutEvent(n record.StreamEvent) record.Message {
	topics := []string{everyCheckout, topicOf(curfew.Customer, n.CustomerID)}
	return record.Message{Topics: topics, Text: eventText(n.At, api.CheckoutEvent, api.CheckoutChange{
		CheckoutID: n.Subject, Outcome: n.To, SessionID: n.SessionID, Number: n.Number, At: n.At.UTC(),
	})}
}

// eventText writes a server-sent event (HTML, section 9.2). JSON has no line breaks. With the zero time the event has no
// id, and the reader keeps its last one.
func eventText(id time.Time, name string, body any) []byte {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // our own structs can be written
	}
	var text bytes.Buffer
	if !id.IsZero() {
		text.WriteString(idLine(id))
	}
	text.WriteString("event: " + name + "\ndata: ")
	text.Write(data)
	text.WriteString("\n\n")
	return text.Bytes()
}

func idLine(at time.Time) string {
	return "id: " + at.UTC().Format("2006-01-02T15:04:05.000000Z07:00") + "\n"
}

// heartbeatText keeps proxies from taking a quiet stream for a dead one. It moves the reader's last id on: everything up
// to mark has been sent. An EventSource hides comments and events without a data field from its page, so the heartbeat is
// an event with empty data, which clients that look for JSON pass over.
func heartbeatText(mark time.Time) []byte {
	return []byte(": still here\n" + idLine(mark) + "event: heartbeat\ndata:\n\n")
}

// briefly returns what a brief stream says of some events: the sessions of customers and mechanics, which are their own; and
// of everything else that something has changed.
func briefly(events []byte, role curfew.Role) []byte {
	var said, id []byte
	others := false
	for event := range bytes.SplitSeq(events, []byte("\n\n")) {
		head, rest, _ := bytes.Cut(event, []byte("\n"))
		switch {
		case len(event) == 0:
		case role != curfew.Admin && bytes.HasPrefix(rest, []byte("event: "+api.SessionEvent+"\n")):
			said = append(append(said, event...), "\n\n"...)
		default:
			others, id = true, head
		}
	}
	if others {
		said = append(append(said, id...), "\nevent: "+api.ChangedEvent+"\ndata: {}\n\n"...)
	}
	return said
}
