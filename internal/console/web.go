// Package console serves Curfew's pages: what each shows, in words; the templates, style sheets and scripts, embedded;
// and the way in and out: login, logout, and the links in mails. A page is written by the server, whole and readable
// without a script. Scripts ask before something is done, do it through the HTTP API, and keep the page up to date by
// reading it again; they decide nothing.
//
// A page changes nothing itself, and what may happen is lifecycle's to say. The headers that pages rely on (no inline
// script or style runs) are the server's.
package console

import (
	"embed"
	"html/template"
	"io/fs"
	"sync"
)

// The names of the pages in Pages. Those with a .html are addresses too.
const (
	OverviewPage   = "overview"
	CleanupPage    = "cleanup-sessions-admin.html"
	JobPage        = "job"
	SessionsPage   = "sessions"
	SessionPage    = "session"
	WorkerPage     = "worker"
	CustomerPage   = "customer"
	PaymentsPage   = "payments"
	DeliveriesPage = "deliveries"
	EndpointPage   = "endpoint"
	KeysPage       = "keys"
	ApprovalsPage  = "approvals"
	AuditPage      = "audit"
	AdoptedPage    = "adopted"
	SettingsPage   = "settings"
	ClearPage      = "clear-my-sessions.html"
	MechanicPage   = "mechanic.html"
	SignInPage     = "sign-in"    // nobody is signed in, or not for this
	UnreadablePage = "unreadable" // what the page shows could not be read
	ProblemsPage   = "problem"    // an error that a browser was led into
	LoginPage      = "login"      // of a sign-in link: the button, or why it signs nobody in
	WhosePage      = "whose"      // an admin says which customer
	// UnsubscribePage asks with a token as its View, and answers with Message without one.
	UnsubscribePage = "unsubscribe"
)

//go:embed static
var static embed.FS

//go:embed templates
var templates embed.FS

// Static returns the files served below /static/: css, js, img and vendor.
func Static() fs.FS {
	root, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return root
}

// Pages returns the parsed templates. They are shared: execute them, do not add to them.
func Pages() *template.Template { return parsed() }

var parsed = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"asset": Asset, "parts": parts}).ParseFS(templates, "templates/*.tmpl"))
})
