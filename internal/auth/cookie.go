package auth

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/problem"
)

// cookieName is the name of a signed-in browser's cookie. Browsers accept a name with this prefix
// only with Secure and for exactly this host. They treat plain HTTP on the same machine as secure.
const cookieName = "__Host-curfew"

// Ticket returns whose login ticket it is, without using it up. It returns Conflict for a ticket
// that was used before, Unauthenticated for an invalid one, and RateLimited after too many of
// those.
func (g *Gate) Ticket(ctx context.Context, ticket string) (curfew.Actor, error) {
	c, err := g.ticket(ctx, ticket)
	if err != nil {
		return curfew.Actor{}, cmp.Or(g.spend(ctx, curfew.Actor{}, limit.Logins), err)
	}
	used, err := g.once.Claimed(ctx, redeemed(c))
	if err == nil && used {
		err = curfew.Errorf(curfew.Conflict, "the ticket was used before")
	}
	return c.actor(), err
}

// SignIn uses up a login ticket and sets the cookie that identifies the browser from now on. It
// returns the errors of Ticket, RateLimited also after too many valid ones, and Forbidden if
// another site's page sent the request, so that nobody can be signed in as somebody else without
// noticing.
func (g *Gate) SignIn(ctx context.Context, w http.ResponseWriter, r *http.Request, ticket string) (curfew.Actor, error) {
	if err := g.ownSite(r); err != nil {
		return curfew.Actor{}, err
	}
	c, err := g.ticket(ctx, ticket)
	if limited := g.spend(ctx, c.actor(), limit.Logins); limited != nil {
		return curfew.Actor{}, limited
	}
	if err != nil {
		return curfew.Actor{}, err
	}
	if err := g.once.ClaimOnce(ctx, redeemed(c), ticketTTL+skew); err != nil {
		return curfew.Actor{}, err
	}
	token, id, err := g.identity.cookie(c.actor(), g.signIns.max)
	if err == nil {
		err = g.signIns.begin(ctx, id, c.actor(), r.UserAgent())
	}
	if err != nil {
		return curfew.Actor{}, err
	}
	http.SetCookie(w, cookie(token, int(g.signIns.max.Seconds())))
	return c.actor(), nil
}

func (g *Gate) ticket(ctx context.Context, text string) (claims, error) {
	c, err := g.verify(ctx, ticketType, text)
	if err != nil || c.id == "" {
		return claims{}, cmp.Or(err, errProvesNothing)
	}
	return c, nil
}

// redeemed returns the one-time name that using a ticket claims.
func redeemed(c claims) string { return "login:" + c.id }

// SignOut removes a browser's cookie, and revokes it in case it was copied. It rejects requests
// sent by another site's page.
func (g *Gate) SignOut(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if err := g.ownSite(r); err != nil {
		return err
	}
	http.SetCookie(w, cookie("", -1))
	c, err := g.fromCookie(r.WithContext(ctx))
	if err == nil {
		problem.RequestOf(ctx).Actor = c.actor()
		err = g.signIns.End(ctx, c.id)
	}
	if errors.Is(err, curfew.Unauthenticated) || errors.Is(err, curfew.NotFound) {
		return nil
	}
	return err
}

func cookie(token string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: true,
	}
}
