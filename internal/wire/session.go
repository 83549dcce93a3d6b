package wire

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

// SeesInside reports whether an actor sees the inside: the names of operators and what they wrote.
func SeesInside(who curfew.Actor) bool { return who.Role == curfew.Admin }

// EventsFor converts a history as far as who may see it.
func EventsFor(who curfew.Actor, events []curfew.Event) api.Events {
	if SeesInside(who) {
		return InsideEvents(events)
	}
	all := api.Events{Events: make([]api.Event, len(events))}
	for i, e := range events {
		all.Events[i] = Event(e.Outside())
	}
	return all
}

// Event converts an event for everybody but operators.
func Event(e curfew.OutsideEvent) api.Event {
	return api.Event{
		Number: e.Number, From: e.From, To: e.To, Actor: string(e.Actor), Reason: string(e.Reason), At: e.At.UTC(),
	}
}

// InsideEvents converts a history for operators.
func InsideEvents(events []curfew.Event) api.Events {
	all := api.Events{Events: make([]api.Event, len(events))}
	for i, e := range events {
		all.Events[i] = InsideEvent(e)
	}
	return all
}

// InsideEvent converts an event for operators.
func InsideEvent(e curfew.Event) api.Event {
	return api.Event{
		Number: e.Number, From: e.From, To: e.To, Actor: e.Actor.String(), Reason: e.Reason, At: e.At.UTC(),
	}
}

// SessionFor converts a session as far as who may see it.
func SessionFor(who curfew.Actor, s curfew.Session) api.Session {
	if SeesInside(who) {
		return InsideSession(s)
	}
	return Session(s.Outside())
}

// InsideSession converts a session for operators. It keeps an end reason that another program wrote.
func InsideSession(s curfew.Session) api.Session {
	out := Session(s.Outside())
	out.EndReason = string(s.EndReason)
	return out
}

// Session converts a session for everybody but operators.
func Session(s curfew.OutsideSession) api.Session {
	return api.Session{
		ID: s.ID, Status: string(s.Status), CustomerID: s.CustomerID, MechanicID: s.MechanicID,
		Plan: s.Plan, Type: string(s.Kind), CreatedAt: s.CreatedAt.UTC(), StartsAt: s.StartsAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
		StartedAt: s.StartedAt.UTC(), EndedAt: s.EndedAt.UTC(), EndReason: string(s.EndReason), Revives: s.Revives,
		Adopted: adopted(s.AdoptedFrom, s.AdoptedID),
	}
}

// adopted names the row that a session follows; nil: it is Curfew's own.
func adopted(from, id string) *api.Adopted {
	if from == "" {
		return nil
	}
	return &api.Adopted{From: from, ID: id}
}

// Blocker converts the session that blocks a customer.
func Blocker(b curfew.Blocker) *api.Blocker {
	return &api.Blocker{
		ID: b.Session.ID, Status: string(b.Session.Status), Assigned: b.Session.Assigned(),
		CreatedAt: b.Session.CreatedAt.UTC(), ExpiresAt: b.Session.ExpiresAt.UTC(),
		Adopted: adopted(b.Session.AdoptedFrom, b.Session.AdoptedID), Why: b.Why,
	}
}

// OptionalTime returns a time in UTC, or nil for the zero time.
func OptionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
