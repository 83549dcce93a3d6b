package console_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/console"
)

// script is what must stay text wherever it is shown.
const script = `"><script>alert(1)</script>`

var (
	admin    = console.Page{SignedIn: true, Role: "admin", Subject: "mara", Version: "1.2.3", Title: "Console", Path: "/", Now: noon}
	customer = console.Page{SignedIn: true, Role: "customer", Subject: "ada", Title: "Mine", Now: noon}
	mechanic = console.Page{SignedIn: true, Role: "mechanic", Subject: "max", Title: "Queue", Now: noon}
	stranger = console.Page{LoginHint: "curfew login --database-url sqlite:shop.db", Title: "Sign in", Now: noon}
	hostile  = console.Page{SignedIn: true, Role: "admin", Subject: script, LoginHint: script, Version: script, Message: script, Title: script, Query: script, Now: noon}
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// of is a page with what it shows.
func of(p console.Page, view any) console.Page {
	p.View = view
	return p
}

// views is every page as everybody sees it.
var views = map[string]struct {
	name string
	page console.Page
	says string // what a reader finds
	runs bool   // scripts of ours
}{
	"nobody signed in":             {console.SignInPage, stranger, "curfew login --database-url sqlite:shop.db", false},
	"signed in, but not for this":  {console.SignInPage, customer, "This page is not for you", true},
	"what cannot be read":          {console.UnreadablePage, filled[console.Unreadable](hostile), "This page tries again automatically", true},
	"an error, all of it a script": {console.ProblemsPage, filled[console.Trouble](console.Page{Title: script, Path: script, Now: noon}), "&lt;script&gt;", false},
	"overview":                     {console.OverviewPage, of(admin, console.Overview{State: console.State{Tone: "good", Sentence: "All is well."}}), "All is well.", true},
	"cleanup":                      {console.CleanupPage, of(admin, console.Cleanup{}), "Check Stats", true},
	"job":                          {console.JobPage, of(admin, console.Job{Sentence: console.State{Sentence: "It is at work."}}), "It is at work.", true},
	"job, all of it a script":      {console.JobPage, filled[console.Job](hostile), "&lt;script&gt;", true},
	"settings":                     {console.SettingsPage, of(admin, console.Settings{}), "Rules", true},
	"a customer's":                 {console.ClearPage, of(customer, console.Mine{Own: true}), "My sessions", true},
	"a customer's, for an admin":   {console.ClearPage, of(admin, console.Mine{CustomerID: "ada"}), "<bdi>ada</bdi>", true},
	"whose":                        {console.WhosePage, admin, "Whose sessions?", true},
	"a mechanic's":                 {console.MechanicPage, of(mechanic, console.Mechanic{}), "Nobody is waiting", true},
	"login, a used ticket":         {console.LoginPage, console.Page{Title: "Sign in", LoginHint: "curfew login"}, "curfew login", false},
	"unsubscribe, a link":          {console.UnsubscribePage, console.Page{View: "accepted.x.y"}, "token=accepted.x.y", false},
	"unsubscribe, done":            {console.UnsubscribePage, console.Page{Message: "Done."}, "Done.", false},
	"login, a message":             {console.LoginPage, console.Page{Message: "too old"}, "too old", false},

	"overview, all of it a script":   {console.OverviewPage, filled[console.Overview](hostile), "&lt;script&gt;", true},
	"cleanup, all of it a script":    {console.CleanupPage, filled[console.Cleanup](hostile), "&lt;script&gt;", true},
	"customer":                       {console.CustomerPage, of(admin, console.Customer{}), "Type or paste", true},
	"payments":                       {console.PaymentsPage, of(admin, console.Payments{}), "There are none.", true},
	"deliveries":                     {console.DeliveriesPage, of(admin, console.Deliveries{}), "None yet.", true},
	"keys":                           {console.KeysPage, of(admin, console.Keys{}), "None yet.", true},
	"keys, all of it a script":       {console.KeysPage, filled[console.Keys](hostile), "&lt;script&gt;", true},
	"approvals, none":                {console.ApprovalsPage, of(admin, console.Approvals{}), "There are none.", true},
	"approvals, all of it a script":  {console.ApprovalsPage, filled[console.Approvals](hostile), "&lt;script&gt;", true},
	"audit log, none":                {console.AuditPage, of(admin, console.Audit{}), "There are none.", true},
	"audit log, all of it a script":  {console.AuditPage, filled[console.Audit](hostile), "&lt;script&gt;", true},
	"adopted tables, none":           {console.AdoptedPage, of(admin, console.Adopted{}), "curfew adopt inspect", true},
	"adopted, all of it a script":    {console.AdoptedPage, filled[console.Adopted](hostile), "&lt;script&gt;", true},
	"customer, all of it a script":   {console.CustomerPage, filled[console.Customer](hostile), "&lt;script&gt;", true},
	"payments, all of it a script":   {console.PaymentsPage, filled[console.Payments](hostile), "&lt;script&gt;", true},
	"deliveries, all of it a script": {console.DeliveriesPage, filled[console.Deliveries](hostile), "&lt;script&gt;", true},
	"sessions":                       {console.SessionsPage, of(admin, console.Sessions{}), "There are none", true},
	"sessions, all of it a script":   {console.SessionsPage, filled[console.Sessions](hostile), "&lt;script&gt;", true},
	"endpoint":                       {console.EndpointPage, of(admin, console.EndpointView{}), "There are none", true},
	"endpoint, all of it a script":   {console.EndpointPage, filled[console.EndpointView](hostile), "&lt;script&gt;", true},
	"session, none":                  {console.SessionPage, of(admin, console.One{Missing: "There is no session"}), "There is no session", true},
	"session":                        {console.SessionPage, of(admin, console.One{ID: "0193"}), "Nothing has happened yet", true},
	"session, all of it a script":    {console.SessionPage, filled[console.One](hostile), "&lt;script&gt;", true},
	"mechanic":                       {console.WorkerPage, of(admin, console.Worker{ID: "max"}), "has or had a session", true},
	"mechanic, all of it, a script":  {console.WorkerPage, filled[console.Worker](hostile), "&lt;script&gt;", true},
	"settings, all of it a script":   {console.SettingsPage, filled[console.Settings](hostile), "&lt;script&gt;", true},
	"mine, all of it a script":       {console.ClearPage, filled[console.Mine](hostile), "&lt;script&gt;", true},
	"mechanic, all of it a script":   {console.MechanicPage, filled[console.Mechanic](hostile), "&lt;script&gt;", true},
}

// filled is a page whose view has a script in every text, and one of
// everything it can list.
func filled[V any](p console.Page) console.Page {
	var v V
	fill(reflect.ValueOf(&v).Elem())
	return of(p, v)
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(script)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
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
				if _, err := fs.Stat(console.Static(), file[1]); err != nil {
					t.Error(err)
				}
			}
			checkIDs(t, page)
		})
	}
}

var (
	module = regexp.MustCompile(`<script type="module" src="/static/[0-9a-f]{16}/js/[a-z-]+\.js"></script>`)
	// inline is a script or style within a page, an event attribute, and a frame.
	inline = regexp.MustCompile(`<script|<style|<iframe| style=| on[a-z]+=|javascript:`)
	static = regexp.MustCompile(`"/static/[0-9a-f]{16}/([^"]+)"`)
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
			if _, err := fs.Stat(console.Static(), path.Join(path.Dir(name), module[1])); err != nil {
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

func TestWhatIsOthersIsAsItWasPublished(t *testing.T) {
	t.Parallel()
	for name, published := range map[string]string{
		"pico-2.1.1.min.css":   "fbc9a63fc9fc9f72d12fd7fc9806e11fa9f77ae4f9cad146b27003a1119ba3db",
		"uplot-1.6.32.js":      "5dd9b3281aa64b461b42d9945f6adb2649d346502b12281a9ae0d46599a80eba",
		"uplot-1.6.32.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
	} {
		text, err := fs.ReadFile(console.Static(), "vendor/"+name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != published {
			t.Errorf("the SHA-256 of %s is %x, want %s: our own belongs elsewhere", name, sum, published)
		}
	}
}

func rendered(t *testing.T, name string, page console.Page) string {
	t.Helper()
	var text strings.Builder
	if err := console.Pages().ExecuteTemplate(&text, name, page); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// files returns the texts of the static files with an extension.
func files(t *testing.T, ext string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := fs.WalkDir(console.Static(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ext {
			return err
		}
		text, err := fs.ReadFile(console.Static(), name)
		texts[name] = string(text)
		return err
	})
	if err != nil || len(texts) == 0 {
		t.Fatal("no files with the extension", ext, err)
	}
	return texts
}

func TestSpansAreShort(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"0 s": -time.Second, "40 s": 40 * time.Second, "12 min": 12*time.Minute + 59*time.Second, "3 h 5 min": 185 * time.Minute,
		"2 h": 2 * time.Hour, "6 d 2 h": 146 * time.Hour, "3 d": 72 * time.Hour,
	} {
		if got := console.Span(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
