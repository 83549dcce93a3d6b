package api

import (
	"context"
	"net/http"
	"time"
)

// NewEndpoint is where webhooks are to go.
type NewEndpoint struct {
	URL         string   `json:"url" minLength:"1" maxLength:"2048" doc:"https; the receiver answers 2xx within 15 seconds"`
	Description string   `json:"description,omitempty" maxLength:"200"`
	Events      []string `json:"events,omitempty" maxItems:"50" doc:"Only these; absent or empty: all" nullable:"false"`
}

// EndpointChange is what becomes otherwise of an endpoint; what is absent stays.
type EndpointChange struct {
	URL         *string   `json:"url,omitempty" minLength:"1" maxLength:"2048"`
	Description *string   `json:"description,omitempty" maxLength:"200"`
	Events      *[]string `json:"events,omitempty" maxItems:"50" doc:"Empty: all"`
	Enabled     *bool     `json:"enabled,omitempty" doc:"A disabled one gets nothing; once enabled it gets what it was still to get, and what happens from then on"`
}

// Endpoint is where webhooks go.
type Endpoint struct {
	ID             string     `json:"id"`
	URL            string     `json:"url"`
	Description    string     `json:"description"`
	Events         []string   `json:"events" nullable:"false"`
	Enabled        bool       `json:"enabled"`
	DisabledAt     *time.Time `json:"disabledAt,omitempty"`
	DisabledReason string     `json:"disabledReason,omitempty" doc:"Absent where a person did it"`
	CreatedAt      time.Time  `json:"createdAt"`
	UpdatedAt      time.Time  `json:"updatedAt"`
	Secret         string     `json:"secret,omitempty" doc:"What signs: told when it is made, and never again"`
}

// Endpoints is all endpoints, oldest first.
type Endpoints struct {
	Endpoints []Endpoint `json:"endpoints" nullable:"false"`
}

// Removed says that something is gone.
type Removed struct {
	ID string `json:"id"`
}

const endpointPath = "/api/webhook-endpoints"

// AddEndpoint makes an endpoint; its answer alone holds the secret.
func (c *Client) AddEndpoint(ctx context.Context, e NewEndpoint) (Endpoint, error) {
	return post[Endpoint](ctx, c, endpointPath, e)
}

// Endpoints is where webhooks go.
func (c *Client) Endpoints(ctx context.Context) (Endpoints, error) {
	return get[Endpoints](ctx, c, endpointPath)
}

// Endpoint reads one.
func (c *Client) Endpoint(ctx context.Context, id string) (Endpoint, error) {
	return get[Endpoint](ctx, c, at(endpointPath+"/%s", id))
}

// ChangeEndpoint changes one.
func (c *Client) ChangeEndpoint(ctx context.Context, id string, change EndpointChange) (Endpoint, error) {
	return call[Endpoint](ctx, c, http.MethodPatch, at(endpointPath+"/%s", id), change, "")
}

// RemoveEndpoint forgets one, and what it was still to get.
func (c *Client) RemoveEndpoint(ctx context.Context, id string) (Removed, error) {
	return call[Removed](ctx, c, http.MethodDelete, at(endpointPath+"/%s", id), nil, "")
}

// RotateEndpoint replaces the secret; for a day both sign.
func (c *Client) RotateEndpoint(ctx context.Context, id string) (Endpoint, error) {
	return post[Endpoint](ctx, c, at(endpointPath+"/%s/rotate", id), nil)
}

// TestEndpoint sends it an event of type test.
func (c *Client) TestEndpoint(ctx context.Context, id string) (Delivery, error) {
	return post[Delivery](ctx, c, at(endpointPath+"/%s/test", id), nil)
}
