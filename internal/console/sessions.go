package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// sessionsShown is how many sessions a page shows.
const sessionsShown = 50

// Sessions lists sessions.
type Sessions struct {
	State   State
	Filters SessionFilters
	Rows    []SessionRow
	Looked  bool // further sessions were looked at, of which none or few match
	More    Link // shows more of them
	CSV     string
}

// SessionFilters are the filters of the list, as they were given.
type SessionFilters struct {
	Statuses, Sorts                        []Choice
	Plan, MechanicID, CustomerID, From, To string
	Overdue                                bool
	Said                                   string // in words; empty: nothing is filtered
}

// SessionRow is a session in the list.
type SessionRow struct {
	ID, Short, Status, Plan, Kind, CustomerID, Name, MechanicID, Reason string
	Origin                                                              string // the row that it follows; empty: it is Curfew's own
	CreatedAt, Deadline, EndedAt                                        Moment
	Overdue                                                             bool
}

// sessionParams are the filters of the list, in the order of the form.
var sessionParams = []string{"status", "plan", "mechanicId", "customerId", "from", "to", "overdue", "sort"}

// sessionsView lists the sessions that the filters choose.
func (s *Site) sessionsView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, append([]string{"cursor"}, sessionParams...)...)
	if err != nil {
		return nil, err
	}
	search, err := sessionSearch(q)
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(search.CustomerID, "", string(search.Status))
	found, next, err := s.directory.Sessions(ctx, search)
	if err != nil {
		return nil, err
	}
	v := Sessions{Filters: sessionFilters(q), CSV: "/api/sessions.csv?" + apiQuery(search).Encode()}
	for _, found := range found {
		v.Rows = append(v.Rows, sessionRow(found))
	}
	if next != nil {
		further := given(q, sessionParams)
		further.Set("cursor", wire.Cursor(*next))
		v.Looked = len(v.Rows) < sessionsShown
		v.More = Link{Name: map[bool]string{true: "Look further", false: "More sessions"}[v.Looked], Path: "?" + further.Encode()}
	}
	v.State = sessionsState(v, q)
	return v, nil
}

// sessionSearch reads the filters of the list.
func sessionSearch(q url.Values) (record.SessionSearch, error) {
	s := record.SessionSearch{
		Status: curfew.SessionStatus(q.Get("status")), Plan: q.Get("plan"), MechanicID: q.Get("mechanicId"), CustomerID: q.Get("customerId"),
		Overdue: q.Get("overdue") == "true", ByDeadline: q.Get("sort") == "deadline", Limit: sessionsShown,
	}
	if s.Status != "" && !slices.Contains(curfew.SessionStatuses(), s.Status) {
		return s, curfew.Errorf(curfew.Invalid, "there is no status %q", q.Get("status"))
	}
	var err error
	if s.From, s.To, err = days(q); err != nil {
		return s, err
	}
	if s.After, err = problem.ParseCursor(q.Get("cursor")); err != nil {
		return s, err
	}
	return s, s.Check()
}

// days reads the filters from and to, both days included. A zero time is none.
func days(q url.Values) (from, to time.Time, err error) {
	if from, err = day(q, "from"); err != nil {
		return from, to, err
	}
	if to, err = day(q, "to"); err == nil && !to.IsZero() {
		to = to.AddDate(0, 0, 1)
	}
	return from, to, err
}

// day reads a date of a query; the zero time if there is none.
func day(q url.Values, name string) (time.Time, error) {
	if !q.Has(name) {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.DateOnly, q.Get(name))
	if err != nil {
		return at, curfew.Errorf(curfew.Invalid, "%s is not a date: write it like 2026-11-23", name)
	}
	return at, nil
}

// apiQuery returns the query of the API that chooses the same sessions.
func apiQuery(s record.SessionSearch) url.Values {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("status", string(s.Status))
	set("plan", s.Plan)
	set("mechanicId", s.MechanicID)
	set("customerId", s.CustomerID)
	for name, at := range map[string]time.Time{"from": s.From, "to": s.To} {
		if !at.IsZero() {
			set(name, at.Format(time.RFC3339))
		}
	}
	if s.Overdue {
		set("overdue", "true")
	}
	if s.ByDeadline {
		set("sort", "deadline")
	}
	return q
}

func sessionFilters(q url.Values) SessionFilters {
	f := SessionFilters{
		Plan: q.Get("plan"), MechanicID: q.Get("mechanicId"), CustomerID: q.Get("customerId"), From: q.Get("from"), To: q.Get("to"),
		Overdue: q.Get("overdue") == "true",
	}
	f.Statuses = []Choice{{Label: "any", Chosen: q.Get("status") == ""}}
	for _, status := range curfew.SessionStatuses() {
		f.Statuses = append(f.Statuses, Choice{Value: string(status), Label: string(status), Chosen: q.Get("status") == string(status)})
	}
	byDeadline := q.Get("sort") == "deadline"
	f.Sorts = []Choice{{Value: "newest", Label: "newest first", Chosen: !byDeadline}, {Value: "deadline", Label: "earliest deadline first", Chosen: byDeadline}}
	var said []string
	for _, of := range []struct{ name, words string }{
		{"status", ""}, {"plan", "plan "}, {"mechanicId", "mechanic "}, {"customerId", "customer "}, {"from", "from "}, {"to", "to "},
	} {
		if value := q.Get(of.name); value != "" {
			said = append(said, of.words+value)
		}
	}
	if f.Overdue {
		said = append(said, "overdue")
	}
	f.Said = strings.Join(said, ", ")
	return f
}

// sessionsState says what is listed.
func sessionsState(v Sessions, q url.Values) State {
	order := "the newest first"
	if q.Get("sort") == "deadline" {
		order = "the earliest deadline first"
	}
	shown := things("session").of(len(v.Rows))
	if v.More.Path != "" && !v.Looked {
		shown = "The first " + shown
		if q.Has("cursor") {
			shown = "The next " + things("session").of(len(v.Rows))
		}
	}
	state := State{Sentence: shown + ", " + order + "."}
	if len(v.Rows) == 0 {
		state.Sentence = "No session matches."
	}
	if v.Looked {
		state.Sentence = shown + " among the " + grouped(record.SearchDepth) + " looked at, " + order + "."
	}
	return state
}

func sessionRow(s curfew.Snapshot) SessionRow {
	at := moments{s.Now}
	row := SessionRow{
		ID: s.ID, Short: short(s.ID), Status: string(s.Status), Plan: s.Plan, Kind: string(s.Kind), CustomerID: s.CustomerID, Name: s.Request.CustomerName,
		MechanicID: s.MechanicID, Reason: endings[s.EndReason], Origin: s.Origin(), CreatedAt: at.at(s.CreatedAt), Overdue: s.Overdue(),
	}
	if row.Reason == "" {
		row.Reason = string(s.EndReason)
	}
	if s.Status.Ended() {
		row.EndedAt = at.at(s.EndedAt)
	} else {
		row.Deadline = at.at(s.ExpiresAt)
	}
	return row
}

// endings says why sessions ended.
var endings = map[curfew.EndReason]string{
	curfew.Expired: "nobody accepted", curfew.Orphaned: "offered to nobody", curfew.Unattended: "the mechanic did not come", curfew.NoShow: "the customer did not come",
	curfew.Overran: "ran too long", curfew.Missed: "its slot was taken", curfew.Cleared: "cleared by hand", curfew.ByRequest: "by hand", curfew.TooShort: "too short",
	curfew.Finished: "finished", curfew.ByPayment: "payment failed", curfew.Duplicate: "paid for twice", curfew.ByRefund: "refunded", curfew.Foreign: "by another program",
}

// short returns the end of an id: its beginning says when it was made, so those of one minute begin alike.
func short(id string) string {
	const shown = 12
	if len(id) <= shown {
		return id
	}
	return "…" + id[len(id)-shown:]
}
