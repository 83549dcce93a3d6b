package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

type question struct {
	Subject string `query:"subject" required:"true" doc:"A customer, session, request, checkout, run, payment reference or e-mail address"`
	Cursor  string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before"`
}

func (s *Server) explain(ctx context.Context, _ call, in *question) (*answered[api.Story], error) {
	before, err := ParseCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	story, err := s.engine.Explain(ctx, in.Subject, before)
	if err != nil {
		return nil, err
	}
	return okay(StoryJSON(story), nil)
}

// StoryJSON is a story as the API shows it.
func StoryJSON(s lifecycle.Story) api.Story {
	out := api.Story{
		Subject:    api.Subject{Kind: string(s.Subject.Kind), ID: s.Subject.ID},
		CustomerID: s.CustomerID, Customers: s.Customers, Sentence: s.Sentence, Actions: []api.Action{},
		Sessions: make([]api.Session, len(s.Sessions)), Checkouts: checkoutsJSON(s.Checkouts).Checkouts,
		Entries: make([]api.Entry, len(s.Entries)), More: s.More,
	}
	if s.Blocker != nil {
		out.Blocked, out.Session, out.ReleasesAt = true, blockerJSON(*s.Blocker), moment(s.Blocker.ReleasesAt)
	}
	for _, a := range s.Actions {
		if action, ok := actionJSON(a); ok {
			out.Actions = append(out.Actions, action)
		}
	}
	for i, session := range s.Sessions {
		out.Sessions[i] = insideSession(session)
	}
	for i, entry := range s.Entries {
		out.Entries[i] = entryJSON(entry)
	}
	if s.More {
		out.NextCursor = cursorText(s.Next)
	}
	return out
}

func entryJSON(e lifecycle.Entry) api.Entry {
	out := api.Entry{
		At: e.At.UTC(), Kind: string(e.Kind), ID: e.ID, Number: e.Number, From: e.From, To: e.To,
		Reason: e.Reason, Sentence: e.Sentence, CustomerID: e.CustomerID,
	}
	if e.Actor != (curfew.Actor{}) {
		out.Actor = e.Actor.String()
	}
	if e.Delivery != nil {
		d := DeliveryJSON(*e.Delivery)
		out.Delivery = &d
	}
	return out
}

// actionCalls says which call carries an action out.
var actionCalls = map[lifecycle.ActionName]struct {
	path string
	body map[string]any
}{
	lifecycle.ClearCustomer: {"/api/customers/{id}/clear", map[string]any{"reason": ""}},
	lifecycle.ForceClear:    {"/api/customers/{id}/clear", map[string]any{"force": true, "reason": ""}},
	lifecycle.ReleaseSlot:   {"/api/debug/sessions/{id}/release", map[string]any{"reason": ""}},
	lifecycle.RefundPayment: {"/api/debug/checkouts/{id}/refund", map[string]any{"reason": ""}},
	lifecycle.CreditPayment: {"/api/debug/checkouts/{id}/credit", map[string]any{"reason": ""}},
	lifecycle.FulfilPayment: {"/api/debug/checkouts/{id}/fulfil", map[string]any{"reason": ""}},
	lifecycle.UndoRun:       {"/api/debug/cleanup-runs/{id}/undo", map[string]any{"reason": ""}},
}

// actionJSON is an action as a call; ok is false for one that this server does
// not answer.
func actionJSON(a lifecycle.Action) (action api.Action, ok bool) {
	call := actionCalls[a.Name]
	ok = slices.ContainsFunc((*Server)(nil).routes(), func(rt route) bool {
		return rt.method == http.MethodPost && rt.path == call.path
	})
	return api.Action{
		Name: string(a.Name), Label: a.Label, Consequence: a.Consequence, Method: http.MethodPost,
		Path: strings.Replace(call.path, "{id}", url.PathEscape(a.ID), 1), Body: call.body,
	}, ok
}

type unassigning struct {
	ID   string `path:"id"`
	Body api.Unassigning
}

func (s *Server) unassignSession(ctx context.Context, c call, in *unassigning) (*answered[api.Session], error) {
	if err := curfew.CheckText("reason", in.Body.Reason); err != nil {
		return nil, err
	}
	released, err := s.engine.Unassign(ctx, c.actor, c.id, in.Body.Reason)
	return standing(c, released, err)
}
