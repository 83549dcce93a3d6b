package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// deliveriesShown is how many deliveries a page shows.
const deliveriesShown = 50

// deliveriesView shows where events are sent, and the deliveries with the state asked for, or else the dead ones.
func (s *Site) deliveriesView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, "state", "endpoint", "after")
	if err != nil {
		return nil, err
	}
	endpoints, err := s.endpoints.List(ctx)
	if err != nil {
		return nil, err
	}
	state := record.DeliveryDead
	if asked := record.DeliveryState(q.Get("state")); slices.Contains(record.DeliveryStates(), asked) {
		state = asked
	}
	found, err := s.deliveries.List(ctx, record.DeliverySearch{
		State: state, Destination: q.Get("endpoint"), After: wire.CanonicalID(q.Get("after")), Limit: deliveriesShown + 1,
	})
	if err != nil {
		return nil, err
	}
	at := moments{time.Now()}
	var figures *curfew.DeliveryFigures // nil: they could not be counted, and are left out
	if counted, err := s.keeper.Health.Deliveries(ctx); err == nil {
		figures = &counted
	}
	v := Deliveries{State: deliveriesState(endpoints, figures), States: stateTabs(state, figures), Add: endpointAdder}
	for _, e := range endpoints {
		v.Endpoints = append(v.Endpoints, endpointView(e, at))
	}
	if len(found) > deliveriesShown {
		found = found[:deliveriesShown]
		v.More = Link{Name: "More deliveries", Path: "?" + url.Values{"state": {string(state)}, "after": {found[len(found)-1].ID}}.Encode()}
	}
	for _, d := range found {
		v.Deliveries = append(v.Deliveries, deliveryView(d, endpoints, at))
	}
	return v, nil
}

// deliveriesState says where events are sent, and what did not arrive. Nil figures could not be read.
func deliveriesState(endpoints []record.Endpoint, figures *curfew.DeliveryFigures) State {
	on := 0
	for _, e := range endpoints {
		if e.Enabled {
			on++
		}
	}
	state := State{Tone: "good", Sentence: "Events go to " + things("endpoint").of(on)}
	switch {
	case len(endpoints) == 0:
		state = State{Sentence: "Events go to no endpoint: none has been added yet"}
	case on < len(endpoints):
		state = State{Tone: "warning", Sentence: "Events go to " + grouped(on) + " of " + things("endpoint").of(len(endpoints))}
	}
	if figures != nil && figures.Dead > 0 {
		state.Tone = "warning"
		state.Sentence += "; " + noun{"delivery is dead", "deliveries are dead"}.of(figures.Dead)
	}
	state.Sentence += "."
	return state
}

// stateTabs counts what is not delivered, and nothing else.
func stateTabs(chosen record.DeliveryState, figures *curfew.DeliveryFigures) []Tab {
	tab := func(state record.DeliveryState, name string) Tab {
		return Tab{Link: Link{Name: name, Path: "/console/deliveries?state=" + string(state), Here: state == chosen}}
	}
	dead, pending := tab(record.DeliveryDead, "Dead"), tab(record.DeliveryPending, "Pending")
	if figures != nil {
		dead.Count, pending.Count = grouped(figures.Dead), grouped(figures.Pending)
	}
	return []Tab{dead, pending, tab(record.DeliveryDone, "Delivered")}
}

// endpointAdder returns the button that adds an endpoint.
var endpointAdder = Action{
	Name: "add", Label: "Add endpoint…", Call: "POST /api/webhook-endpoints", Ask: "Where should events be sent?", Main: true,
	Why: []string{"Each event is sent there as a signed message. The receiver must answer 2xx within 15 seconds."},
	Fields: []Field{
		{Name: "url", Label: "Address", Hint: "https://…", Required: true},
		{Name: "description", Label: "What it is for"},
		{Name: "events", Label: "Only these events", Hint: "all; or session.cancelled, checkout.held", Many: true},
	},
}

func endpointView(e record.Endpoint, at moments) Endpoint {
	path := "/api/webhook-endpoints/" + e.ID
	v := Endpoint{
		ID: e.ID, URL: e.URL, Description: e.Description, Events: "all events", Enabled: e.Enabled,
		Reason: e.DisabledReason, CreatedAt: at.at(e.CreatedAt),
	}
	if len(e.Kinds) > 0 {
		v.Events = strings.Join(e.Kinds, ", ")
	}
	off, on := false, true
	toggle := Action{
		Name: "disable", Label: "Disable…", Call: "PATCH " + path, Body: jsonOf(api.EndpointChange{Enabled: &off}), Ask: "Stop sending to this endpoint?",
		Why: []string{"Undelivered messages wait until it is enabled again."}, Done: "It is disabled.",
	}
	if !e.Enabled {
		toggle = Action{Name: "enable", Label: "Enable", Call: "PATCH " + path, Body: jsonOf(api.EndpointChange{Enabled: &on}), Done: "It is enabled."}
	}
	v.Actions = []Action{
		{Name: "test", Label: "Test", Call: "POST " + path + "/test", Done: "A test is on its way: see Pending and Delivered."},
		{Name: "rotate", Label: "New secret…", Call: "POST " + path + "/rotate", Ask: "Replace its secret?", Why: []string{"Both secrets sign for a day. The new one is shown only once."}},
		{
			Name: "again", Label: "Replay dead…", Call: "POST /api/deliveries/replay", Body: jsonOf(api.DeadOf{Endpoint: e.ID}),
			Ask: "Send all of its dead deliveries again?", Done: "They are on their way.",
		},
		toggle,
		{
			Name: "remove", Label: "Remove…", Call: "DELETE " + path, Ask: "Remove this endpoint?", Harm: true,
			Why: []string{"Its undelivered messages are removed too."}, Done: "It is removed.",
		},
	}
	return v
}

func deliveryView(d record.Delivery, endpoints []record.Endpoint, at moments) Delivery {
	v := Delivery{
		ID: d.ID, Kind: d.Kind, To: d.Receiver(), Channel: d.Channel, State: string(d.State), Tries: noun{"try", "tries"}.of(int(d.Attempts)),
		Error: d.Error, CustomerID: d.CustomerID, CreatedAt: at.at(d.CreatedAt),
	}
	if d.CustomerID == curfew.Nobody {
		v.CustomerID = ""
	}
	if i := slices.IndexFunc(endpoints, func(e record.Endpoint) bool { return e.ID == d.Destination }); i >= 0 {
		v.To = endpoints[i].URL
	}
	if d.Status != 0 && v.Error == "" {
		v.Error = "answered " + grouped(d.Status)
	}
	if d.State == record.DeliveryPending {
		v.NextAt = at.at(d.NextAt)
		return v
	}
	v.Again = &Action{Name: "replay", Label: "Send again", Call: "POST /api/deliveries/" + d.ID + "/replay", Done: "It is on its way again."}
	return v
}
