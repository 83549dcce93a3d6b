package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/problem"
)

// view is one page: where, for whom, and what it shows.
type view struct {
	path, template, title string
	roles                 []curfew.Role
	purpose               string // what is said to whom it is not shown
	read                  func(context.Context, *http.Request, curfew.Actor) (any, error)
}

// views is every page that needs somebody who is signed in.
func (s *Server) views() []view {
	const c, m, a = curfew.Customer, curfew.Mechanic, curfew.Admin
	admins := []curfew.Role{a}
	return []view{
		{"/" + console.CleanupPage, console.CleanupPage, "Cleanup", admins, "The session cleanup is for admins.", s.cleanupView},
		{"/console/customer", console.CustomerPage, "Customer", admins, "The console is for admins.", s.customerView},
		{"/console/payments", console.PaymentsPage, "Payments", admins, "The console is for admins.", s.paymentsView},
		{"/console/deliveries", console.DeliveriesPage, "Deliveries", admins, "The console is for admins.", s.deliveriesView},
		{"/console/settings", console.SettingsPage, "Settings", admins, "The console is for admins.", s.settingsView},
		{"/" + console.ClearPage, console.ClearPage, "Open sessions", []curfew.Role{c, a}, "This page shows customers what of theirs is open, and clears it.", s.mineView},
		{"/" + console.MechanicPage, console.MechanicPage, "Queue", []curfew.Role{m, a}, "The queue is for mechanics.", s.mechanicView},
	}
}

// overview is the page at /, which leads everybody else to their own.
func (s *Server) overview() view {
	return view{"/{$}", console.OverviewPage, "Overview", []curfew.Role{curfew.Admin}, "The console is for admins.", s.overviewView}
}

// pages serves what browsers see, and the way in and out.
func (s *Server) pages(mux *http.ServeMux) {
	for _, v := range s.views() {
		mux.HandleFunc("GET "+v.path, func(w http.ResponseWriter, r *http.Request) { s.show(w, r, v) })
	}
	overview := s.overview()
	mux.HandleFunc("GET "+overview.path, func(w http.ResponseWriter, r *http.Request) {
		if who, err := s.gate.Browser(r); err == nil && home(who.Role) != "/" {
			http.Redirect(w, r, home(who.Role), http.StatusSeeOther)
			return
		}
		s.show(w, r, overview)
	})
	mux.HandleFunc("GET /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	mux.Handle("GET /static/", s.static())
}

// home is the page of a role.
func home(role curfew.Role) string {
	switch role {
	case curfew.Customer:
		return "/" + console.ClearPage
	case curfew.Mechanic:
		return "/" + console.MechanicPage
	}
	return "/"
}

// errWhose: an admin has to say which customer the page is about.
var errWhose = errors.New("no customer is named")

// show answers with a page: to whom it is for, with what it shows.
func (s *Server) show(w http.ResponseWriter, r *http.Request, v view) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	p, err := s.shell(r.WithContext(ctx), v)
	if err != nil {
		s.unreadable(w, r, p, err)
		return
	}
	if !p.SignedIn || !slices.Contains(v.roles, curfew.Role(p.Role)) {
		p.Message = v.purpose
		s.page(w, r, http.StatusOK, console.SignInPage, p)
		return
	}
	shown, err := v.read(ctx, r, problem.RequestOf(ctx).Actor)
	if errors.Is(err, errWhose) {
		s.page(w, r, http.StatusOK, console.WhosePage, p)
		return
	}
	if err != nil {
		s.unreadable(w, r, p, err)
		return
	}
	p.View = shown
	s.page(w, r, http.StatusOK, v.template, p)
}

// unreadable says why there is nothing to show.
func (s *Server) unreadable(w http.ResponseWriter, r *http.Request, p console.Page, err error) {
	f := s.problems.From(r.Context(), err)
	p.Message = f.Detail
	s.page(w, r, f.Status, console.UnreadablePage, p)
}

// shell is what a page says of its reader. An error: it could not be told who
// that is.
func (s *Server) shell(r *http.Request, v view) (console.Page, error) {
	p := console.Page{
		Title: v.title, Path: strings.TrimSuffix(v.path, "{$}"), Query: r.URL.Query().Get("q"),
		LoginHint: s.hint, Version: s.version, Now: time.Now().UTC(),
	}
	who, err := s.gate.Browser(r)
	switch {
	case curfew.KindOf(err) == curfew.Unauthenticated && err != nil:
		return p, nil
	case err != nil:
		return p, err
	}
	problem.RequestOf(r.Context()).Actor = who
	p.SignedIn, p.Role, p.Subject = true, string(who.Role), who.ID
	return p, nil
}

func (s *Server) page(w http.ResponseWriter, r *http.Request, status int, name string, p console.Page) {
	var text bytes.Buffer
	if err := console.Pages().ExecuteTemplate(&text, name, p); err != nil {
		s.problems.Answer(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	// Our own texts hold nothing invisible; what others wrote is shown as it is.
	if _, err := io.WriteString(w, curfew.Visible(text.String())); err != nil {
		s.log.DebugContext(r.Context(), "a page was not read", "request", problem.RequestOf(r.Context()).ID, "error", err)
	}
}

// static serves the pages' files; folders are not listed.
func (s *Server) static() http.Handler {
	files := http.StripPrefix("/static/", http.FileServerFS(console.Static()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, err := fs.Stat(console.Static(), strings.TrimPrefix(r.URL.Path, "/static/"))
		if err != nil || info.IsDir() {
			s.problems.Answer(w, r, curfew.Errorf(curfew.NotFound, "there is no such file"))
			return
		}
		files.ServeHTTP(w, r)
	})
}
