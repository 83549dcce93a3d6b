package api

import (
	"context"
	"net/http"
	"time"
)

// NewEndpoint is an endpoint to add.
type NewEndpoint struct {
	URL         string   `json:"url" minLength:"1" maxLength:"2048" doc:"https; the receiver answers 2xx within 15 seconds"`
	Description string   `json:"description,omitempty" maxLength:"200"`
	Events      []string `json:"events,omitempty" maxItems:"50" doc:"Only events of these types; absent or empty: all events" nullable:"false"`
}

// EndpointChange changes an endpoint. Absent fields stay as they are.
type EndpointChange struct {
	URL         *string   `json:"url,omitempty" minLength:"1" maxLength:"2048"`
	Description *string   `json:"description,omitempty" maxLength:"200"`
	Events      *[]string `json:"events,omitempty" maxItems:"50" doc:"Replaces the types of events that are sent; empty: all events"`
	Enabled     *bool     `json:"enabled,omitempty" doc:"A disabled endpoint receives nothing. Once enabled, it receives what is still pending, and new events"`
}

// Endpoint receives webhooks.
type Endpoint struct {
	ID             string     `json:"id"`
	URL            string     `json:"url"`
	Description    string     `json:"description"`
	Events         []string   `json:"events" nullable:"false"`
	Enabled        bool       `json:"enabled"`
	DisabledAt     *time.Time `json:"disabledAt,omitempty"`
	DisabledReason string     `json:"disabledReason,omitempty" doc:"Absent if a person disabled it"`
	CreatedAt      time.Time  `json:"createdAt"`
	UpdatedAt      time.Time  `json:"updatedAt"`
	Secret         string     `json:"secret,omitempty" doc:"The signing secret; returned only when it is created or rotated"`
}

// Endpoints is all endpoints, oldest first.
type Endpoints struct {
	Endpoints []Endpoint `json:"endpoints" nullable:"false"`
}

// Removed says that something was removed.
type Removed struct {
	ID string `json:"id"`
}

const endpointPath = "/api/webhook-endpoints"

// AddEndpoint adds an endpoint. Only its result has the secret.
func (c *Client) AddEndpoint(ctx context.Context, e NewEndpoint) (Endpoint, error) {
	return post[Endpoint](ctx, c, endpointPath, e)
}

// Endpoints lists the endpoints.
func (c *Client) Endpoints(ctx context.Context) (Endpoints, error) {
	return get[Endpoints](ctx, c, endpointPath)
}

// Endpoint returns an endpoint.
func (c *Client) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	return get[Endpoint](ctx, c, at(endpointPath+"/%s", id))
}

// ChangeEndpoint changes an endpoint.
func (c *Client) ChangeEndpoint(ctx context.Context, id string, change EndpointChange) (Endpoint, error) {
	return call[Endpoint](ctx, c, http.MethodPatch, at(endpointPath+"/%s", id), change, "")
}

// RemoveEndpoint removes an endpoint and its pending deliveries.
func (c *Client) RemoveEndpoint(ctx context.Context, id string) (Removed, error) {
	return call[Removed](ctx, c, http.MethodDelete, at(endpointPath+"/%s", id), nil, "")
}

// RotateEndpoint replaces the secret. For a day, both secrets sign.
func (c *Client) RotateEndpoint(ctx context.Context, id string) (Endpoint, error) {
	return post[Endpoint](ctx, c, at(endpointPath+"/%s/rotate", id), nil)
}

// TestEndpoint sends an endpoint an event of type test.
func (c *Client) TestEndpoint(ctx context.Context, id string) (Delivery, error) {
	return post[Delivery](ctx, c, at(endpointPath+"/%s/test", id), nil)
}
