package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/curfewhq/curfew"
)

// cookieName is the name of a signed-in browser's cookie. Browsers accept such a name only with Secure and for exactly
// this host. To them, plain HTTP on the machine itself is secure.
const cookieName = "__Host-curfew"

// Redeem returns whose login ticket it is, and uses it up. The error's kind is Conflict for a ticket that was used
// before, and Unauthenticated for one that proves nothing.
func (g *Gate) Redeem(ctx context.Context, ticket string) (curfew.Actor, error) {
	c, err := g.identity.verify(ticketType, ticket)
	switch {
	case err != nil:
		return curfew.Actor{}, err
	case c.id == "":
		return curfew.Actor{}, errProvesNothing
	}
	err = g.once.ClaimOnce(ctx, "login:"+c.id, ticketTTL+skew)
	if err != nil && !errors.Is(err, curfew.Conflict) {
		return curfew.Actor{}, err
	}
	return c.actor(), err
}

// SignIn sets the cookie that says who a browser is.
func (g *Gate) SignIn(w http.ResponseWriter, who curfew.Actor) error {
	token, err := g.identity.LoginCookie(who)
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie(token, int(cookieTTL.Seconds())))
	return nil
}

// SignOut removes a browser's cookie, and revokes it for whoever kept it. It refuses requests that another site's page
// sent.
func (g *Gate) SignOut(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if err := g.ownSite(r); err != nil {
		return err
	}
	http.SetCookie(w, cookie("", -1))
	c, err := g.fromCookie(r.WithContext(ctx))
	if err == nil {
		err = g.once.ClaimOnce(ctx, signedOut(c), time.Until(c.until())+skew)
	}
	if errors.Is(err, curfew.Unauthenticated) || errors.Is(err, curfew.Conflict) {
		return nil
	}
	return err
}

// signedOut returns the name whose claim signs a cookie out.
func signedOut(c claims) string { return "logout:" + c.id }

func cookie(token string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: true,
	}
}
