package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/wire"
)

// caller returns who sent a request, by its bearer token or API key, or else its cookie; never by
// its query. It returns Forbidden if another site made a browser send it.
func (g *Gate) caller(r *http.Request) (claims, error) {
	if given := r.Header.Values("Authorization"); len(given) > 0 {
		scheme, token, _ := strings.Cut(given[0], " ")
		if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return claims{}, errProvesNothing
		}
		if token = strings.TrimSpace(token); isKey(token) {
			return g.keys.verify(r.Context(), token)
		}
		return g.verify(r.Context(), accessType, token)
	}
	c, err := g.fromCookie(r)
	if err != nil {
		return c, err
	}
	return c, g.ownSite(r)
}

// bearer returns the token or key in a request, or "".
func bearer(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token)
}

// verify returns the claims of a token of the given type, unless it is revoked. Only tokens of the
// local key can be revoked here; other issuers revoke their own.
func (g *Gate) verify(ctx context.Context, typ, token string) (claims, error) {
	c, err := g.identity.verify(typ, token)
	if err == nil && c.by == g.identity.local {
		err = g.revoked.check(ctx, c)
	}
	if err != nil {
		return claims{}, err
	}
	return c, nil
}

// fromCookie returns who is signed in with the browser that sent a request. A cookie that was
// signed out, or has not been used for long, is invalid, even if somebody kept a copy.
func (g *Gate) fromCookie(r *http.Request) (claims, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return claims{}, errProvesNothing
	}
	c, err := g.verify(r.Context(), cookieType, cookie.Value)
	if err != nil {
		return c, err
	}
	if err := g.signIns.check(r.Context(), c.id); err != nil {
		return claims{}, err
	}
	c.browser = true
	return c, nil
}

// ownSite rejects a change requested by another site's page. A browser always names the page's
// site; a client that does not is not a browser, and must use a token.
func (g *Gate) ownSite(r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	silent := r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == ""
	if silent || g.origins.Check(r) != nil {
		return curfew.Errorf(curfew.Forbidden, "a cookie counts only for calls from Curfew's own pages: send a token instead")
	}
	return nil
}

// unauthenticated returns the problem for a request without valid credentials: it says how to call,
// or that the token has expired. Only callers on this machine get a command to paste; strangers
// learn nothing about the installation.
func (g *Gate) unauthenticated(r *http.Request, roles []curfew.Role, err error) *problem.Problem {
	again, call := "get a new one", "send a token in the header Authorization: Bearer TOKEN"
	if g.local {
		call = g.howToCall(r, roles)
		again += ", for instance " + call
	}
	if old, ok := errors.AsType[expired](err); ok {
		f := problem.OfKind(curfew.Unauthenticated, old.Error()+": "+again)
		f.Header.Set("WWW-Authenticate", `Bearer realm="curfew", error="invalid_token", error_description="The token expired"`)
		return f
	}
	return problem.OfKind(curfew.Unauthenticated, "say who calls: "+call)
}

// howToCall returns a command that would have been accepted.
func (g *Gate) howToCall(r *http.Request, roles []curfew.Role) string {
	role, method := roles[0], ""
	for _, may := range roles {
		if may == curfew.Admin {
			role = may
		}
	}
	if r.Method != http.MethodGet {
		method = "-X " + r.Method + " "
	}
	return "curl " + method + wire.ShellQuote(g.baseURL+r.URL.EscapedPath()) + " " + wire.Bearer(role)
}

// Local reports whether only this machine can reach a server with this public address.
func Local(baseURL string) bool {
	at, err := url.Parse(baseURL)
	return err == nil && onLoopback(at.Hostname())
}
