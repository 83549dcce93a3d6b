package console

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/forecast"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// offersShown is how many requests the queue's page shows.
const offersShown = 50

// mechanicView shows the queue, and the session that a mechanic has. An admin can only look.
func (s *Site) mechanicView(ctx context.Context, _ *http.Request, who curfew.Actor) (any, error) {
	may, read := who.Role == curfew.Mechanic, s.keeper.Queue.Peek
	if may { // only a mechanic's look counts as a reading of the queue
		read = s.keeper.Queue.Pending
	}
	pending, err := read(ctx, curfew.Cursor{}, offersShown+1)
	if err != nil {
		return nil, err
	}
	var current *curfew.Snapshot
	if may {
		if current, err = s.keeper.Queue.Current(ctx, who.ID); err != nil {
			return nil, err
		}
	}
	v, waiting := Mechanic{May: may}, len(pending)
	if len(pending) > offersShown && s.forecasts != nil {
		if waiting, err = s.forecasts.Waiting(ctx); err != nil {
			return nil, err
		}
	}
	v.count(waiting)
	for _, p := range pending[:min(offersShown, len(pending))] {
		v.Offers = append(v.Offers, offerView(p, s.keeper.Rules.Policy().NameOf, may && current == nil))
	}
	if current != nil {
		v.Current = currentView(*current, s.keeper.Rules.Consequence)
		v.Current.Plan, v.Current.Join = s.keeper.Rules.Policy().NameOf(v.Current.Plan), s.joinAddress(current.ID)
		if v.Current.Payment, err = s.confirming(ctx, *current); err != nil {
			return nil, err
		}
	}
	v.State = queueState(v, waiting)
	if may {
		v.Today, v.Served, err = s.lately(ctx, who.ID)
	}
	return v, err
}

// count says how many wait, and that more do than the page shows.
func (v *Mechanic) count(waiting int) {
	v.Waiting = grouped(waiting)
	if waiting >= forecast.MostAhead {
		v.Waiting += "+"
	}
	if waiting > offersShown {
		v.More = "The " + strconv.Itoa(offersShown) + " who have waited longest are shown, of " + v.Waiting + "."
	}
}

// What of a mechanic's own sessions their page shows.
const (
	hadShown  = 50
	hadWithin = 24 * time.Hour
)

// lately returns the sessions that a mechanic had in the last day, and how many.
func (s *Site) lately(ctx context.Context, mechanicID string) (all []Had, served string, err error) {
	found, next, err := s.directory.Sessions(ctx, record.SessionSearch{MechanicID: mechanicID, From: time.Now().Add(-hadWithin), Limit: hadShown})
	for _, f := range found {
		at := moments{f.Now}
		all = append(all, Had{ID: f.ID, Customer: nameOf(f), Plan: s.keeper.Rules.Policy().NameOf(f.Plan), Became: becameOfIt(f), At: at.at(f.CreatedAt)})
	}
	if len(all) > 0 {
		served = things("session").of(len(all))
	}
	if next != nil {
		served += " or more"
	}
	return all, served, err
}

// becameOfIt says what became of a mechanic's session.
func becameOfIt(s curfew.Snapshot) string {
	switch {
	case s.Status == curfew.Live:
		return "live"
	case !s.Status.Ended():
		return "accepted"
	case endings[s.EndReason] != "":
		return endings[s.EndReason]
	}
	return "ended"
}

// confirming says that the customer's bank has not paid yet what a session costs.
func (s *Site) confirming(ctx context.Context, session curfew.Snapshot) (string, error) {
	c, err := s.keeper.Checkouts.Checkout(ctx, session.CheckoutID)
	switch {
	case curfew.KindOf(err) == curfew.NotFound:
		return "", nil
	case err == nil && (c.Capture == "due" || c.Capture == "capturing"):
		return "Confirming payment: if the customer's bank refuses, the session ends and you are free.", nil
	}
	return "", err
}

func queueState(v Mechanic, waiting int) State {
	waits := noun{"customer is waiting", "customers are waiting"}.of(waiting)
	if waiting >= forecast.MostAhead {
		waits = v.Waiting + " customers are waiting"
	}
	switch {
	case v.Current != nil && waiting > 0:
		return State{Tone: "live", Sentence: "You have a session; " + waits + "."}
	case v.Current != nil:
		return State{Tone: "live", Sentence: "You have a session; nobody else is waiting."}
	case waiting > 0:
		return State{Tone: "waiting", Sentence: waits + " for a mechanic."}
	}
	return State{Tone: "good", Sentence: "Nobody is waiting."}
}

func offerView(s curfew.Snapshot, name func(plan string) string, may bool) Offer {
	at := moments{s.Now}
	o := Offer{
		ID: s.Request.ID, Customer: nameOf(s), Plan: name(s.Plan), Kind: string(s.Kind), Since: at.at(s.Request.CreatedAt), Until: at.at(s.ExpiresAt),
	}
	if may {
		o.Accept = &Action{
			Name: "accept", Label: "Accept", Main: true, Call: "POST /api/mechanics/requests/" + s.Request.ID + "/accept",
			Done: "The request is yours.",
		}
	}
	return o
}

// nameOf returns how mechanics see a customer.
func nameOf(s curfew.Snapshot) string {
	if s.Request.CustomerName == "" {
		return "Customer"
	}
	return s.Request.CustomerName
}

func currentView(s curfew.Snapshot, does func(lifecycle.ActionName, lifecycle.Target) string) *Current {
	about := lifecycle.Target{Session: s}
	at := moments{s.Now}
	c := &Current{ID: s.ID, Customer: nameOf(s), Plan: s.Plan, Kind: string(s.Kind), Until: at.at(s.ExpiresAt)}
	join := Action{Name: "join", Label: "Join", Main: true, Call: "POST /api/sessions/" + s.ID + "/join", Done: "You have joined."}
	release := Action{
		Name: "release", Label: "Release…", Call: "POST /api/mechanics/requests/" + s.Request.ID + "/release",
		Ask: "Put this request back?", Why: []string{does(lifecycle.ReleaseSlot, about)},
		Done: "The request is back in the queue.",
	}
	end := Action{
		Name: "end", Label: "End session…", Call: "POST /api/sessions/" + s.ID + "/end", Harm: true,
		Ask: "End this session?", Why: []string{does(lifecycle.EndSession, about)},
		Done: "The session has ended.",
	}
	switch {
	case s.Status == curfew.Live:
		c.What, c.UntilSaid, c.Actions = "live", "left of the time that was bought", []Action{end}
		c.Until = at.at(s.StartedAt.Add(s.Duration))
	case !s.MechanicJoinedAt.IsZero():
		c.What, c.UntilSaid, c.Actions = "you have joined, the customer has not yet", "left for the customer to join", []Action{release}
	case !s.CustomerJoinedAt.IsZero():
		c.What, c.UntilSaid, c.Actions = "the customer has joined and is waiting for you", "left to join", []Action{join, release}
	default:
		c.What, c.UntilSaid, c.Actions = "accepted", "left to join", []Action{join, release}
	}
	return c
}
