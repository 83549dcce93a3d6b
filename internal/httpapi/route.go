package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/lifecycle"
)

// route is one line of routes.go.
type route struct {
	method, path string
	access       auth.Access
	name         string // the operation's id
	summary      string
	statuses     []int         // of success, the usual one first
	timeout      time.Duration // of the answer
	long         bool          // has many steps: it goes on where the answer cannot wait
	fields       []string      // that its body may have
	params       []string      // that its query may have
	register     func(*Server, huma.API, huma.Operation, route)
}

// at makes a route of a handler. The handler is called for who came through the gate, with an input that has been
// checked. Authorisation comes before huma decodes the input, and huma has only the context to hand something on: the
// caller travels there for that one step. A request without one is refused.
func at[I, O any](method, path string, a auth.Access, name, summary string, handle func(context.Context, auth.Request, *I) (*O, error)) route {
	return route{
		method: method, path: path, access: a, name: name, summary: summary,
		statuses: []int{http.StatusOK}, fields: fieldsOf(reflect.TypeFor[I]()), params: paramsOf(reflect.TypeFor[I]()),
		register: func(s *Server, to huma.API, op huma.Operation, rt route) {
			op.Middlewares = huma.Middlewares{func(hc huma.Context, decode func(huma.Context)) {
				ctx, cancel := context.WithTimeout(hc.Context(), rt.timeout)
				defer cancel()
				hc = huma.WithContext(hc, ctx)
				r, w := humago.Unwrap(hc)
				caller, err := s.enter(w, r, rt)
				if err != nil {
					s.problems.Answer(w, r, err)
					return
				}
				decode(huma.WithValue(hc, callerKey{}, caller))
			}}
			huma.Register(to, op, func(ctx context.Context, in *I) (*O, error) {
				caller, ok := ctx.Value(callerKey{}).(auth.Request)
				if !ok {
					return nil, s.problems.From(ctx, curfew.Errorf(curfew.Internal, "%s %s was called without a caller", rt.method, rt.path))
				}
				var out *O
				err := s.carryOut(ctx, rt, func(ctx context.Context) error {
					answer, err := handle(ctx, caller, in)
					out = answer
					return err
				})
				if err != nil {
					return nil, s.problems.From(ctx, err)
				}
				return out, nil
			})
		},
	}
}

// callerKey is where at hands a caller over huma's decoding.
type callerKey struct{}

// answers says which statuses of success the route has, the usual one first.
func (rt route) answers(statuses ...int) route {
	rt.statuses = statuses
	return rt
}

// within gives the route more time, or less.
func (rt route) within(timeout time.Duration) route {
	rt.timeout = timeout
	return rt
}

// everyRouteHasAccess refuses a table with a route that nobody may use, or
// everybody: a rule that was forgotten must not become one by its zero value.
func everyRouteHasAccess(all []route) error {
	for _, rt := range all {
		switch {
		case len(rt.access.Roles) == 0:
			return curfew.Errorf(curfew.Internal, "route %s %s has no access rule: it must say who may use it", rt.method, rt.path)
		case slices.ContainsFunc(rt.access.Roles, func(r curfew.Role) bool { return !slices.Contains(auth.Roles, r) }):
			return curfew.Errorf(curfew.Internal, "route %s %s is for a role that no token has", rt.method, rt.path)
		case rt.access.Relation == auth.Undecided:
			return curfew.Errorf(curfew.Internal, "route %s %s does not say whose it must be", rt.method, rt.path)
		case strings.Contains(rt.path, "{id}") && rt.access.Relation == auth.Nobodys && slices.ContainsFunc(rt.access.Roles, personal):
			return curfew.Errorf(curfew.Internal, "route %s %s names something, and does not say whose it must be", rt.method, rt.path)
		}
	}
	return nil
}

// personal is a role that reaches its own only.
func personal(r curfew.Role) bool { return r == curfew.Customer || r == curfew.Mechanic }

// whole lets the route's work go on to its end when the time of its answer is over.
func (rt route) whole() route {
	rt.long = true
	return rt
}

// fieldsOf is the fields that an input's body may have.
func fieldsOf(input reflect.Type) []string {
	fields := []string{}
	body, ok := input.FieldByName("Body")
	if !ok {
		return fields
	}
	for i := range body.Type.NumField() {
		name, _, _ := strings.Cut(body.Type.Field(i).Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	return fields
}

// register makes an operation of every route, and returns their description.
func (s *Server) register(mux *http.ServeMux) (*huma.OpenAPI, error) {
	config := huma.DefaultConfig("Curfew", s.version)
	config.CreateHooks = nil // no $schema in bodies
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.Transformers = []huma.Transformer{ours}
	config.Info.Description = "The session keeper of a paid live-help marketplace."
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "curfew token prints one"},
	}
	to := humago.New(mux, config)
	problem := problemResponse(config.Components.Schemas)
	for _, rt := range s.routes() {
		s.add(to, rt, problem)
	}
	to.OpenAPI().AddOperation(s.webhookOperation(problem))
	delete(config.Components.Schemas.Map(), "ErrorModel") // huma's own; ours is Problem
	admitNulls(config.Components.Schemas.Map())
	listCodes(config.Components.Schemas.Map())
	return to.OpenAPI(), nil
}

func (s *Server) add(to huma.API, rt route, problem *huma.Response) {
	if rt.timeout == 0 {
		rt.timeout = s.timeout
	}
	op := huma.Operation{
		OperationID: rt.name, Method: rt.method, Path: rt.path, Summary: rt.summary,
		Description:   description(rt),
		Tags:          []string{strings.Split(rt.path, "/")[2]},
		DefaultStatus: rt.statuses[0],
		Responses:     map[string]*huma.Response{"default": problem},
		RequestBody:   &huma.RequestBody{},
		Security:      []map[string][]string{{"bearer": {}}},
	}
	if len(rt.fields) == 0 {
		op.RequestBody = nil
	}
	rt.register(s, to, op, rt)
	usual := op.Responses[strconv.Itoa(rt.statuses[0])]
	for _, status := range rt.statuses[1:] {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: usual.Content}
	}
	if op.RequestBody != nil {
		op.RequestBody.Required = mustHaveBody(to, op.RequestBody)
	}
}

// mustHaveBody reports whether a body has fields that are required. An absent
// body counts as {}.
func mustHaveBody(to huma.API, body *huma.RequestBody) bool {
	schema := body.Content["application/json"].Schema
	if schema.Ref != "" {
		schema = to.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	return len(schema.Required) > 0
}

// nulls are the objects that can be null, which Go's types do not tell huma.
var nulls = map[string][]string{
	"SessionStatus": {"session"}, "SessionHealth": {"byStatus"}, "RequestHealth": {"byStatus"}, "CheckoutHealth": {"byOutcome", "owed"},
}

func admitNulls(schemas map[string]*huma.Schema) {
	for name, fields := range nulls {
		properties := schemas[name].Properties
		for _, field := range fields {
			properties[field] = &huma.Schema{OneOf: []*huma.Schema{properties[field], {Type: "null"}}}
		}
	}
}

// listCodes names what outsiders read in an event. Operators read the inside,
// whose texts have no list.
func listCodes(schemas map[string]*huma.Schema) {
	properties := schemas["Event"].Properties
	properties["actor"] = outsideOrInside(enumOf(curfew.OutsideRoles()), "Who did it: a role", "role:id, for admins")
	properties["reason"] = outsideOrInside(enumOf(curfew.ReasonCodes()), "Why, as a code", "Why, with what operators noted, for admins")
}

func outsideOrInside(codes []any, outside, inside string) *huma.Schema {
	return &huma.Schema{AnyOf: []*huma.Schema{
		{Type: huma.TypeString, Enum: codes, Description: outside}, {Type: huma.TypeString, Description: inside},
	}}
}

func enumOf[T ~string](all []T) []any {
	list := make([]any, len(all))
	for i, one := range all {
		list[i] = string(one)
	}
	return list
}

func problemResponse(schemas huma.Registry) *huma.Response {
	return &huma.Response{Description: "A problem (RFC 9457)", Content: map[string]*huma.MediaType{
		problem.ContentType: {Schema: schemas.Schema(reflect.TypeFor[api.Problem](), true, "Problem")},
	}}
}

// routeActions is the actions that a route carries out: its description says
// everything that they do.
var routeActions = map[string][]lifecycle.ActionName{
	"endSession": {lifecycle.EndSession}, "cancelSession": {lifecycle.CancelSession, lifecycle.EndSession},
	"clearCustomer":  {lifecycle.ClearCustomer, lifecycle.ForceClear},
	"releaseRequest": {lifecycle.ReleaseSlot}, "unassignSession": {lifecycle.ReleaseSlot},
	"fulfilHeld": {lifecycle.FulfilPayment}, "assignHeld": {lifecycle.AssignPayment}, "creditCheckout": {lifecycle.CreditPayment},
	"refundCheckout": {lifecycle.RefundPayment, lifecycle.CloseRefundAction}, "undoRun": {lifecycle.UndoRun},
}

func description(rt route) string {
	said := []string{"For: " + roleNames(rt.access.Roles) + "."}
	for _, a := range routeActions[rt.name] {
		said = append(said, lifecycle.Describe(a))
	}
	return strings.Join(said, " ")
}

func roleNames(roles []curfew.Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// enter asks the gate, and only then looks at query and body.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, rt route) (auth.Request, error) {
	c, err := s.gate.Authorize(r, rt.access)
	if err == nil {
		err = cmp.Or(checkQuery(r, rt.params), checkKey(r))
	}
	if err != nil || rt.method == http.MethodGet {
		return c, err
	}
	return c, readBody(w, r, rt.fields)
}
