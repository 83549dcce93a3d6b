package api

import (
	"context"
	"time"
)

// Mechanic is the present state of a mechanic. Curfew keeps no list of mechanics, so an
// unknown id is a mechanic who is not busy.
type Mechanic struct {
	ID              string     `json:"id"`
	Busy            bool       `json:"busy"`
	Session         *Session   `json:"session" doc:"The session that keeps them busy; null if there is none, or if the caller's key may not see it"`
	Since           *time.Time `json:"since" doc:"When they accepted it"`
	Forgotten       int        `json:"forgotten" doc:"How many accepted sessions they did not join"`
	ForgottenLately int        `json:"forgottenLately" doc:"How many of those in the last 30 days"`
	LastForgottenAt *time.Time `json:"lastForgottenAt" doc:"Null: never"`
}

// Transfer names the colleague who takes a request over.
type Transfer struct {
	MechanicID string `json:"mechanicId" minLength:"1" maxLength:"128" doc:"The colleague's id"`
}

// Mechanic returns the present state of a mechanic.
func (c *Client) Mechanic(ctx context.Context, id string) (Mechanic, error) {
	return get[Mechanic](ctx, c, at("/api/mechanics/%s", id))
}

// Transfer gives a request that the caller has accepted to a colleague.
func (c *Client) Transfer(ctx context.Context, requestID string, to Transfer) (Offered, error) {
	return post[Offered](ctx, c, at("/api/mechanics/requests/%s/transfer", requestID), to)
}
