package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// sentShown is how many deliveries the page of an endpoint shows.
const sentShown = 20

// endpointPageView shows one endpoint: how much arrives, its last answer, and what was sent.
func (s *Site) endpointPageView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, "id", "after")
	if err != nil {
		return nil, err
	}
	endpoints, err := s.endpoints.List(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(endpoints, func(e record.Endpoint) bool { return e.ID == q.Get("id") })
	if i < 0 {
		return EndpointView{Missing: "There is no such endpoint: it may have been removed."}, nil
	}
	e := endpoints[i]
	received, err := s.directory.EndpointFigures(ctx)
	if err != nil {
		return nil, err
	}
	found, next, err := s.directory.Sent(ctx, record.SentSearch{Destination: e.ID, After: wire.CanonicalID(q.Get("after")), Limit: sentShown})
	if err != nil {
		return nil, err
	}
	at := moments{time.Now()}
	v := EndpointView{Endpoint: endpointView(e, received[e.ID], at), State: endpointState(e, received[e.ID])}
	v.Facts = endpointFacts(received[e.ID], found, at)
	if next != "" {
		v.Looked = len(found) < sentShown
		v.More = Link{Name: "Earlier deliveries", Path: "?" + url.Values{"id": {e.ID}, "after": {next}}.Encode()}
	}
	for _, d := range found {
		line := deliveryView(d, endpoints, at)
		line.Body = indented(d.Body)
		v.Deliveries = append(v.Deliveries, line)
	}
	return v, nil
}

func endpointState(e record.Endpoint, f record.EndpointFigures) State {
	deliveries := noun{"delivery", "deliveries"}
	failed := f.Dead + f.Failing
	switch {
	case !e.Enabled:
		return State{Tone: "warning", Sentence: "Nothing is sent to it: it is disabled."}
	case f.FailsAll():
		return State{Tone: "critical", Sentence: "Nothing arrives: " + deliveries.of(failed) + " failed, none arrived."}
	case failed > 0:
		return State{Tone: "warning", Sentence: fmt.Sprintf("%s failed, and %d arrived.", deliveries.of(failed), f.Delivered)}
	case f.Delivered > 0:
		return State{Tone: "good", Sentence: "Everything sent lately has arrived."}
	}
	return State{Sentence: "Nothing was sent to it lately."}
}

// endpointFacts says how much arrived of the newest deliveries, and what the last answer was.
func endpointFacts(f record.EndpointFigures, newest []record.Delivery, at moments) []Fact {
	all := f.Delivered + f.Dead + f.Failing
	if all == 0 {
		return nil
	}
	facts := []Fact{
		{Name: "Success rate", Value: strconv.Itoa(100*f.Delivered/all) + " %, of the last " + noun{"delivery", "deliveries"}.of(all) + " that were tried"},
		{Name: "Dead", Value: grouped(f.Dead)},
		{Name: "Failing, and tried again", Value: grouped(f.Failing)},
	}
	if !f.LastDelivered.IsZero() {
		facts = append(facts, Fact{Name: "The last one arrived", At: at.at(f.LastDelivered)})
	}
	tried := slices.DeleteFunc(slices.Clone(newest), func(d record.Delivery) bool { return d.Attempts == 0 })
	if len(tried) == 0 {
		return facts
	}
	last := slices.MaxFunc(tried, func(a, b record.Delivery) int { return a.UpdatedAt.Compare(b.UpdatedAt) })
	said := last.Error
	if said == "" {
		said = "answered " + strconv.Itoa(last.Status)
	}
	return append(facts, Fact{Name: "Last answer", Value: said}, Fact{Name: "It was", At: at.at(last.UpdatedAt)})
}

// indented returns JSON with a line for each member; anything else as it is.
func indented(body string) string {
	var text bytes.Buffer
	if json.Indent(&text, []byte(body), "", "  ") != nil {
		return body
	}
	return text.String()
}
