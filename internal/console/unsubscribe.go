package console

import (
	"context"
	"net/http"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// Unsubscriptions is what the links in mails do. A token is all that says who
// calls; the kind of the errors for one that is not ours is Invalid.
type Unsubscriptions interface {
	// Check changes nothing.
	Check(token string) error
	Unsubscribe(ctx context.Context, token string) error
}

// askUnsubscribe shows the button. Programs that look at the links in a mail
// come by GET, so it changes nothing.
func (s *Site) askUnsubscribe(w http.ResponseWriter, r *http.Request) {
	token := problem.QueryValue(r, "token")
	if err := s.links.Check(token); err != nil {
		s.badLink(w, r, err)
		return
	}
	s.page(w, r, http.StatusOK, UnsubscribePage, Page{Title: "Messages", Version: s.version, View: token})
}

// unsubscribe is RFC 8058's one click, and the button's.
func (s *Site) unsubscribe(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	if err := s.links.Unsubscribe(ctx, problem.QueryValue(r, "token")); err != nil {
		s.badLink(w, r, err)
		return
	}
	s.page(w, r, http.StatusOK, UnsubscribePage, Page{Title: "Messages", Version: s.version, Message: "Done: you get no more messages of this kind."})
}

func (s *Site) badLink(w http.ResponseWriter, r *http.Request, err error) {
	if curfew.KindOf(err) == curfew.Invalid {
		err = problem.Malformed(err.Error())
	}
	s.problems.Answer(w, r, err)
}
