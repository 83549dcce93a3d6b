package httpapi

import (
	"context"
	"net/http"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// Endpoints manages the endpoints that webhooks are sent to.
type Endpoints interface {
	// Add adds an endpoint. Only Add and Rotate return its secret.
	Add(ctx context.Context, w record.Endpoint) (record.Endpoint, error)
	List(ctx context.Context) ([]record.Endpoint, error)
	Show(ctx context.Context, id string) (record.Endpoint, error)
	Change(ctx context.Context, id string, edit func(*record.Endpoint)) (record.Endpoint, error)
	Rotate(ctx context.Context, id string) (record.Endpoint, error)
	Remove(ctx context.Context, id string) error
	// Test sends the endpoint an event of kind test.
	Test(ctx context.Context, id string) (record.Delivery, error)
}

type newEndpointInput struct {
	Body api.NewEndpoint
}

// endpointHandlers handle webhook endpoints.
type endpointHandlers struct {
	endpoints Endpoints
}

func (h endpointHandlers) add(ctx context.Context, _ auth.Request, in *newEndpointInput) (*response[api.Endpoint], error) {
	w, err := h.endpoints.Add(ctx, record.Endpoint{URL: in.Body.URL, Description: in.Body.Description, Kinds: in.Body.Events})
	return &response[api.Endpoint]{http.StatusCreated, wire.Endpoint(w)}, err
}

func (h endpointHandlers) list(ctx context.Context, _ auth.Request, _ *struct{}) (*response[api.Endpoints], error) {
	all, err := h.endpoints.List(ctx)
	out := api.Endpoints{Endpoints: make([]api.Endpoint, len(all))}
	for i, w := range all {
		out.Endpoints[i] = wire.Endpoint(w)
	}
	return okay(out, err)
}

func (h endpointHandlers) read(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Endpoint], error) {
	w, err := h.endpoints.Show(ctx, c.ID)
	return okay(wire.Endpoint(w), err)
}

type endpointChangeInput struct {
	idInput
	Body api.EndpointChange
}

func (h endpointHandlers) change(ctx context.Context, c auth.Request, in *endpointChangeInput) (*response[api.Endpoint], error) {
	b := in.Body
	w, err := h.endpoints.Change(ctx, c.ID, func(w *record.Endpoint) {
		set(&w.URL, b.URL)
		set(&w.Description, b.Description)
		set(&w.Kinds, b.Events)
		set(&w.Enabled, b.Enabled)
	})
	return okay(wire.Endpoint(w), err)
}

// set changes a field if the caller named it.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (h endpointHandlers) remove(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Removed], error) {
	return okay(api.Removed{ID: c.ID}, h.endpoints.Remove(ctx, c.ID))
}

func (h endpointHandlers) rotate(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Endpoint], error) {
	w, err := h.endpoints.Rotate(ctx, c.ID)
	return okay(wire.Endpoint(w), err)
}

func (h endpointHandlers) test(ctx context.Context, c auth.Request, _ *idInput) (*response[api.Delivery], error) {
	d, err := h.endpoints.Test(ctx, c.ID)
	return &response[api.Delivery]{http.StatusAccepted, wire.Delivery(d)}, err
}
