package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// One shows one session.
type One struct {
	Missing     string // why there is none
	ID          string
	State       State
	Until       Moment // its deadline
	UntilSaid   string
	Facts       []Fact
	Actions     []Action
	Payments    []PaymentLine
	Ahead, Past []Entry // deadlines to come; what happened, newest first
}

// sessionPath returns the address of a session's page.
func sessionPath(id string) string { return "/console/session?id=" + url.QueryEscape(id) }

// mechanicPath returns the address of a mechanic's page.
func mechanicPath(id string) string { return "/console/mechanic?id=" + url.QueryEscape(id) }

// PageOf returns the address of the page about something that a search has found.
func PageOf(h record.Hit) string {
	switch h.Kind {
	case record.HitSession:
		return sessionPath(h.ID)
	case record.HitMechanic:
		return mechanicPath(h.ID)
	case record.HitPayment:
		if h.CustomerID == curfew.Nobody {
			return customerPath(h.ID)
		}
		return customerPath(h.CustomerID) + "#payment-" + h.ID
	}
	return customerPath(h.ID)
}

// sessionView shows the session that is asked for.
func (s *Site) sessionView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, "id")
	if err != nil {
		return nil, err
	}
	if q.Get("id") == "" {
		return One{Missing: "No session is named: choose one from the list of sessions."}, nil
	}
	line, err := s.timeline.Session(ctx, wire.CanonicalID(q.Get("id")))
	if errors.Is(err, curfew.NotFound) {
		return One{Missing: "There is no session with this id."}, nil
	}
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(line.CustomerID, line.Session.ID, "")
	at := moments{line.Session.Now}
	v := One{ID: line.Session.ID, State: oneState(line.Session), Facts: sessionFacts(line.Session, at)}
	if !line.Session.Status.Ended() {
		v.Until, v.UntilSaid = at.at(line.Session.ExpiresAt), "left until it ends by itself"
	}
	for _, e := range slices.Backward(line.Entries) {
		if entry := entryView(e, at); e.At.After(at.now) {
			v.Ahead = append(v.Ahead, entry)
		} else {
			v.Past = append(v.Past, entry)
		}
	}
	for _, c := range line.Checkouts {
		paid := paymentLine(c, line.Payments, s.pages, at)
		if paid.Actions, err = s.paymentActions(ctx, c); err != nil {
			return nil, err
		}
		v.Payments = append(v.Payments, paid)
	}
	v.Actions = s.sessionActions(line)
	return v, nil
}

// oneState describes the state of a session in a sentence.
func oneState(s curfew.Snapshot) State {
	switch {
	case s.Status.Ended():
		why := endings[s.EndReason]
		if why == "" {
			why = string(s.EndReason)
		}
		return State{Tone: map[bool]string{true: "good"}[s.Status == curfew.Completed], Sentence: capital(string(s.Status)) + ": " + why + "."}
	case s.Overdue():
		return State{Tone: "warning", Sentence: "Overdue: the next sweep or call ends it, and it blocks nobody."}
	case s.Status == curfew.Live:
		return State{Tone: "live", Sentence: "Live with mechanic " + s.MechanicID + "."}
	case s.Status == curfew.Scheduled:
		return State{Sentence: "Booked, and not begun."}
	case s.Assigned():
		return State{Tone: "waiting", Sentence: "Accepted by mechanic " + s.MechanicID + ", and not live yet."}
	}
	return State{Tone: "waiting", Sentence: "Waiting for a mechanic."}
}

func sessionFacts(s curfew.Snapshot, at moments) []Fact {
	facts := []Fact{{Name: "Customer", Value: s.CustomerID, Href: customerPath(s.CustomerID)}}
	if s.Request.CustomerName != "" {
		facts = append(facts, Fact{Name: "Name", Value: s.Request.CustomerName})
	}
	if s.Assigned() {
		facts = append(facts, Fact{Name: "Mechanic", Value: s.MechanicID, Href: mechanicPath(s.MechanicID)})
	}
	facts = append(facts, Fact{Name: "Plan", Value: s.Plan + ", " + string(s.Kind) + ", " + Span(s.Duration)})
	if origin := s.Origin(); origin != "" {
		facts = append(facts, Fact{Name: "Follows", Value: origin})
	}
	if s.Revives != "" {
		facts = append(facts, Fact{Name: "Replaces", Value: s.Revives, Href: sessionPath(s.Revives)})
	}
	for _, of := range []struct {
		name string
		at   time.Time
	}{
		{"Created", s.CreatedAt},
		{"Begins", s.StartsAt},
		{"Deadline", s.ExpiresAt},
		{"Accepted", s.AcceptedAt},
		{"Customer joined", s.CustomerJoinedAt},
		{"Mechanic joined", s.MechanicJoinedAt},
		{"Live since", s.StartedAt},
		{"Ended", s.EndedAt},
	} {
		if !of.at.IsZero() {
			facts = append(facts, Fact{Name: of.name, At: at.at(of.at), Exact: true})
		}
	}
	return append(facts, Fact{Name: "Request", Value: s.Request.ID})
}

// sessionActions returns what can be done about a session now. Adopted sessions are moved where their row
// is.
func (s *Site) sessionActions(line timeline.SessionTimeline) []Action {
	now := line.Session
	if now.Status.Ended() || now.Adopted() {
		return nil
	}
	about := lifecycle.Target{Session: now, Named: true}
	if len(line.Checkouts) > 0 {
		about.Checkout = line.Checkouts[0]
	}
	does := func(a lifecycle.ActionName) []string { return []string{s.keeper.Rules.Consequence(a, about)} }
	if now.Overdue() {
		return []Action{{
			Name: "clear", Label: "Settle it now…", Call: "POST /api/customers/" + url.PathEscape(now.CustomerID) + "/clear", Ask: "Settle this customer's overdue sessions?",
			Reason: "optional", Harm: true, Why: does(lifecycle.ClearCustomer),
		}}
	}
	at := "/api/debug/sessions/" + now.ID
	prolong := Action{
		Name: "prolong", Label: "Prolong…", Call: "POST " + at + "/prolong", Ask: "Move this session's deadline?", Reason: "required", Why: does(lifecycle.ProlongSession),
		Fields: []Field{{Name: "minutes", Label: "Minutes longer", Value: "15", Required: true, Number: true, Hint: "1 to 1440"}}, Done: "Its deadline is later now.",
	}
	end := Action{
		Name: "end", Label: "End session…", Call: "POST /api/sessions/" + now.ID + "/end", Ask: "End this live session?", Harm: true, Why: does(lifecycle.EndSession),
		Done: "The session has ended.",
	}
	cancel := Action{
		Name: "cancel", Label: "Cancel…", Call: "POST /api/sessions/" + now.ID + "/cancel", Ask: "Cancel this session?", Harm: true, Why: does(lifecycle.CancelSession),
		Done: "The session is cancelled.",
	}
	release := Action{
		Name: "release", Label: "Release…", Call: "POST " + at + "/release", Ask: "Take the session from its mechanic?", Reason: "required", Why: does(lifecycle.ReleaseSlot),
		Done: "It is in the queue again.",
	}
	switch {
	case now.Status == curfew.Live:
		return []Action{prolong, end}
	case now.Status == curfew.Scheduled:
		return []Action{cancel}
	case now.Assigned():
		return []Action{prolong, release, cancel}
	}
	return []Action{prolong, cancel}
}
