package httpapi

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/openapi"
	"github.com/curfewhq/curfew/internal/problem"
)

// humaConfig configures huma to return errors as problems, and not to serve its own documentation
// pages.
func humaConfig(version string) huma.Config {
	config := huma.DefaultConfig("Curfew", version)
	config.CreateHooks = nil // no $schema in bodies
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.Transformers = []huma.Transformer{problemOfHuma}
	config.Components.Schemas = huma.NewMapRegistry(openapi.SchemaPrefix, openapi.Name)
	config.Info.Description = "The session keeper of a paid live-help marketplace."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "curfew token prints one; services use an API key, which curfew keys create prints"},
	}
	return config
}

// problemOfHuma turns huma's error about an input into a problem. It names the place and what was
// expected, and does not echo the value.
func problemOfHuma(_ huma.Context, _ string, body any) (any, error) {
	theirs, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	details := make([]string, len(theirs.Errors))
	for i, e := range theirs.Errors {
		details[i] = inOurWords(strings.TrimPrefix(e.Location+": "+e.Message, ": "))
	}
	f := problem.OfKind(curfew.Invalid, strings.Join(details, "; "))
	if len(details) == 0 {
		f.Detail = theirs.Detail
	}
	f.Status = theirs.Status
	return f, nil
}

// misfit matches Go's error for a value that fits the description but not its field: a whole number
// written with a fraction.
var misfit = regexp.MustCompile(`^(\w+): json: cannot unmarshal number \S+ into Go struct field [^. ]*\.(\S+) of type`)

// inOurWords replaces Go's messages about its types.
func inOurWords(detail string) string {
	switch m := misfit.FindStringSubmatch(detail); {
	case m != nil:
		return m[1] + "." + m[2] + ": expected integer, which is written without a fraction"
	case strings.Contains(detail, "json: ") || strings.Contains(detail, "parsing time "):
		return "body: a value does not fit its field: /docs says what each field takes"
	}
	return detail
}

func problemResponse(schemas huma.Registry) *huma.Response {
	return &huma.Response{Description: "A problem (RFC 9457)", Content: map[string]*huma.MediaType{
		problem.ContentType: {Schema: schemas.Schema(reflect.TypeFor[api.Problem](), true, "Problem")},
	}}
}

// mustHaveBody reports whether a body has required fields. A missing body counts as {}.
func mustHaveBody(to huma.API, body *huma.RequestBody) bool {
	schema := body.Content["application/json"].Schema
	if schema.Ref != "" {
		schema = to.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	return len(schema.Required) > 0
}
