package openapi

import (
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/record"
)

// message is the schema of what Curfew sends to an endpoint.
const message = "WebhookMessage"

// addWebhooks describes what endpoints receive: a union by type, and an operation for each.
func (d description) addWebhooks() {
	d.schemas[message] = &huma.Schema{
		Type: huma.TypeObject, Description: "The body of a webhook, signed by Standard Webhooks (https://www.standardwebhooks.com)",
		Properties: map[string]*huma.Schema{"type": text(), "timestamp": {Type: huma.TypeString, Format: "date-time"}, "data": nil},
		Required:   []string{"type", "timestamp", "data"},
	}
	d.doc.Webhooks = map[string]*huma.PathItem{}
	var all []variant
	for _, kind := range append(record.EventKinds(), record.TestKind) {
		all = append(all, variant{value: kind, doc: "A webhook of type " + kind, exchange: map[string]*huma.Schema{"data": d.dataOf(kind)}})
		d.doc.Webhooks[kind] = &huma.PathItem{Post: received(kind)}
	}
	d.unite(message, "type", all)
	d.doc.Components.RequestBodies = map[string]*huma.RequestBody{ // huma leaves out what nothing refers to
		message: {Required: true, Content: map[string]*huma.MediaType{jsonType: {Schema: ref(message)}}},
	}
}

func (d description) dataOf(kind string) *huma.Schema {
	switch {
	case kind == record.TestKind:
		return schemaOf[webhook.Test](d)
	case strings.HasPrefix(kind, "session."):
		return schemaOf[webhook.SessionChange](d)
	}
	return schemaOf[webhook.CheckoutChange](d)
}

// received is the operation of an endpoint that receives a kind of webhook.
func received(kind string) *huma.Operation {
	return &huma.Operation{
		OperationID: "on" + pascal(kind), Summary: "Receive " + kind, Tags: []string{"webhooks"}, Security: []map[string][]string{},
		Parameters: []*huma.Param{signed("webhook-id"), signed("webhook-timestamp"), signed("webhook-signature")},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			jsonType: {Schema: ref(message + pascal(kind))},
		}},
		Responses: map[string]*huma.Response{"2XX": {Description: "The message was received, and is not sent again"}},
	}
}

func signed(header string) *huma.Param {
	return &huma.Param{Name: header, In: "header", Required: true, Description: "Part of the signature", Schema: text()}
}
