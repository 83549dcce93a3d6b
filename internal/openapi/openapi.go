package openapi

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// SchemaPrefix begins the reference of each named schema.
const SchemaPrefix = "#/components/schemas/"

// jsonType is the media type of every body but problems and streams.
const jsonType = "application/json"

// names are the schemas that are not called like their Go types, whose names would hide a global of browsers, or have another meaning here.
var names = map[string]string{
	"Event": "HistoryEvent", "History": "HealthHistory", "Request": "SessionRequest", "SessionStatus": "CustomerStatus",
}

// Name names the schema of a type, for huma.NewMapRegistry. The shapes of webhooks have their package's name before their own.
func Name(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if strings.HasSuffix(t.PkgPath(), "/webhook") {
		return "Webhook" + name
	}
	if other, ok := names[name]; ok {
		return other
	}
	return name
}

// description is a document that is being completed.
type description struct {
	doc     *huma.OpenAPI
	schemas map[string]*huma.Schema
}

// Complete completes the description of a server at url. Every operation is known.
func Complete(doc *huma.OpenAPI, url string) {
	d := description{doc, doc.Components.Schemas.Map()}
	delete(d.schemas, "ErrorModel") // huma's own; ours is Problem
	doc.Servers = []*huma.Server{{URL: url}}
	d.addStream()
	d.addWebhooks()
	d.admitNulls()
	d.listWords()
	d.uniteOutcomes()
	d.uniteProblems()
	d.nameWords()
	d.openAnswers()
	d.addExamples()
}

// nulls are the objects that can be null. Huma cannot see that in their Go types.
var nulls = map[string][]string{
	"CustomerStatus": {"session"}, "Mechanic": {"session"}, "SessionHealth": {"byStatus"}, "RequestHealth": {"byStatus"}, "CheckoutHealth": {"byOutcome", "owed"},
	"HealthFinding": {"acknowledged"},
}

func (d description) admitNulls() {
	for name, fields := range nulls {
		properties := d.schemas[name].Properties
		for _, field := range fields {
			properties[field] = &huma.Schema{OneOf: []*huma.Schema{properties[field], {Type: "null"}}, Description: properties[field].Description}
		}
	}
}

// openAnswers lets answers have fields that this release does not know: later releases add some. What callers send stays closed.
func (d description) openAnswers() {
	for _, schema := range d.answered() {
		d.walk(schema, func(s *huma.Schema) {
			if s.AdditionalProperties == false {
				s.AdditionalProperties = nil
			}
		})
	}
}

// answered returns the named schemas that only answers, server-sent events and webhooks have.
func (d description) answered() map[string]*huma.Schema {
	all := maps.Clone(d.schemas)
	for _, op := range d.operations() {
		if op.RequestBody != nil {
			for _, media := range op.RequestBody.Content {
				d.reach(media.Schema, func(name string) { delete(all, name) })
			}
		}
	}
	return all
}

// reach names every schema that a schema refers to.
func (d description) reach(from *huma.Schema, visit func(name string)) {
	d.walk(from, func(s *huma.Schema) {
		if name, ok := strings.CutPrefix(s.Ref, SchemaPrefix); ok {
			visit(name)
			d.reach(d.schemas[name], visit)
		}
	})
}

// walk visits a schema and those inside it, but none that it refers to.
func (d description) walk(s *huma.Schema, visit func(*huma.Schema)) {
	if s == nil {
		return
	}
	visit(s)
	for _, p := range s.Properties {
		d.walk(p, visit)
	}
	for _, one := range slices.Concat(s.OneOf, s.AnyOf, s.AllOf) {
		d.walk(one, visit)
	}
	d.walk(s.Items, visit)
	if values, ok := s.AdditionalProperties.(*huma.Schema); ok {
		d.walk(values, visit)
	}
}

// operations returns the operations of the paths by their ids.
func (d description) operations() map[string]*huma.Operation {
	all := map[string]*huma.Operation{}
	for _, item := range d.doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				all[op.OperationID] = op
			}
		}
	}
	return all
}

// schemaOf returns the reference to a Go type's schema, which it names if nobody has.
func schemaOf[T any](d description) *huma.Schema {
	return d.doc.Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

func ref(name string) *huma.Schema { return &huma.Schema{Ref: SchemaPrefix + name} }
