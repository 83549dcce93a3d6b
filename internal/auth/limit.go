package auth

import (
	"context"
	"errors"
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/problem"
)

// Count counts a request of a class by its sender, or else by its address. The argument why is the
// error of a request whose sender is not proven, or nil. It returns RateLimited if there were too
// many.
//
// A valid token is never refused because of invalid ones from the same address: behind a proxy that
// is not configured, everybody has the same address.
func (g *Gate) Count(r *http.Request, who curfew.Actor, c limit.Class, why error) error {
	_, old := errors.AsType[expired](why)
	switch {
	case errors.Is(why, curfew.Unauthenticated) && !old && hasToken(r):
		c = limit.Failures
	case c != limit.Unlimited && (who.Role == curfew.Admin || who.Role == curfew.Service):
		c = limit.Services
	}
	return g.spend(r.Context(), who, c)
}

func (g *Gate) spend(ctx context.Context, who curfew.Actor, c limit.Class) error {
	return g.limits.Spend(ctx, c, limit.Of(who, problem.RequestOf(ctx).From))
}

// hasToken reports whether a request has credentials.
func hasToken(r *http.Request) bool {
	_, err := r.Cookie(cookieName)
	return err == nil || len(r.Header.Values("Authorization")) > 0 || r.URL.Query().Has(TicketParam)
}
