package api

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// DeliverySearch selects deliveries. The zero value selects the first page of all.
type DeliverySearch struct {
	State    string
	Endpoint string
	After    string // the NextCursor of the page before
	Limit    int    // 0: 50
}

// Delivery is a message about an event to one receiver.
type Delivery struct {
	ID          string     `json:"id" doc:"The webhook-id of every attempt"`
	Channel     string     `json:"channel"`
	Destination string     `json:"destination" doc:"The endpoint's id; for mail, the masked address"`
	Type        string     `json:"type" doc:"The event's type"`
	EventID     string     `json:"eventId,omitempty" doc:"Absent for a test"`
	CustomerID  string     `json:"customerId,omitempty"`
	SubjectID   string     `json:"subjectId,omitempty" doc:"The session or checkout"`
	Number      int64      `json:"number,omitempty" doc:"The event's number"`
	State       string     `json:"state" enum:"pending,delivered,dead"`
	Attempts    int64      `json:"attempts"`
	NextAt      *time.Time `json:"nextAt,omitempty" doc:"Pending: when it is tried next, or when the present attempt gives up"`
	Status      int        `json:"status,omitempty" doc:"The receiver's last status"`
	Error       string     `json:"error,omitempty" doc:"The last error"`
	CreatedAt   time.Time  `json:"createdAt"`
	UpdatedAt   time.Time  `json:"updatedAt"`
}

// Deliveries is a page of deliveries, oldest first.
type Deliveries struct {
	Deliveries []Delivery `json:"deliveries" nullable:"false"`
	NextCursor *string    `json:"nextCursor" doc:"The after parameter of the next page; null on the last page"`
}

// DeadOf names an endpoint whose dead deliveries should be sent again.
type DeadOf struct {
	Endpoint string `json:"endpoint" minLength:"1" maxLength:"128"`
}

// Replayed counts the deliveries that are sent again.
type Replayed struct {
	Replayed int `json:"replayed"`
}

// Deliveries lists deliveries.
func (c *Client) Deliveries(ctx context.Context, s DeliverySearch) (Deliveries, error) {
	q := url.Values{}
	for key, value := range map[string]string{"state": s.State, "endpoint": s.Endpoint, "after": s.After} {
		if value != "" {
			q.Set(key, value)
		}
	}
	if s.Limit != 0 {
		q.Set("limit", strconv.Itoa(s.Limit))
	}
	return get[Deliveries](ctx, c, "/api/deliveries"+encoded(q))
}

// Delivery returns a delivery.
func (c *Client) Delivery(ctx context.Context, id string) (Delivery, error) {
	return get[Delivery](ctx, c, at("/api/deliveries/%s", id))
}

// Replay sends a delivered or dead delivery again.
func (c *Client) Replay(ctx context.Context, id string) (Delivery, error) {
	return post[Delivery](ctx, c, at("/api/deliveries/%s/replay", id), nil)
}

// ReplayDead sends all dead deliveries of an endpoint again.
func (c *Client) ReplayDead(ctx context.Context, endpointID string) (Replayed, error) {
	return post[Replayed](ctx, c, "/api/deliveries/replay", DeadOf{endpointID})
}
