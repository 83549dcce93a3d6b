package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/web"
)

// script is what must stay text wherever it is shown.
const script = `"><script>alert(1)</script>`

var (
	admin     = web.Page{SignedIn: true, Role: "admin", Subject: "mara", Version: "1.2.3"}
	customer  = web.Page{SignedIn: true, Role: "customer", Subject: "ada"}
	mechanic  = web.Page{SignedIn: true, Role: "mechanic", Subject: "max"}
	supporter = web.Page{SignedIn: true, Role: "admin", Subject: "mara", Customer: "ada"}
	stranger  = web.Page{LoginHint: "curfew login --database-url sqlite:shop.db"}
)

// views is every page as everybody sees it.
var views = map[string]struct {
	name string
	page web.Page
	says string // what a reader finds
	runs bool   // a script of ours
}{
	"cleanup, nobody signed in":   {web.CleanupPage, stranger, "curfew login --database-url sqlite:shop.db", false},
	"cleanup, a customer":         {web.CleanupPage, customer, `href="/clear-my-sessions.html"`, false},
	"cleanup, a mechanic":         {web.CleanupPage, mechanic, "This page is for admins", false},
	"cleanup, an admin":           {web.CleanupPage, admin, "Check Stats", true},
	"clear, nobody signed in":     {web.ClearPage, stranger, "You are not signed in", false},
	"clear, a customer":           {web.ClearPage, customer, `data-customer="ada"`, true},
	"clear, a mechanic":           {web.ClearPage, mechanic, "This page is for customers", false},
	"clear, an admin":             {web.ClearPage, admin, "Whose sessions?", false},
	"clear, an admin, a customer": {web.ClearPage, supporter, `data-customer="ada"`, true},
	"login, a used ticket":        {web.LoginPage, web.Page{}, "curfew login", false},
	"unsubscribe, a link":         {web.UnsubscribePage, web.Page{View: "accepted.x.y"}, "token=accepted.x.y", false},
	"unsubscribe, done":           {web.UnsubscribePage, web.Page{Message: "Done."}, "Done.", false},
	"login, a message":            {web.LoginPage, web.Page{Message: "too old"}, "too old", false},
	"a customer names another":    {web.ClearPage, web.Page{SignedIn: true, Role: "customer", Subject: "ada", Customer: "bob"}, `data-customer="ada"`, true},
	"everything is a script": {
		web.ClearPage,
		web.Page{SignedIn: true, Role: "admin", Subject: script, LoginHint: script, Version: script, Message: script, Customer: script},
		"&lt;script&gt;", true,
	},
}

func TestEveryPageForEverybody(t *testing.T) {
	t.Parallel()
	for sentence, view := range views {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			page := rendered(t, view.name, view.page)
			if !strings.Contains(page, view.says) {
				t.Errorf("does not say %q:\n%s", view.says, page)
			}
			if runs := strings.Contains(page, "<script"); runs != view.runs {
				t.Errorf("runs a script: %t, want %t", runs, view.runs)
			}
			for _, bad := range inline.FindAllString(module.ReplaceAllString(page, ""), -1) {
				t.Errorf("the policy of the pages forbids %q", bad)
			}
			for _, file := range static.FindAllStringSubmatch(page, -1) {
				if _, err := fs.Stat(web.Static(), file[1]); err != nil {
					t.Error(err)
				}
			}
			checkIDs(t, page)
		})
	}
}

var (
	module = regexp.MustCompile(`<script type="module" src="/static/js/[a-z-]+\.js"></script>`)
	// inline is a script or style within a page, an event attribute, and a frame.
	inline = regexp.MustCompile(`<script|<style|<iframe| style=| on[a-z]+=|javascript:`)
	static = regexp.MustCompile(`"/static/([^"]+)"`)
	ids    = regexp.MustCompile(` id="([^"]+)"`)
	refs   = regexp.MustCompile(` (?:aria-labelledby|aria-describedby|for)="([^"]+)"`)
)

// checkIDs: every id is there once, and what refers to one finds it.
func checkIDs(t *testing.T, page string) {
	t.Helper()
	seen := map[string]bool{}
	for _, id := range ids.FindAllStringSubmatch(page, -1) {
		if seen[id[1]] {
			t.Errorf("two elements have the id %q", id[1])
		}
		seen[id[1]] = true
	}
	for _, ref := range refs.FindAllStringSubmatch(page, -1) {
		if !seen[ref[1]] {
			t.Errorf("nothing has the id %q", ref[1])
		}
	}
}

func TestScriptsParseNoStringAsCode(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|setHTML|createContextualFragment`)
	for name, text := range files(t, ".js") {
		if found := forbidden.FindString(text); found != "" {
			t.Errorf("%s uses %s", name, found)
		}
	}
}

func TestScriptsImportWhatIsThere(t *testing.T) {
	t.Parallel()
	from := regexp.MustCompile(`from "\./([^"]+)"`)
	for name, text := range files(t, ".js") {
		for _, module := range from.FindAllStringSubmatch(text, -1) {
			if _, err := fs.Stat(web.Static(), path.Join(path.Dir(name), module[1])); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestNothingIsLoadedFromElsewhere(t *testing.T) {
	t.Parallel()
	for _, ext := range []string{".js", ".css", ".svg"} {
		for name, text := range files(t, ext) {
			text = strings.ReplaceAll(text, `xmlns="http://www.w3.org/2000/svg"`, "")
			if strings.HasPrefix(name, "vendor/") {
				continue
			}
			if strings.Contains(text, "://") || strings.Contains(text, `url("data:`) {
				t.Errorf("%s names another host, or an image that the policy forbids", name)
			}
		}
	}
}

func TestPicoIsAsItWasPublished(t *testing.T) {
	t.Parallel()
	text, err := fs.ReadFile(web.Static(), "vendor/pico-2.1.1.min.css")
	if err != nil {
		t.Fatal(err)
	}
	const published = "fbc9a63fc9fc9f72d12fd7fc9806e11fa9f77ae4f9cad146b27003a1119ba3db"
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != published {
		t.Errorf("its SHA-256 is %x, want %s: our own rules belong into css/", sum, published)
	}
}

func rendered(t *testing.T, name string, page web.Page) string {
	t.Helper()
	var text strings.Builder
	if err := web.Pages().ExecuteTemplate(&text, name, page); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// files returns the texts of the static files with an extension.
func files(t *testing.T, ext string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := fs.WalkDir(web.Static(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ext {
			return err
		}
		text, err := fs.ReadFile(web.Static(), name)
		texts[name] = string(text)
		return err
	})
	if err != nil || len(texts) == 0 {
		t.Fatal("no files with the extension", ext, err)
	}
	return texts
}
