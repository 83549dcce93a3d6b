package console

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// Worker shows one mechanic to operators.
type Worker struct {
	ID      string
	State   State
	Facts   []Fact
	Current *SessionRow // nil: nothing keeps them busy
	Release *Action     // takes it from them; nil: that is not possible
	Rows    []SessionRow
	All     Link // of their sessions
}

// workerShown is how many sessions of a mechanic are shown.
const workerShown = 20

// workerView shows the requested mechanic. Curfew keeps no list of mechanics, so an unknown id is a mechanic who is free.
func (s *Site) workerView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, "id")
	if err != nil {
		return nil, err
	}
	id := q.Get("id")
	if id == "" {
		return Worker{State: State{Sentence: "No mechanic is named: search for one above, or follow a link."}}, nil
	}
	busy, forgotten, err := s.keeper.Queue.Mechanic(ctx, id)
	if err != nil {
		return nil, err
	}
	search := record.SessionSearch{MechanicID: id, Limit: workerShown}
	found, next, err := s.directory.Sessions(ctx, search)
	if err != nil {
		return nil, err
	}
	at := moments{time.Now()}
	v := Worker{ID: id, State: State{Tone: "good", Sentence: "Free."}}
	for _, found := range found {
		at.now = found.Now
		v.Rows = append(v.Rows, sessionRow(found))
	}
	if next != nil {
		v.All = Link{Name: "All sessions of this mechanic", Path: "/console/sessions?" + url.Values{"mechanicId": {id}}.Encode()}
	}
	if busy != nil {
		at.now = busy.Now
		row := sessionRow(*busy)
		v.Current, v.State, v.Release = &row, workerState(*busy), s.releaseOf(*busy)
		v.Facts = append(v.Facts, Fact{Name: "Busy since", At: at.at(busy.AcceptedAt), Exact: true})
	}
	v.Facts = append(v.Facts, Fact{Name: "Accepted and did not come, in 30 days", Value: things("time").of(forgotten.Lately)},
		Fact{Name: "The same, ever", Value: things("time").of(forgotten.Total)})
	if !forgotten.Last.IsZero() {
		v.Facts = append(v.Facts, Fact{Name: "The last time", At: at.at(forgotten.Last)})
	}
	return v, nil
}

// workerState says what keeps a mechanic busy.
func workerState(s curfew.Snapshot) State {
	switch {
	case s.Status == curfew.Live:
		return State{Tone: "live", Sentence: "In a live session with customer " + s.CustomerID + "."}
	case !s.MechanicJoinedAt.IsZero():
		return State{Tone: "waiting", Sentence: "Has joined; customer " + s.CustomerID + " has not yet."}
	}
	return State{Tone: "waiting", Sentence: "Has accepted customer " + s.CustomerID + ", and not joined yet."}
}

// releaseOf returns the button that takes a session from its mechanic.
func (s *Site) releaseOf(now curfew.Snapshot) *Action {
	if now.Status != curfew.Waiting || now.Adopted() || now.Overdue() {
		return nil
	}
	return &Action{
		Name: "release", Label: "Release…", Call: "POST /api/debug/sessions/" + now.ID + "/release", Ask: "Take the session from its mechanic?", Reason: "required",
		Why:  []string{s.keeper.Rules.Consequence(lifecycle.ReleaseSlot, lifecycle.Target{Session: now, Named: true})},
		Done: "It is in the queue again.",
	}
}
