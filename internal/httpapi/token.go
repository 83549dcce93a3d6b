package httpapi

import (
	"cmp"
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/wire"
)

type revokeTokensInput struct {
	Body wire.TokenRevocation
}

// tokenHandlers handle tokens of the local key.
type tokenHandlers struct {
	store   auth.RevocationStore
	revoked *auth.Revocations
}

// revoke revokes tokens, effective in this process at once; other processes read it within seconds.
func (h tokenHandlers) revoke(ctx context.Context, c auth.Request, in *revokeTokensInput) (*response[wire.TokenRevocation], error) {
	b := in.Body
	if curfew.Role(b.Role) == curfew.Customer {
		problem.RequestOf(ctx).Describe(b.Subject, "", "")
	} else {
		problem.RequestOf(ctx).Describe("", cmp.Or(b.TokenID, b.Subject), b.Role)
	}
	err := auth.RevokeTokens(ctx, h.store, c.Actor, auth.TokenRevocation{TokenID: b.TokenID, Subject: curfew.Actor{Role: curfew.Role(b.Role), ID: b.Subject}})
	if err == nil {
		err = h.revoked.Read(ctx)
	}
	return okay(b, err)
}
