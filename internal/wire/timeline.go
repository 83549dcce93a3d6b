package wire

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/timeline"
)

// Timeline converts the timeline of a customer, session, payment or run.
func Timeline(s timeline.Timeline) api.Timeline {
	out := api.Timeline{
		Subject:    api.Subject{Kind: string(s.Target.Kind), ID: s.Target.ID},
		CustomerID: s.CustomerID, Customers: s.Customers, Sentence: s.Summary, Actions: []api.Action{},
		Sessions: make([]api.Session, len(s.Sessions)), Checkouts: CheckoutsInside(s.Checkouts, s.Payments).Checkouts,
		Entries: make([]api.Entry, len(s.Entries)), More: s.More,
	}
	if s.Blocker != nil {
		out.Blocked, out.Session, out.ReleasesAt = true, Blocker(*s.Blocker), OptionalTime(s.Blocker.ReleasesAt)
	}
	for _, a := range s.Actions {
		if action, ok := Action(a); ok {
			out.Actions = append(out.Actions, action)
		}
	}
	for i, session := range s.Sessions {
		out.Sessions[i] = InsideSession(session)
	}
	for i, entry := range s.Entries {
		out.Entries[i] = timelineEntry(entry)
	}
	if s.More {
		out.NextCursor = Cursor(s.Next)
	}
	return out
}

// timelineEntry converts one entry of a timeline.
func timelineEntry(e timeline.Entry) api.Entry {
	out := api.Entry{
		At: e.At.UTC(), Kind: string(e.Kind), ID: e.ID, Number: e.Number, From: e.From, To: e.To,
		Reason: e.Reason, Sentence: e.Sentence, CustomerID: e.CustomerID,
	}
	if e.Actor != (curfew.Actor{}) {
		out.Actor = e.Actor.String()
	}
	if e.Delivery != nil {
		d := Delivery(*e.Delivery)
		out.Delivery = &d
	}
	return out
}
