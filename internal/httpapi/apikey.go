package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// keyGrace is how long the old secret stays valid after a rotation, unless the caller says otherwise.
const keyGrace = 24 * time.Hour

type newKeyInput struct {
	Body wire.NewAPIKey
}

// keyHandlers handle API keys.
type keyHandlers struct {
	keys auth.Keys
}

func (h keyHandlers) create(ctx context.Context, c auth.Request, in *newKeyInput) (*response[wire.APIKey], error) {
	b := in.Body
	n := auth.NewKey{Name: b.Name, Forever: b.NeverExpires, Scope: record.KeyScope{Routes: b.Routes, MaxAmount: b.MaxAmount}}
	set(&n.ExpiresAt, b.ExpiresAt)
	set(&n.Scope.CustomerPrefix, b.CustomerPrefix)
	set(&n.Scope.Currency, b.Currency)
	k, text, err := h.keys.Create(ctx, c.Actor, n)
	problem.RequestOf(ctx).Describe("", k.ID, k.Name)
	return &response[wire.APIKey]{http.StatusCreated, wire.Key(k, text, time.Now())}, err
}

func (h keyHandlers) list(ctx context.Context, _ auth.Request, _ *struct{}) (*response[wire.APIKeys], error) {
	all, err := h.keys.List(ctx)
	return okay(wire.Keys(all, time.Now()), err)
}

type rotateKeyInput struct {
	ID   string `path:"id"`
	Body wire.KeyRotation
}

func (h keyHandlers) rotate(ctx context.Context, c auth.Request, in *rotateKeyInput) (*response[wire.APIKey], error) {
	grace := keyGrace
	if seconds := in.Body.GraceSeconds; seconds != nil {
		grace = time.Duration(*seconds) * time.Second
	}
	k, text, err := h.keys.Rotate(ctx, c.ID, grace)
	problem.RequestOf(ctx).Describe("", "", k.Name)
	return okay(wire.Key(k, text, time.Now()), err)
}

func (h keyHandlers) revoke(ctx context.Context, c auth.Request, _ *idInput) (*response[wire.APIKey], error) {
	k, err := h.keys.Revoke(ctx, c.Actor, c.ID)
	problem.RequestOf(ctx).Describe("", "", k.Name)
	return okay(wire.Key(k, "", time.Now()), err)
}
