package httpapi

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/wire"
)

// Topics of the live streams. One customer's and one mechanic's begin with
// their role; nobody follows two that a frame can have both.
const (
	everySession   = "sessions" // as outsiders see them
	insideSessions = "sessions:inside"
	everyCheckout  = "checkouts"
	theQueue       = "queue"
)

func topicOf(role curfew.Role, id string) string { return string(role) + ":" + id }

// topicsOf is what somebody may follow: what the lists would tell them.
func topicsOf(who curfew.Actor) []string {
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

// Frames is what the live streams tell of an event whose session stands so now,
// and whom. It is in the words of the lists, and tells nobody more than they do.
func Frames(n curfew.News, s curfew.Standing) []curfew.Frame {
	switch {
	case !n.OfSession():
		return []curfew.Frame{checkoutFrame(n)}
	case s.ID == "":
		return nil // the session was removed by hand
	case n.Offers() && s.Request.ID != "":
		return []curfew.Frame{sessionFrame(n, s), insideFrame(n, s), requestFrame(n, s)}
	}
	return []curfew.Frame{sessionFrame(n, s), insideFrame(n, s)}
}

// sessionFrame is the session's frame for everybody but operators.
func sessionFrame(n curfew.News, s curfew.Standing) curfew.Frame {
	topics := []string{everySession, topicOf(curfew.Customer, s.CustomerID)}
	if s.Assigned() {
		topics = append(topics, topicOf(curfew.Mechanic, s.MechanicID))
	}
	return curfew.Frame{Topics: topics, Text: frameText(n.At, api.SessionFrame, api.SessionChange{
		SessionID: s.ID, Event: wire.Event(n.Outside()), Session: wire.Session(s.Outside()),
	})}
}

// insideFrame is the session's frame for operators: who did it, and what they
// wrote.
func insideFrame(n curfew.News, s curfew.Standing) curfew.Frame {
	return curfew.Frame{Topics: []string{insideSessions}, Text: frameText(n.At, api.SessionFrame, api.SessionChange{
		SessionID: s.ID, Event: wire.InsideEvent(n.Event), Session: wire.InsideSession(s.Session),
	})}
}

// requestFrame is whether the session's request is in the queue now.
func requestFrame(n curfew.News, s curfew.Standing) curfew.Frame {
	var body any = api.RequestRemoved{Change: "removed", Request: api.RequestRef{ID: s.Request.ID, SessionID: s.ID}}
	if s.Queued() {
		body = api.RequestAdded{Change: "added", Request: wire.Offer(s)}
	}
	return curfew.Frame{Topics: []string{theQueue}, Text: frameText(n.At, api.RequestFrame, body)}
}

func checkoutFrame(n curfew.News) curfew.Frame {
	topics := []string{everyCheckout, topicOf(curfew.Customer, n.CustomerID)}
	return curfew.Frame{Topics: topics, Text: frameText(n.At, api.CheckoutFrame, api.CheckoutChange{
		CheckoutID: n.Subject, Outcome: n.To, SessionID: n.SessionID, Number: n.Number, At: n.At.UTC(),
	})}
}

// frameText is a server-sent event (HTML, section 9.2). JSON has no line breaks. With
// a time the frame has an id; without one the reader's last id stays.
func frameText(id time.Time, name string, body any) []byte {
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

// heartbeat keeps proxies from taking a quiet stream for a dead one, and moves
// the reader's last id on: so far all is told.
func heartbeat(mark time.Time) []byte { return []byte(": still here\n" + idLine(mark) + "\n") }
