package console

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// Trouble is an error as a page shows it.
type Trouble struct {
	Problem          *problem.Problem
	Sentence, Advice string // what is wrong, and what to do
}

// ProblemPage answers a browser with an error. It reads nothing, so that it can be shown whatever the error is. It reports
// false, and has written nothing, if it cannot.
func ProblemPage(w http.ResponseWriter, r *http.Request, f *problem.Problem) bool {
	var text bytes.Buffer
	err := Pages().ExecuteTemplate(&text, ProblemsPage, Page{Title: f.Title, Path: r.URL.Path, View: Trouble{f, strings.TrimSuffix(capital(f.Detail), ".") + ".", advice(f.Status)}})
	if err != nil {
		return false
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(f.Status)
	if _, err = w.Write([]byte(curfew.Visible(text.String()))); err != nil {
		slog.DebugContext(r.Context(), "an error page was not read", "error", err)
	}
	return true
}

// advice says what somebody can do about an answer of a status.
func advice(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "Check the address. What it named may be gone, or never have been here."
	case status == http.StatusMethodNotAllowed:
		return "A form or a program calls this address; there is no page to look at."
	case status == http.StatusForbidden:
		return "Go back, and do it again from Curfew's own page."
	case status == http.StatusTooManyRequests:
		return "Wait a few seconds, then reload this page."
	case status >= http.StatusInternalServerError:
		return "Reload this page in a moment. If that does not help, tell an operator."
	}
	return "Go back, and correct what was entered."
}

// Unreadable says why a page has nothing to show.
type Unreadable struct {
	Sentence, Advice string
	Again            bool // the page tries again by itself
}

func unreadableOf(status int) Unreadable {
	switch {
	case status >= http.StatusInternalServerError:
		return Unreadable{"Curfew cannot tell how things are.", "Nothing was changed.", true}
	case status == http.StatusTooManyRequests:
		return Unreadable{"Too many requests came from here.", "Nothing was lost.", true}
	}
	return Unreadable{"This address cannot be shown.", "Correct it, or begin anew:", false}
}
