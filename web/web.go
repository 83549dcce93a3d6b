// Package web holds Curfew's pages: templates, style sheets and scripts,
// embedded. The pages show what the HTTP API answers and ask it for what they
// do; they decide nothing.
//
// The package knows no session, no rule and no HTTP. Who is signed in, and the
// headers that the pages rely on (no inline script or style runs), are the
// server's.
package web

import (
	"embed"
	"html/template"
	"io/fs"
	"sync"
)

// The names of the pages in Pages.
const (
	CleanupPage = "cleanup-sessions-admin.html"
	ClearPage   = "clear-my-sessions.html"
	LoginPage   = "login.html"
	// UnsubscribePage asks with Token, and answers with Message without one.
	UnsubscribePage = "unsubscribe.html"
)

//go:embed static
var static embed.FS

//go:embed templates
var templates embed.FS

// Page is what a page is executed with. A struct of the caller's own with
// fields of these names does as well.
type Page struct {
	SignedIn bool
	Role     string // of who is signed in
	Subject  string // the id of who is signed in
	// LoginHint is the whole line that prints a sign-in link; empty: curfew login.
	LoginHint string
	Version   string
	Message   string // shown above everything else; empty: nothing
	Customer  string // whose sessions ClearPage is about; empty: the subject's
	Token     string // of the link that UnsubscribePage was reached by
}

// Static is what the server offers below /static/: css, js, img and vendor.
func Static() fs.FS {
	root, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return root
}

// Pages is the parsed templates. It is shared: execute it, do not add to it.
func Pages() *template.Template { return parsed() }

var parsed = sync.OnceValue(func() *template.Template {
	return template.Must(template.ParseFS(templates, "templates/*.html"))
})
