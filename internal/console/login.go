package console

import (
	"context"
	"errors"
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// Login signs a browser in with a ticket, which can be used once.
func (s *Site) Login(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	err := s.signIn(ctx, w, r)
	switch {
	case err == nil:
		http.Redirect(w, r, home(problem.RequestOf(ctx).Actor.Role), http.StatusSeeOther)
	case errors.Is(err, curfew.Unauthenticated), errors.Is(err, curfew.Conflict):
		p := Page{Title: "Sign in", LoginHint: s.hint, Version: s.version}
		p.Message = "This link has been used, or is older than two minutes. Run " + s.hint + " again: it prints a new one."
		s.page(w, r, http.StatusOK, LoginPage, p)
	default:
		s.problems.Answer(w, r, err)
	}
}

// signIn redeems the ticket. Link previews send HEAD, which does not use it up.
func (s *Site) signIn(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return curfew.Unauthenticated
	}
	who, err := s.gate.Redeem(ctx, problem.QueryValue(r, "ticket"))
	if err != nil {
		return err
	}
	problem.RequestOf(ctx).Actor = who
	return s.gate.SignIn(w, who)
}

// Logout signs the browser out.
func (s *Site) Logout(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	if err := s.gate.SignOut(ctx, w, r); err != nil {
		s.problems.Answer(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
