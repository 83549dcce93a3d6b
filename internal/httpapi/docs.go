package httpapi

import (
	"bytes"
	_ "embed"
	"html/template"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/wire"
)

//go:embed docs.html
var docsPage string

// document serves the description of the API, for programs and for people. It
// needs nothing from elsewhere.
func (s *Server) document(mux *http.ServeMux, doc *huma.OpenAPI) error {
	description, err := doc.MarshalJSON()
	if err != nil {
		return err
	}
	t, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := t.Execute(&page, s.reference(doc)); err != nil {
		return err
	}
	mux.HandleFunc("GET /openapi.json", fixed(jsonType, description))
	mux.HandleFunc("GET /docs", fixed("text/html; charset=utf-8", page.Bytes()))
	return nil
}

func fixed(kind string, text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(text) // a reader who left
	}
}

// reference is what the page for people shows.
type reference struct {
	Version, Example string
	Routes           []documented
	Codes            []code
}

type documented struct {
	Method, Path, Summary, Roles string
	Inputs                       []input
	Statuses                     []string
}

// input is a parameter, or a field of the body.
type input struct {
	Name, In, Type, Doc string
	Required            bool
}

type code struct {
	Code, Title string
	Status      int
}

func (s *Server) reference(doc *huma.OpenAPI) reference {
	r := reference{Version: s.version, Example: "curl " + s.baseURL + "/api/debug/session-health " + wire.Bearer(curfew.Admin)}
	for _, rt := range s.routes() {
		r.Routes = append(r.Routes, describe(doc, rt.method, rt.path, roleNames(rt.access.Roles)))
	}
	r.Routes = append(r.Routes, describe(doc, http.MethodPost, webhookPath, "the provider, by its signature"))
	for _, k := range curfew.Kinds() {
		status, title, _ := problem.Meaning(k)
		r.Codes = append(r.Codes, code{string(k), title, status})
	}
	r.Codes = append(r.Codes, code{problem.MethodNotAllowed, "Another method", http.StatusMethodNotAllowed})
	return r
}

func describe(doc *huma.OpenAPI, method, path, roles string) documented {
	item := doc.Paths[path]
	op := map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[method]
	d := documented{Method: method, Path: path, Summary: op.Summary, Roles: roles}
	for _, p := range op.Parameters {
		d.Inputs = append(d.Inputs, input{p.Name, p.In, typeOf(p.Schema), p.Description, p.Required})
	}
	if op.RequestBody != nil {
		d.Inputs = append(d.Inputs, bodyInputs(doc, op.RequestBody)...)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		if status != "default" {
			d.Statuses = append(d.Statuses, status)
		}
	}
	return d
}

func bodyInputs(doc *huma.OpenAPI, body *huma.RequestBody) []input {
	schema := resolved(doc, body.Content[jsonType].Schema)
	var all []input
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name]
		all = append(all, input{name, "body", typeOf(p), p.Description, slices.Contains(schema.Required, name)})
	}
	return all
}

func resolved(doc *huma.OpenAPI, schema *huma.Schema) *huma.Schema {
	if schema.Ref == "" {
		return schema
	}
	return doc.Components.Schemas.SchemaFromRef(schema.Ref)
}

func typeOf(schema *huma.Schema) string {
	if schema.Type == huma.TypeArray {
		return "list of " + typeOf(schema.Items)
	}
	return schema.Type
}
