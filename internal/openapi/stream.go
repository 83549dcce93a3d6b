package openapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew/api"
)

// streamType is the media type of server-sent events.
const streamType = "text/event-stream"

// addStream describes the events of /api/stream, each as a parser of server-sent events hands it on, with its data read as JSON.
func (d description) addStream() {
	nothing := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false}
	request := anyOf(schemaOf[api.RequestAdded](d), schemaOf[api.RequestRemoved](d))
	request.Discriminator = &huma.Discriminator{PropertyName: "change", Mapping: map[string]string{
		"added": SchemaPrefix + "RequestAdded", "removed": SchemaPrefix + "RequestRemoved",
	}}
	request.OneOf, request.AnyOf = request.AnyOf, nil
	d.schemas["StreamEvent"] = &huma.Schema{
		Type: huma.TypeObject, Description: "A server-sent event of GET /api/stream: its event field, its id, and its data read as JSON. A comment is a heartbeat",
		Properties: map[string]*huma.Schema{
			"event": text(), "id": described(text(), "A time by the database's clock, for Last-Event-ID; absent: the previous id still applies"), "data": nothing,
		},
		Required: []string{"event", "data"},
	}
	data := func(event string, s *huma.Schema, doc string) variant {
		return variant{value: event, doc: doc, exchange: map[string]*huma.Schema{"data": s}}
	}
	d.unite("StreamEvent", "event", []variant{
		data(api.HelloEvent, schemaOf[api.Hello](d), "Always the first event. Whatever was committed before its time is in the lists"),
		data(api.SessionEvent, schemaOf[api.SessionChange](d), "An event of a session's history, with the session as it is now"),
		data(api.RequestEvent, request, "A request entered the queue or left it"),
		data(api.CheckoutEvent, schemaOf[api.CheckoutChange](d), "A payment has a new outcome"),
		data(api.FiguresEvent, schemaOf[api.Health](d), "The health report, for admins"),
		data(api.ChangedEvent, nothing, "Something changed, on a brief stream"),
		data(api.JobEvent, schemaOf[api.Job](d), "How far a job has come, or that it has ended, without its result; for admins"),
		data(api.ResetEvent, nothing, "Something was missed: read the lists again"),
		data(api.ByeEvent, schemaOf[api.Bye](d), "Always the last event"),
	})
	for _, op := range d.operations() {
		for _, response := range op.Responses {
			if media, ok := response.Content[streamType]; ok {
				media.Schema = ref("StreamEvent")
			}
		}
	}
}
