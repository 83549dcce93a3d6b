package httpapi

import (
	"bytes"
	_ "embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/problem"
)

//go:embed docs.html
var docsPage string

// docsHandlers serve the description of the API, for programs and for people. The page loads
// nothing from other sites.
type docsHandlers struct {
	version  string
	example  string // a command that calls the API
	problems problem.Writer

	documents func() (documents, error)
}

// documents are the description for programs and the page for people.
type documents struct{ description, page []byte }

// promise defers writing the documents until the first request for one: writing them would take
// most of the startup time.
func (h *docsHandlers) promise(describe func() (*huma.OpenAPI, []route, error)) {
	h.documents = sync.OnceValues(func() (documents, error) {
		doc, table, err := describe()
		if err != nil {
			return documents{}, err
		}
		return h.write(doc, table)
	})
}

func (h *docsHandlers) write(doc *huma.OpenAPI, table []route) (documents, error) {
	description, err := doc.MarshalJSON()
	if err != nil {
		return documents{}, err
	}
	t, err := template.New("docs").Funcs(template.FuncMap{"asset": console.Asset}).Parse(docsPage)
	if err != nil {
		return documents{}, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, h.reference(doc, table))
	return documents{description, page.Bytes()}, err
}

func (h *docsHandlers) openAPI(w http.ResponseWriter, r *http.Request) {
	h.serve(w, r, jsonType, func(d documents) []byte { return d.description })
}

func (h *docsHandlers) forPeople(w http.ResponseWriter, r *http.Request) {
	h.serve(w, r, "text/html; charset=utf-8", func(d documents) []byte { return d.page })
}

func (h *docsHandlers) serve(w http.ResponseWriter, r *http.Request, contentType string, which func(documents) []byte) {
	d, err := h.documents()
	if err != nil {
		h.problems.Answer(w, r, err)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(which(d)) // an error means that the client has gone
}

// reference is the data of the page for people.
type reference struct {
	Version, Example string
	Routes           []routeEntry
	Codes            []code
}

type routeEntry struct {
	Method, Path, Summary, Users string
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

func (h *docsHandlers) reference(doc *huma.OpenAPI, table []route) reference {
	r := reference{Version: h.version, Example: h.example}
	for _, rt := range table {
		if rt.described {
			r.Routes = append(r.Routes, describe(doc, rt))
		}
	}
	for _, k := range curfew.Kinds() {
		status, title, _ := problem.Meaning(k)
		r.Codes = append(r.Codes, code{string(k), title, status})
	}
	r.Codes = append(r.Codes, code{problem.MethodNotAllowed, "Another method", http.StatusMethodNotAllowed})
	return r
}

func describe(doc *huma.OpenAPI, rt route) routeEntry {
	item := doc.Paths[rt.path]
	op := map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[rt.method]
	d := routeEntry{Method: rt.method, Path: rt.path, Summary: op.Summary, Users: rt.users()}
	for _, p := range op.Parameters {
		d.Inputs = append(d.Inputs, input{p.Name, p.In, typeOf(doc, p.Schema), p.Description, p.Required})
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
		all = append(all, input{name, "body", typeOf(doc, p), p.Description, slices.Contains(schema.Required, name)})
	}
	return all
}

func resolved(doc *huma.OpenAPI, schema *huma.Schema) *huma.Schema {
	if schema.Ref == "" {
		return schema
	}
	return doc.Components.Schemas.SchemaFromRef(schema.Ref)
}

func typeOf(doc *huma.OpenAPI, schema *huma.Schema) string {
	schema = resolved(doc, schema)
	if schema.Type == huma.TypeArray {
		return "list of " + typeOf(doc, schema.Items)
	}
	return schema.Type
}
