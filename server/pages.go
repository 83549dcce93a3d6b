package server

import (
	"bytes"
	"io/fs"
	"net/http"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/web"
)

// pages serves what browsers see, and the way in and out.
func (s *Server) pages(mux *http.ServeMux) {
	mux.Handle("GET /{$}", http.RedirectHandler("/"+web.CleanupPage, http.StatusSeeOther))
	mux.HandleFunc("GET /"+web.CleanupPage, func(w http.ResponseWriter, r *http.Request) {
		s.page(w, r, web.CleanupPage, s.shell(r))
	})
	mux.HandleFunc("GET /"+web.ClearPage, func(w http.ResponseWriter, r *http.Request) {
		p := s.shell(r)
		p.Customer = r.URL.Query().Get("customer")
		s.page(w, r, web.ClearPage, p)
	})
	mux.HandleFunc("GET /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	mux.Handle("GET /static/", s.static())
}

// shell is what a page says before its script has asked anything.
func (s *Server) shell(r *http.Request) web.Page {
	p := web.Page{LoginHint: s.hint, Version: s.version}
	by, err := s.visitor(r)
	if err != nil {
		return p
	}
	who := by.actor()
	visitOf(r.Context()).actor = who
	p.SignedIn, p.Role, p.Subject = true, string(who.Role), who.ID
	return p
}

func (s *Server) page(w http.ResponseWriter, r *http.Request, name string, p web.Page) {
	var text bytes.Buffer
	if err := web.Pages().ExecuteTemplate(&text, name, p); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := text.WriteTo(w); err != nil {
		s.log.DebugContext(r.Context(), "a page was not read", "request", visitOf(r.Context()).id, "error", err)
	}
}

// static serves the pages' files; folders are not listed.
func (s *Server) static() http.Handler {
	files := http.StripPrefix("/static/", http.FileServerFS(web.Static()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info, err := fs.Stat(web.Static(), strings.TrimPrefix(r.URL.Path, "/static/"))
		if err != nil || info.IsDir() {
			s.refuse(w, r, curfew.Errorf(curfew.NotFound, "there is no such file"))
			return
		}
		files.ServeHTTP(w, r)
	})
}
