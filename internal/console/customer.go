package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// customerView explains whatever was typed or pasted.
func (s *Site) customerView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	asked, err := problem.PageQuery(r, "cursor") // an empty q is the form at its first display
	if err != nil {
		return nil, err
	}
	q := strings.TrimSpace(asked.Get("q"))
	if q == "" {
		return Customer{}, nil
	}
	before, err := problem.ParseCursor(asked.Get("cursor"))
	if err != nil {
		return nil, err
	}
	t, err := s.timeline.Page(ctx, q, before, entriesShown)
	switch curfew.KindOf(err) {
	case curfew.NotFound, curfew.Invalid:
		if err != nil {
			return Customer{Query: q, Missing: s.problems.From(ctx, err).Detail}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(t.Audited())
	v := timelineView(q, t, s.pages, moments{time.Now()})
	for i, c := range t.Checkouts[:len(v.Payments)] {
		if v.Payments[i].Actions, err = s.paymentActions(ctx, c); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// How much of a customer's timeline is shown at once.
const (
	entriesShown = 100
	linesShown   = 6 // of payments
	namesShown   = 3 // of sessions: the timeline names the others
)

func timelineView(q string, t timeline.Timeline, pages providerPages, at moments) Customer {
	v := Customer{
		Query: q, Found: true, CustomerID: t.CustomerID, Customers: t.Customers, Sentence: t.Summary,
		Name: t.Target.ID, State: timelineState(t), Todos: todos(t),
	}
	if v.CustomerID != "" && v.CustomerID != curfew.Nobody {
		v.Name = v.CustomerID
	} else {
		v.CustomerID = ""
	}
	if t.Blocker != nil && !t.Blocker.ReleasesAt.IsZero() {
		v.Until = at.at(t.Blocker.ReleasesAt)
	}
	for _, e := range slices.Backward(t.Entries) {
		line := entryView(e, at)
		if e.At.After(at.now) {
			v.Ahead = append(v.Ahead, line)
		} else {
			v.Past = append(v.Past, line)
		}
	}
	for _, s := range t.Sessions[:min(namesShown, len(t.Sessions))] {
		v.Sessions = append(v.Sessions, sessionLine(s, at))
	}
	for _, c := range t.Checkouts[:min(linesShown, len(t.Checkouts))] {
		v.Payments = append(v.Payments, paymentLine(c, t.Payments, pages, at))
	}
	v.introduce(t, at)
	if t.More {
		v.Older = Link{Name: "Older", Path: "?" + url.Values{"q": {q}, "cursor": {wire.Cursor(t.Next)}}.Encode()}
	}
	return v
}

// introduce adds what support asks first on the phone, and groups the timeline by session.
func (v *Customer) introduce(t timeline.Timeline, at moments) {
	if v.CustomerID == "" {
		return
	}
	for _, c := range t.Checkouts {
		v.Payer, v.Email = cmp.Or(v.Payer, c.Name), cmp.Or(v.Email, c.Email)
	}
	v.Chapters, v.Past = chapters(t, at), nil
	whose := "?" + url.Values{"customerId": {v.CustomerID}}.Encode()
	if len(t.Sessions) > namesShown {
		v.AllSessions = Link{Name: "All sessions", Path: "/console/sessions" + whose}
	}
	if len(t.Checkouts) > linesShown {
		v.AllPayments = Link{Name: "All payments", Path: "/console/payments" + whose}
	}
}

// timelineState says at a glance whether the customer is blocked.
func timelineState(s timeline.Timeline) State {
	switch {
	case len(s.Customers) > 0:
		return State{Sentence: "Several customers have paid with this address."}
	case s.CustomerID == "" || s.CustomerID == curfew.Nobody:
		return State{Sentence: capital(string(s.Target.Kind)) + " " + s.Target.ID}
	case s.Blocker == nil:
		return State{Tone: "good", Sentence: "Not blocked: a new session can begin."}
	}
	return State{Tone: "warning", Sentence: "Blocked by a session that is " + doing(curfew.Snapshot{Session: s.Blocker.Session}) + "."}
}

// doings describes the buttons for the actions of a timeline. An action without an entry is not offered.
var doings = map[lifecycle.ActionName]Action{
	lifecycle.ClearCustomer:  {Label: "Clear…", Ask: "End what this customer has open?", Reason: "optional", Harm: true},
	lifecycle.ForceClear:     {Label: "End by force…", Ask: "End this live session by force?", Reason: "required", Harm: true},
	lifecycle.ReleaseSlot:    {Label: "Release…", Ask: "Take the session from its mechanic?", Reason: "optional"},
	lifecycle.RefundPayment:  {Label: "Refund…", Ask: "Refund this payment?", Reason: "required", Harm: true},
	lifecycle.CreditPayment:  {Label: "Credit…", Ask: "Let the customer spend this payment?", Reason: "required"},
	lifecycle.FulfillPayment: {Label: "Fulfil…", Ask: "Give this payment its session?"},
	lifecycle.UndoRun:        {Label: "Undo…", Ask: "Undo this run?", Reason: "optional"},
}

// paymentDoings are the actions that are shown on the rows of payments.
var paymentDoings = map[lifecycle.ActionName]bool{lifecycle.RefundPayment: true, lifecycle.CreditPayment: true, lifecycle.FulfillPayment: true}

func todos(t timeline.Timeline) []Todo {
	var all []Todo
	owned := t.CustomerID != "" && t.CustomerID != curfew.Nobody
	for _, a := range t.Actions {
		if owned && paymentDoings[a.Name] {
			continue // it is shown on the payment's row
		}
		call, ok := wire.Action(a)
		do, known := doings[a.Name]
		if !ok || !known {
			continue
		}
		do.Name, do.Call, do.Body, do.Why = string(a.Name), call.Method+" "+call.Path, jsonOf(call.Body), []string{a.Label + ".", a.Consequence}
		all = append(all, Todo{What: a.Label, Do: do})
	}
	return all
}

func entryView(e timeline.Entry, at moments) Entry {
	v := Entry{At: at.at(e.At), Kind: string(e.Kind), Sentence: e.Sentence, CustomerID: e.CustomerID}
	switch {
	case e.To == string(curfew.Cancelled), v.Kind == "refusal", e.Delivery != nil && e.To == string(record.DeliveryPending) && e.Delivery.Failures > 0:
		v.Tone = "warning"
	case e.To == string(curfew.Held), e.To == string(curfew.RunFailed), e.To == string(curfew.RunInterrupted), e.To == string(record.DeliveryDead):
		v.Tone = "critical"
	case e.To == string(curfew.Completed), e.To == string(curfew.Refunded):
		v.Tone = "good"
	case e.To == string(curfew.Live):
		v.Tone = "live"
	}
	return v
}

func sessionLine(s curfew.Session, at moments) SessionLine {
	return SessionLine{ID: s.ID, Plan: s.Plan, Status: string(s.Status), Reason: string(s.EndReason), Origin: s.Origin(), CreatedAt: at.at(s.CreatedAt)}
}
