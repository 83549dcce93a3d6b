package console

import (
	"cmp"
	"context"
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/problem"
)

// Unsubscriptions does what the links in mails promise. Only the token says who calls. The error's kind is Invalid for a
// token that Curfew did not issue.
type Unsubscriptions interface {
	// Check checks a token and changes nothing.
	Check(token string) error
	Unsubscribe(ctx context.Context, token string) error
}

// Unsubscribes reports whether links in mails lead to this site.
func (s *Site) Unsubscribes() bool { return s.links != nil }

// AskUnsubscribe shows the button. It changes nothing, because programs that check the links in a mail send GET.
func (s *Site) AskUnsubscribe(w http.ResponseWriter, r *http.Request) {
	token := problem.QueryValue(r, "token")
	if err := s.links.Check(token); err != nil {
		s.badLink(w, r, err)
		return
	}
	s.page(w, r, http.StatusOK, UnsubscribePage, Page{Title: "Messages", View: token})
}

// Unsubscribe unsubscribes, for the button and for the one click of RFC 8058.
func (s *Site) Unsubscribe(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	if err := s.links.Unsubscribe(ctx, problem.QueryValue(r, "token")); err != nil {
		s.badLink(w, r, err)
		return
	}
	s.page(w, r, http.StatusOK, UnsubscribePage, Page{Title: "Messages", Message: "Done: you will get no more messages of this kind."})
}

func (s *Site) badLink(w http.ResponseWriter, r *http.Request, err error) {
	if curfew.KindOf(err) == curfew.Invalid {
		err = cmp.Or(s.gate.Count(r, curfew.Actor{}, limit.Failures, nil), error(problem.Malformed(err.Error())))
	}
	s.problems.Answer(w, r, err)
}
