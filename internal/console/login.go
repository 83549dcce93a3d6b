package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// maxTicketForm is how long the form of a sign-in link may be, in bytes.
const maxTicketForm = 16 << 10

// AskLogin shows whom a sign-in link signs in, and the button that does. It changes nothing, because links are also
// opened by programs that check them, and by people who were sent somebody else's.
func (s *Site) AskLogin(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	ticket := problem.QueryValue(r, "ticket")
	who, err := s.gate.Ticket(ctx, ticket)
	if err != nil {
		s.badTicket(w, r, err)
		return
	}
	s.page(w, r, http.StatusOK, LoginPage, Page{Title: "Sign in", View: signIn{ticket, who}})
}

// signIn is whom a ticket signs in.
type signIn struct {
	Ticket string
	Actor  curfew.Actor
}

// Login signs a browser in with a ticket, which can be used once, and leads to the page that was asked for before.
func (s *Site) Login(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	r.Body = http.MaxBytesReader(w, r.Body, maxTicketForm)
	who, err := s.gate.SignIn(ctx, w, r, r.PostFormValue("ticket"))
	if err != nil {
		s.badTicket(w, r, err)
		return
	}
	problem.RequestOf(ctx).Actor = who
	http.Redirect(w, r, s.wanted(w, r, who.Role), http.StatusSeeOther) //nolint:gosec // wanted returns the address of a page of ours
}

func (s *Site) badTicket(w http.ResponseWriter, r *http.Request, err error) {
	switch curfew.KindOf(err) {
	case curfew.Unauthenticated, curfew.Conflict:
		s.page(w, r, http.StatusOK, LoginPage, Page{
			Title: "Sign in", LoginHint: s.hint, Message: "This link has been used, or is older than two minutes. Run " + s.hint + " again: it prints a new one.",
		})
	default:
		s.problems.Answer(w, r, err)
	}
}

// wantedCookie is the name of the cookie that remembers, for wantedFor, which page a browser asked for before anybody was
// signed in.
const (
	wantedCookie = "__Host-curfew-wanted"
	wantedFor    = 10 * time.Minute
)

// remember lets the browser remember the page that it asked for. It has to sign in first.
func (s *Site) remember(w http.ResponseWriter, r *http.Request) {
	setWanted(w, url.QueryEscape(r.URL.RequestURI()), int(wantedFor.Seconds()))
}

func setWanted(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: wantedCookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: true,
	})
}

// wanted returns the page that a browser asked for before, if it is a page of this site and for this role, and
// otherwise the role's own page.
func (s *Site) wanted(w http.ResponseWriter, r *http.Request, role curfew.Role) string {
	c, err := r.Cookie(wantedCookie)
	if err != nil {
		return home(role)
	}
	setWanted(w, "", -1)
	text, err := url.QueryUnescape(c.Value)
	if err != nil {
		return home(role)
	}
	at, err := url.Parse(text)
	if err != nil {
		return home(role)
	}
	for _, v := range s.views() {
		if v.path == at.Path && slices.Contains(v.roles, role) {
			return (&url.URL{Path: v.path, RawQuery: at.RawQuery}).String()
		}
	}
	return home(role)
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
