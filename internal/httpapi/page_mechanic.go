package httpapi

import (
	"context"
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/lifecycle"
)

// offersShown is how many requests the queue's page shows.
const offersShown = 50

// mechanicView is the queue, and the session a mechanic has. An admin only
// looks.
func (s *Server) mechanicView(ctx context.Context, _ *http.Request, who curfew.Actor) (any, error) {
	pending, err := s.queue(ctx, who, curfew.Cursor{}, offersShown+1)
	if err != nil {
		return nil, err
	}
	var current *curfew.Standing
	may := who.Role == curfew.Mechanic
	if may {
		if current, err = s.engine.Queue.Current(ctx, who.ID); err != nil {
			return nil, err
		}
	}
	v := console.Mechanic{More: len(pending) > offersShown, May: may}
	for _, p := range pending[:min(offersShown, len(pending))] {
		v.Offers = append(v.Offers, offerView(p, may && current == nil))
	}
	if current != nil {
		v.Current = currentView(*current, s.engine.Rules.Consequence)
	}
	v.State = queueState(v)
	return v, nil
}

func queueState(v console.Mechanic) console.State {
	waits := noun{"customer waits", "customers wait"}.of(len(v.Offers))
	switch {
	case v.Current != nil && len(v.Offers) > 0:
		return console.State{Tone: "live", Sentence: "You have a session; " + waits + "."}
	case v.Current != nil:
		return console.State{Tone: "live", Sentence: "You have a session; nobody else waits."}
	case len(v.Offers) > 0:
		return console.State{Tone: "waiting", Sentence: waits + " for a mechanic."}
	}
	return console.State{Tone: "good", Sentence: "Nobody waits."}
}

func offerView(s curfew.Standing, may bool) console.Offer {
	at := moments{s.Now}
	o := console.Offer{
		ID: s.Request.ID, Customer: called(s), Plan: s.Plan, Kind: string(s.Kind), Since: at.at(s.Request.CreatedAt), Until: at.at(s.ExpiresAt),
	}
	if may {
		o.Accept = &console.Action{
			Name: "accept", Label: "Accept", Main: true, Call: "POST /api/mechanics/requests/" + s.Request.ID + "/accept",
			Done: "The request is yours.",
		}
	}
	return o
}

// called is how mechanics see a customer.
func called(s curfew.Standing) string {
	if s.Request.CustomerName == "" {
		return "Customer"
	}
	return s.Request.CustomerName
}

func currentView(s curfew.Standing, does func(lifecycle.ActionName, lifecycle.Target) string) *console.Current {
	about := lifecycle.Target{Session: s}
	at := moments{s.Now}
	c := &console.Current{ID: s.ID, Customer: called(s), Plan: s.Plan, Kind: string(s.Kind), Until: at.at(s.ExpiresAt)}
	join := console.Action{Name: "join", Label: "Join", Main: true, Call: "POST /api/sessions/" + s.ID + "/join", Done: "You are in."}
	release := console.Action{
		Name: "release", Label: "Release…", Call: "POST /api/mechanics/requests/" + s.Request.ID + "/release",
		Ask: "Put this request back?", Why: []string{does(lifecycle.ReleaseSlot, about)},
		Done: "The request is back in the queue.",
	}
	end := console.Action{
		Name: "end", Label: "End session…", Call: "POST /api/sessions/" + s.ID + "/end", Harm: true,
		Ask: "End this session?", Why: []string{does(lifecycle.EndSession, about)},
		Done: "The session has ended.",
	}
	switch {
	case s.Status == curfew.Live:
		c.What, c.UntilSaid, c.Actions = "live", "of what was bought are left", []console.Action{end}
		c.Until = at.at(s.StartedAt.Add(s.Duration))
	case !s.MechanicJoinedAt.IsZero():
		c.What, c.UntilSaid, c.Actions = "you are in, the customer is not yet", "left for the customer to come", []console.Action{release}
	case !s.CustomerJoinedAt.IsZero():
		c.What, c.UntilSaid, c.Actions = "the customer is in and waits for you", "left to come in", []console.Action{join, release}
	default:
		c.What, c.UntilSaid, c.Actions = "accepted", "left to come in", []console.Action{join, release}
	}
	return c
}
