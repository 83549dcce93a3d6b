package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/problem"
)

// login signs a browser in with a ticket that counts once.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	who, err := s.redeem(ctx, r)
	if kind := curfew.KindOf(err); err != nil && kind != curfew.Unauthenticated && kind != curfew.Conflict {
		s.problems.Answer(w, r, err)
		return
	}
	if err == nil {
		err = s.signIn(w, r, who)
	}
	if err != nil {
		p := console.Page{Title: "Sign in", LoginHint: s.hint, Version: s.version}
		p.Message = "This link has been used, or is older than two minutes. Run " + s.hint + " again: it prints a new one."
		s.page(w, r, http.StatusOK, console.LoginPage, p)
		return
	}
	http.Redirect(w, r, home(who.Role), http.StatusSeeOther)
}

// redeem says whose ticket it is. Conflict: it was used. A HEAD request, as link
// previews send it, does not use it up.
func (s *Server) redeem(ctx context.Context, r *http.Request) (curfew.Actor, error) {
	c, err := s.identity.verify(ticketType, problem.QueryValue(r, "ticket"))
	switch {
	case err != nil:
		return curfew.Actor{}, err
	case c.id == "" || r.Method != http.MethodGet:
		return curfew.Actor{}, errProvesNothing
	}
	err = s.once.ClaimOnce(ctx, "login:"+c.id, ticketTTL+skew)
	if err != nil && !errors.Is(err, curfew.Conflict) {
		return curfew.Actor{}, err
	}
	return c.actor(), err
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request, who curfew.Actor) error {
	token, err := s.identity.issue(cookieType, who, cookieTTL)
	if err != nil {
		return err
	}
	problem.RequestOf(r.Context()).Actor = who
	http.SetCookie(w, cookie(token, int(cookieTTL.Seconds())))
	return nil
}

// logout forgets who the browser is, and lets its cookie prove nothing any more.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	r = r.WithContext(ctx)
	if err := s.ownSite(r); err != nil {
		s.problems.Answer(w, r, err)
		return
	}
	http.SetCookie(w, cookie("", -1))
	c, err := s.visitor(r)
	if err == nil {
		err = s.once.ClaimOnce(ctx, signedOut(c), time.Until(c.until())+skew)
	}
	if kind := curfew.KindOf(err); err != nil && kind != curfew.Unauthenticated && kind != curfew.Conflict {
		s.problems.Answer(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func cookie(token string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: token, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: true,
	}
}
