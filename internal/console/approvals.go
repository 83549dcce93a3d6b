package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// ApprovalLister lists what needs a second person.
type ApprovalLister interface {
	List(ctx context.Context, q record.ApprovalSearch) ([]record.Approval, error)
}

// approvalsShown is how many approvals a page lists.
const approvalsShown = 50

// pendingState is what the address says for what somebody can still decide.
const pendingState = string(record.ApprovalPending)

// Approvals lists what needs a second person.
type Approvals struct {
	State   State
	States  []Tab
	Filters ApprovalFilters
	Rows    []ApprovalLine
	More    Link
}

// ApprovalFilters are the filters of the list, as they were given.
type ApprovalFilters struct {
	State, CustomerID string
	Some              bool // besides the state
}

// ApprovalLine is what somebody asked for, and what became of it.
type ApprovalLine struct {
	ID, Summary, Reason, Effect, CustomerID, State string
	AskedBy, DecidedBy, Note                       string
	AskedAt, ExpiresAt, DecidedAt                  Moment
	Pending                                        bool
	Own                                            bool // the reader asked for it
	Actions                                        []Action
}

// approvalsView lists what needs a second person, and what became of it, the newest first.
func (s *Site) approvalsView(ctx context.Context, r *http.Request, who curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, "state", "customerId", "id", "cursor")
	if err != nil {
		return nil, err
	}
	search, err := approvalSearch(q)
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(search.CustomerID, search.ID, "")
	all, err := s.approvals.List(ctx, search)
	if err != nil {
		return nil, err
	}
	v := Approvals{Filters: ApprovalFilters{State: everyState, CustomerID: search.CustomerID, Some: search.CustomerID+search.ID != ""}}
	if search.Pending {
		v.Filters.State = pendingState
	}
	for _, state := range []string{pendingState, everyState} {
		v.States = append(v.States, Tab{Link: Link{
			Name: map[string]string{pendingState: "Waiting", everyState: "All"}[state], Path: "/console/approvals?state=" + state, Here: state == v.Filters.State,
		}})
	}
	all, v.More = pageOf(all, approvalsShown, "Earlier ones", given(q, []string{"state", "customerId"}), func(a record.Approval) string { return a.ID })
	at := moments{time.Now()}
	for _, a := range all {
		v.Rows = append(v.Rows, approvalLine(a, who, at))
	}
	v.State = approvalsState(v, s.twoPersons)
	return v, nil
}

// approvalSearch reads the filters of the list. Whoever opens one by its id sees it, whatever became of it.
func approvalSearch(q url.Values) (record.ApprovalSearch, error) {
	s := record.ApprovalSearch{ID: wire.CanonicalID(q.Get("id")), CustomerID: q.Get("customerId"), After: q.Get("cursor"), Limit: approvalsShown + 1}
	state := cmp.Or(q.Get("state"), pendingState)
	switch {
	case !slices.Contains([]string{pendingState, everyState}, state):
		return s, curfew.Errorf(curfew.Invalid, "there is no state %q: write %s or %s", state, pendingState, everyState)
	case s.After != "" && uuid.Validate(s.After) != nil:
		return s, problem.Malformed("cursor is none that Curfew gave: leave it out for the first page")
	}
	if s.CustomerID != "" {
		if err := curfew.CheckID("customerId", s.CustomerID); err != nil {
			return s, err
		}
	}
	s.Pending = state == pendingState && s.ID == ""
	return s, nil
}

func approvalsState(v Approvals, asked bool) State {
	waiting := 0
	for _, a := range v.Rows {
		if a.Pending {
			waiting++
		}
	}
	switch {
	case waiting > 0 && v.More.Path != "":
		return State{Tone: "warning", Sentence: "More than " + things("action").of(waiting) + " may wait for a second person."}
	case waiting > 0:
		return State{Tone: "warning", Sentence: noun{"action waits", "actions wait"}.of(waiting) + " for a second person."}
	case !asked:
		return State{Sentence: "Nothing needs a second person: no approvals setting requires one."}
	}
	return State{Tone: "good", Sentence: "Nothing waits for a second person here."}
}

func approvalLine(a record.Approval, who curfew.Actor, at moments) ApprovalLine {
	asked := wire.ApprovalOf(a, at.now)
	v := ApprovalLine{
		ID: a.ID, Summary: a.Summary, Reason: asked.Reason, Effect: effectOf(a), CustomerID: a.CustomerID, State: asked.State, AskedBy: asked.AskedBy,
		DecidedBy: asked.DecidedBy, Note: a.Note, AskedAt: at.at(a.AskedAt), ExpiresAt: at.at(a.ExpiresAt), DecidedAt: at.at(a.DecidedAt),
		Pending: asked.State == pendingState, Own: a.AskedBy == who,
	}
	if v.Pending && !v.Own {
		v.Actions = []Action{
			{
				Name: "approve", Label: "Approve…", Call: "POST /api/approvals/" + a.ID + "/approve", Ask: "Approve it, and carry it out?", Harm: true, Main: true,
				Why: []string{a.Summary + ".", effectOf(a)}, Done: "It was carried out.",
			},
			{
				Name: "reject", Label: "Reject…", Call: "POST /api/approvals/" + a.ID + "/reject", Ask: "Reject it?", Reason: "optional",
				Why: []string{a.Summary + ".", "Nothing happens. The action would have to be requested again."}, Done: "It is rejected.",
			},
		}
	}
	return v
}

// effectOf says what happens if an approval is given.
func effectOf(a record.Approval) string {
	_, byHand := a.Asked()
	switch a.Action {
	case "refundCheckout":
		if byHand {
			return "The payment counts as refunded by hand, for good. Curfew sends no money."
		}
		return "The provider is asked to refund the money, which nobody can undo. An open session that it pays for is cancelled."
	case "endSession", "cancelSession":
		return "The live session ends at once, for the customer and the mechanic. Nobody can bring it back."
	case "clearCustomer":
		return "What the customer has open ends at once, the live session too. Nobody can bring that back."
	case "eraseCustomer":
		return "The customer's personal data is erased for good. Nobody can bring it back."
	}
	return ""
}
