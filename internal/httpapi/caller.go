package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/wire"
)

// caller says who a request is from: its bearer token, else its cookie, never
// its query. Forbidden: a browser was made to send it by another site.
func (s *Server) caller(r *http.Request) (claims, error) {
	if given := r.Header.Values("Authorization"); len(given) > 0 {
		scheme, token, _ := strings.Cut(given[0], " ")
		if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return claims{}, errProvesNothing
		}
		return s.identity.verify(accessType, strings.TrimSpace(token))
	}
	c, err := s.visitor(r)
	if err != nil {
		return c, err
	}
	return c, s.ownSite(r)
}

// visitor says whose browser it is. A cookie that was signed out proves nothing,
// whoever kept it.
func (s *Server) visitor(r *http.Request) (claims, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return claims{}, errProvesNothing
	}
	c, err := s.identity.verify(cookieType, cookie.Value)
	if err != nil {
		return c, err
	}
	left, err := s.once.Claimed(r.Context(), signedOut(c))
	switch {
	case err != nil:
		return claims{}, err
	case left:
		return claims{}, errProvesNothing
	}
	return c, nil
}

// signedOut is the one-time name of a cookie's end.
func signedOut(c claims) string { return "logout:" + c.id }

// ownSite refuses to change anything for another site's page. A browser always
// says whose page it is; what does not say it is none, and has a token.
func (s *Server) ownSite(r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	silent := r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == ""
	if silent || s.origins.Check(r) != nil {
		return curfew.Errorf(curfew.Forbidden, "a cookie counts only for calls from Curfew's own pages: send a token instead")
	}
	return nil
}

// unauthenticated says how to call, and to the holder of a token that was good,
// that it has expired.
func (s *Server) unauthenticated(r *http.Request, rt route, err error) *problem.Problem {
	line := s.howToCall(r, rt.access.roles)
	if old, ok := errors.AsType[expired](err); ok {
		f := problem.OfKind(curfew.Unauthenticated, old.Error()+": get a new one, for instance "+line)
		f.Header.Set("WWW-Authenticate", `Bearer realm="curfew", error="invalid_token", error_description="The token expired"`)
		return f
	}
	return problem.OfKind(curfew.Unauthenticated, "say who calls: "+line)
}

// howToCall is the whole line that would have been let in.
func (s *Server) howToCall(r *http.Request, roles []curfew.Role) string {
	role, method := roles[0], ""
	for _, may := range roles {
		if may == curfew.Admin {
			role = may
		}
	}
	if r.Method != http.MethodGet {
		method = "-X " + r.Method + " "
	}
	return "curl " + method + wire.ShellQuote(s.baseURL+r.URL.EscapedPath()) + " " + wire.Bearer(role)
}

// cookieName is of the cookie of a signed-in browser. Browsers take such a name
// QueryValue with Secure and for exactly this host; plain HTTP on the machine itself
// is secure to them.
const cookieName = "__Host-curfew"
