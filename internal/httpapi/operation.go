package httpapi

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
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
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// at makes a route from a handler, which is called with an authorized caller and a checked input.
// Authorization comes before huma decodes the input, and huma can pass values on only in the
// context, so the caller travels there for that one step. A request without a caller is refused.
func at[I, O any](method, path string, a auth.Access, name, summary string, handle func(context.Context, auth.Request, *I) (*O, error)) route {
	a.Class = classOf(method)
	return route{
		method: method, path: path, access: named(a, name, path), described: true, name: name, summary: summary,
		statuses: []int{http.StatusOK}, fields: fieldsOf(reflect.TypeFor[I]()), params: paramsOf(reflect.TypeFor[I]()),
		mount: func(to *router, rt route) {
			op := rt.operation(to.failure)
			op.Middlewares = huma.Middlewares{rt.authorizing(to)}
			huma.Register(to.api, op, func(ctx context.Context, in *I) (out *O, err error) {
				caller, ok := ctx.Value(callerKey{}).(auth.Request)
				if !ok {
					return nil, to.problems.From(ctx, curfew.Errorf(curfew.Internal, "%s was called without a caller", rt.pattern()))
				}
				err = rt.carryOut(ctx, to, func(ctx context.Context) error {
					answer, err := handle(ctx, caller, in)
					out = answer
					return err
				})
				if pending, ok := errors.AsType[*awaiting](err); ok {
					return nil, pending
				}
				if err != nil {
					return nil, to.problems.From(ctx, err)
				}
				return out, nil
			})
			rt.describeResponses(to.api, &op)
		},
	}
}

// callerKey is the context key that carries the caller through huma's decoding.
type callerKey struct{}

// authorizing is the middleware that asks the gate, within the route's time limit, and passes the
// caller on.
func (rt route) authorizing(to *router) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, decode func(huma.Context)) {
		ctx, cancel := context.WithTimeout(hc.Context(), rt.timeout)
		defer cancel()
		hc = huma.WithContext(hc, ctx)
		r, w := humago.Unwrap(hc)
		caller, err := rt.authorize(to.gate, w, r)
		if err != nil {
			to.problems.Answer(w, r, err)
			return
		}
		decode(huma.WithValue(hc, callerKey{}, caller))
	}
}

// authorize asks the gate, and checks query and body only afterwards.
func (rt route) authorize(gate *auth.Gate, w http.ResponseWriter, r *http.Request) (auth.Request, error) {
	c, err := gate.Authorize(r, rt.access)
	if err == nil {
		err = cmp.Or(checkQuery(r, rt.params), checkKey(r))
	}
	if err != nil || rt.method == http.MethodGet {
		return c, err
	}
	return c, readBody(w, r, rt.fields)
}

// carryOut makes a call. A call that changes something does not end when its caller leaves.
func (rt route) carryOut(ctx context.Context, to *router, do func(context.Context) error) error {
	switch {
	case rt.method == http.MethodGet:
		return do(ctx)
	case rt.progress != "":
		return rt.carryOutWhole(ctx, to, do)
	}
	ctx, end := to.tasks.begin(ctx, rt.timeout)
	defer end()
	return do(ctx)
}

// carryOutWhole runs a long task, which continues after the time for its answer is over.
func (rt route) carryOutWhole(ctx context.Context, to *router, do func(context.Context) error) error {
	ctx, end := to.tasks.begin(ctx, longTaskTimeout)
	done := make(chan error, 1)
	go func() {
		defer end()
		done <- recovering(ctx, to.log, do)
	}()
	answer := time.NewTimer(rt.timeout)
	defer answer.Stop()
	select {
	case err := <-done:
		return err
	case <-answer.C:
		return curfew.Errorf(curfew.Unavailable, "this takes longer than an answer can wait, and goes on to its end: %s", rt.progress)
	}
}

// recovering runs a function outside the request's own goroutine, and recovers from its panic.
func recovering(ctx context.Context, log *slog.Logger, do func(context.Context) error) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			logPanic(ctx, log, panicked)
			err = curfew.Internal
		}
	}()
	return do(ctx)
}

// streaming makes a route that is documented like the others but answers without huma, which would
// double the memory of each stream.
func streaming(path string, a auth.Access, name, summary string, serve func(context.Context, http.ResponseWriter, *http.Request, auth.Request) error) route {
	a.Class = limit.Streams
	return route{
		method: http.MethodGet, path: path, access: named(a, name, path), described: true, name: name, summary: summary, statuses: []int{http.StatusOK},
		params: []string{auth.TicketParam, sse.LastEventParam, sse.BriefParam},
		mount: func(to *router, rt route) {
			op := rt.operation(to.failure)
			op.Parameters = append(op.Parameters,
				param(sse.LastEventID, "header", "The id of the last event received; the stream resumes 30 s before it"),
				param(sse.LastEventParam, "query", "The same, for a new EventSource, which cannot send headers"),
				param(sse.BriefParam, "query", "true: an event changed without details, at most once a second, instead of figures, requests, checkouts and, for admins, sessions"),
				param(auth.TicketParam, "query", "A ticket from POST /api/stream/tickets, instead of a token: an EventSource cannot send headers"))
			op.Responses["200"] = &huma.Response{
				Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{sse.ContentType: {}},
			}
			to.api.OpenAPI().AddOperation(&op)
			to.mux.HandleFunc(rt.pattern(), func(w http.ResponseWriter, r *http.Request) {
				if err := rt.stream(to.gate, w, r, serve); err != nil {
					to.problems.Answer(w, r, err)
				}
			})
		},
	}
}

// stream authorizes a caller and opens their stream.
func (rt route) stream(gate *auth.Gate, w http.ResponseWriter, r *http.Request, serve func(context.Context, http.ResponseWriter, *http.Request, auth.Request) error) error {
	ctx, cancel := context.WithTimeout(r.Context(), rt.timeout)
	defer cancel()
	opened, caller, err := gate.AuthorizeStream(r.WithContext(ctx), rt.access)
	if err == nil {
		err = checkQuery(r, rt.params)
	}
	if err != nil {
		return err
	}
	return serve(ctx, w, opened, caller)
}

// param describes an optional parameter that huma does not know.
func param(name, in, doc string) *huma.Param {
	return &huma.Param{Name: name, In: in, Description: doc, Schema: &huma.Schema{Type: huma.TypeString}}
}

// guarded makes an undocumented route from a handler that is called with an authorized caller.
func guarded(path, name string, roles []curfew.Role, handle http.HandlerFunc) route {
	rt := route{method: http.MethodGet, path: path, access: allow(auth.Nobodys, roles...)}
	rt.access.Name, rt.access.Group, rt.access.Class = name, name, limit.Unlimited
	rt.mount = func(to *router, rt route) {
		to.mux.HandleFunc(rt.pattern(), func(w http.ResponseWriter, r *http.Request) {
			if _, err := rt.authorize(to.gate, w, r); err != nil {
				to.problems.Answer(w, r, err)
				return
			}
			handle(w, r)
		})
	}
	return rt
}

// documented makes a route from a handler that authenticates its callers and describes itself.
func documented(method, path, open string, describe func(to *router) *huma.Operation, handle http.HandlerFunc) route {
	rt := plain(method, path, open, handle)
	mount := rt.mount
	rt.mount = func(to *router, rt route) {
		op := describe(to)
		op.Method, op.Path = rt.method, rt.path
		op.Responses["default"] = to.failure
		to.api.OpenAPI().AddOperation(op)
		mount(to, rt)
	}
	rt.described = true
	return rt
}

// operation describes a route. Huma adds its input and its usual response.
func (rt route) operation(failure *huma.Response) huma.Operation {
	op := huma.Operation{
		OperationID: rt.name, Method: rt.method, Path: rt.path, Summary: rt.summary,
		Description:   description(rt),
		Tags:          []string{rt.access.Group},
		DefaultStatus: rt.statuses[0],
		Responses:     map[string]*huma.Response{"default": failure},
		Security:      []map[string][]string{{"bearer": {}}},
	}
	if slices.ContainsFunc(rt.access.Roles, personal) {
		op.Parameters = append(op.Parameters, param(auth.ActAs, "header", "For services: act for customer:ID or mechanic:ID, the id percent-encoded"))
	}
	if len(rt.fields) > 0 {
		op.RequestBody = &huma.RequestBody{}
	}
	if rt.content != "" {
		op.Responses[strconv.Itoa(rt.statuses[0])] = &huma.Response{
			Description: http.StatusText(rt.statuses[0]),
			Content:     map[string]*huma.MediaType{rt.content: {Schema: &huma.Schema{Type: huma.TypeString}}},
		}
	}
	return op
}

// describeResponses adds the other success responses, which have the shape of the usual one, and
// says whether the operation needs a body.
func (rt route) describeResponses(to huma.API, op *huma.Operation) {
	usual := op.Responses[strconv.Itoa(rt.statuses[0])]
	for _, status := range rt.statuses[1:] {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: usual.Content}
	}
	if rt.approved {
		op.Responses["202"] = &huma.Response{Description: "The action needs the approval of another admin", Content: map[string]*huma.MediaType{
			jsonType: {Schema: to.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[wire.ApprovalPending](), true, "ApprovalPending")},
		}}
	}
	if rt.isJob {
		op.Responses["202"] = &huma.Response{
			Description: "The work continues as a job; Location is where to read its progress", Headers: usual.Headers,
			Content: map[string]*huma.MediaType{jsonType: {Schema: to.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Job](), true, "Job")}},
		}
		usual.Headers = nil
	}
	if op.RequestBody != nil {
		op.RequestBody.Required = mustHaveBody(to, op.RequestBody)
	}
}

// routeActions maps routes to the actions that they carry out: a route's description states all
// their consequences.
var routeActions = map[string][]lifecycle.ActionName{
	"endSession": {lifecycle.EndSession}, "cancelSession": {lifecycle.CancelSession, lifecycle.EndSession},
	"clearCustomer":  {lifecycle.ClearCustomer, lifecycle.ForceClear},
	"releaseRequest": {lifecycle.ReleaseSlot}, "unassignSession": {lifecycle.ReleaseSlot},
	"fulfillHeld": {lifecycle.FulfillPayment}, "assignHeld": {lifecycle.AssignPayment}, "creditCheckout": {lifecycle.CreditPayment},
	"refundCheckout": {lifecycle.RefundPayment, lifecycle.CloseRefundAction}, "undoRun": {lifecycle.UndoRun},
}

func description(rt route) string {
	sentences := []string{"For: " + rt.users() + "."}
	for _, a := range routeActions[rt.name] {
		sentences = append(sentences, lifecycle.Describe(a))
	}
	return strings.Join(sentences, " ")
}
