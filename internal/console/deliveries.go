package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

// deliveryParams are the filters of the list.
var deliveryParams = []string{"state", "endpoint", "customerId", "from", "to"}

// deliveriesView shows where events are sent, and the deliveries that the filters choose, the newest first.
func (s *Site) deliveriesView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, append([]string{"after"}, deliveryParams...)...)
	if err != nil {
		return nil, err
	}
	endpoints, err := s.endpoints.List(ctx)
	if err != nil {
		return nil, err
	}
	received, err := s.directory.EndpointFigures(ctx)
	if err != nil {
		return nil, err
	}
	var figures *curfew.DeliveryFigures // nil: they could not be counted, and are left out
	if counted, err := s.keeper.Health.Deliveries(ctx); err == nil {
		figures = &counted
	}
	search, err := sentSearch(q)
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(search.CustomerID, "", string(search.State))
	found, next, err := s.directory.Sent(ctx, search)
	if err != nil {
		return nil, err
	}
	at := moments{time.Now()}
	v := Deliveries{
		State: deliveriesState(endpoints, received, figures), States: stateTabs(search.State, figures), Add: endpointAdder,
		Filters: deliveryFilters(q, search), CSV: "/api/deliveries.csv?" + sentQuery(search).Encode(),
	}
	for _, e := range endpoints {
		v.Endpoints = append(v.Endpoints, endpointView(e, received[e.ID], at))
	}
	if next != "" {
		v.Looked = len(found) < deliveriesShown
		v.More = Link{Name: "Earlier deliveries", Path: "?" + further(q, deliveryParams, next, cmp.Or(string(search.State), everyState)).Encode()}
	}
	for _, d := range found {
		v.Deliveries = append(v.Deliveries, deliveryView(d, endpoints, at))
	}
	return v, nil
}

// everyState is what the address says for deliveries of any state.
const everyState = "all"

// sentSearch reads the filters of the list.
func sentSearch(q url.Values) (record.SentSearch, error) {
	s := record.SentSearch{
		State: record.DeliveryState(q.Get("state")), Destination: q.Get("endpoint"), CustomerID: q.Get("customerId"),
		After: wire.CanonicalID(q.Get("after")), Limit: deliveriesShown,
	}
	if !slices.Contains(record.DeliveryStates(), s.State) {
		s.State = ""
	}
	var err error
	if s.From, s.To, err = days(q); err != nil {
		return s, err
	}
	return s, s.Check()
}

// sentQuery returns the query of the API that chooses the same deliveries.
func sentQuery(s record.SentSearch) url.Values {
	q := apiQuery(record.SessionSearch{CustomerID: s.CustomerID, From: s.From, To: s.To})
	if s.State != "" {
		q.Set("state", string(s.State))
	}
	if s.Destination != "" {
		q.Set("endpoint", s.Destination)
	}
	return q
}

func deliveryFilters(q url.Values, s record.SentSearch) DeliveryFilters {
	f := DeliveryFilters{
		State: cmp.Or(string(s.State), everyState), Endpoint: s.Destination, CustomerID: s.CustomerID, From: q.Get("from"), To: q.Get("to"),
	}
	f.Some = f.Endpoint+f.CustomerID+f.From+f.To != ""
	return f
}

// deliveriesState says where events are sent, and what did not arrive: first of all, which endpoint receives nothing. Nil
// figures could not be read.
func deliveriesState(endpoints []record.Endpoint, received map[string]record.EndpointFigures, figures *curfew.DeliveryFigures) State {
	on := 0
	for _, e := range endpoints {
		if f := received[e.ID]; e.Enabled && f.FailsAll() {
			return State{Tone: "critical", Sentence: "Nothing arrives at " + hostOf(e.URL) + ": " + noun{"delivery", "deliveries"}.of(f.Dead+f.Failing) + " failed, none arrived."}
		}
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

// hostOf returns the host of an address, or the address if it has none.
func hostOf(address string) string {
	if at, err := url.Parse(address); err == nil && at.Host != "" {
		return at.Host
	}
	return address
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
	all := tab(everyState, "All")
	all.Here = chosen == ""
	return []Tab{all, dead, pending, tab(record.DeliveryDone, "Delivered")}
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

func endpointView(e record.Endpoint, f record.EndpointFigures, at moments) Endpoint {
	path := "/api/webhook-endpoints/" + e.ID
	v := Endpoint{
		ID: e.ID, URL: e.URL, Description: e.Description, Events: "all events", Enabled: e.Enabled,
		Reason: e.DisabledReason, CreatedAt: at.at(e.CreatedAt),
	}
	if len(e.Kinds) > 0 {
		v.Events = strings.Join(e.Kinds, ", ")
	}
	if all := f.Delivered + f.Dead + f.Failing; all > 0 {
		v.Arrived, v.LastAt = grouped(f.Delivered)+" of the last "+grouped(all)+" arrived", at.at(f.LastDelivered)
		v.Tone = map[bool]string{true: "critical"}[f.FailsAll()]
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
		ID: d.ID, Short: short(d.ID), Kind: d.Kind, To: d.Receiver(), Channel: d.Channel, Subject: d.Subject, State: string(d.State), Tries: noun{"try", "tries"}.of(int(d.Attempts)),
		Error: d.Error, CustomerID: d.CustomerID, CreatedAt: at.at(d.CreatedAt),
	}
	if d.CustomerID == curfew.Nobody {
		v.CustomerID = ""
	}
	if i := slices.IndexFunc(endpoints, func(e record.Endpoint) bool { return e.ID == d.Destination }); i >= 0 {
		v.To, v.Endpoint = endpoints[i].URL, d.Destination
	}
	if d.Status != 0 && v.Error == "" {
		v.Error = "answered " + strconv.Itoa(d.Status)
	}
	if d.State == record.DeliveryPending {
		v.NextAt = at.at(d.NextAt)
		return v
	}
	v.Again = &Action{Name: "replay", Label: "Send again", Call: "POST /api/deliveries/" + d.ID + "/replay", Done: "It is on its way again."}
	return v
}
