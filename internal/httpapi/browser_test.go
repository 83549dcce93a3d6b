package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/curfewhq/curfew"
)

// testTimeout is how long a page may take for one step. It is long because the race detector, a browser
// and other tests share a machine that may be small.
const testTimeout = 40 * time.Second

// step is an action in a browser.
type step = chromedp.Action[chromedp.Void]

// tab is a browser window with cookies of its own. A complaint in its console fails the test.
type tab struct {
	*testing.T
	ctx     context.Context
	fixture *pageFixture

	mu         sync.Mutex
	complaints []string
	axe        bool // has looked at the page: it tries inline styles
}

func openTab(browser context.Context, t *testing.T, s *pageFixture) *tab {
	t.Helper()
	ctx, leave := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(leave)
	w := &tab{T: t, ctx: ctx, fixture: s}
	if err := chromedp.Listen(ctx, w.collect); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, complaint := range w.takeComplaints() {
			t.Error("the browser says:", complaint)
		}
	})
	w.do(chromedp.EmulateViewport(1280, 800))
	return w
}

// collect collects what a page must not do: open a dialog of the browser, throw, or break the policy.
func (w *tab) collect(event any) {
	var complaint string
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		complaint = "a dialog: " + e.Message
	case *runtime.EventExceptionThrown:
		complaint = fmt.Sprintf("thrown: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *runtime.EventConsoleAPICalled:
		complaint = fmt.Sprintf("console.%s", e.Type)
	case *log.EventEntryAdded:
		if strings.HasSuffix(e.Entry.URL, "/api/debug/session-health") && strings.Contains(e.Entry.Text, " 503 ") {
			return // health took longer than it may, on a busy machine: the page does without
		}
		complaint = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
	default:
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.axe && (strings.Contains(complaint, "Applying inline style") || complaint == "console.warning") {
		return
	}
	w.complaints = append(w.complaints, complaint)
}

// takeComplaints returns what was collected, and starts anew.
func (w *tab) takeComplaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.complaints
	w.complaints = nil
	return all
}

func (w *tab) do(steps ...step) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, testTimeout)
	defer cancel()
	for i, s := range steps {
		if err := chromedp.Do(ctx, s); err != nil {
			w.Fatalf("step %d of %d: %v; the page says:\n%s\n%q", i+1, len(steps), err, w.text("body"), w.takeComplaints())
		}
	}
}

// signIn opens a page as somebody whose browser has followed a link of `curfew login` before.
func (w *tab) signIn(who curfew.Actor, path string) {
	w.Helper()
	cookie, err := http.ParseSetCookie(strings.TrimPrefix(w.fixture.signedIn(who), "Cookie: "))
	if err != nil {
		w.Fatal(err)
	}
	yes := true
	w.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{
			Name: cookie.Name, Value: cookie.Value, URL: w.fixture.URL, Path: "/", Secure: &yes, HTTPOnly: &yes,
		})
		return err
	}), chromedp.Navigate(w.fixture.URL+path))
}

func (w *tab) open(path string) {
	w.Helper()
	w.do(chromedp.Navigate(w.fixture.URL + path))
}

// wait waits until the page has these elements, also if that is the next page.
func (w *tab) wait(selectors ...string) {
	w.Helper()
	for _, s := range selectors {
		w.until(s+" is there", fmt.Sprintf("document.querySelector(%q) !== null", s))
	}
}

// gone waits until the page has none of these elements any more.
func (w *tab) gone(selectors ...string) {
	w.Helper()
	for _, s := range selectors {
		w.until(s+" is gone", fmt.Sprintf("document.querySelector(%q) === null", s))
	}
}

// until waits for an expression to be true.
func (w *tab) until(what, expression string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, testTimeout)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		so, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression)) // an error: between two pages
		if err == nil && so {
			return
		}
		select {
		case <-ctx.Done():
			w.Fatalf("%s: not so: %v; the page says:\n%s\n%q", what, err, w.text("body"), w.takeComplaints())
		case <-look.C:
		}
	}
}

// still keeps the page as it is until the next one: it asks for nothing more, and
// an answer that is under way changes nothing.
func (w *tab) still() {
	w.Helper()
	evaluated[bool](w, `(XMLHttpRequest.prototype.send = () => {},
		Object.defineProperty(XMLHttpRequest.prototype, "response", { get: () => document.cloneNode(true) }), true)`)
}

// accessible: axe-core finds nothing in the page, by day and by night. From then on the browser
// complains of the inline styles that it tries.
func (w *tab) accessible() {
	w.Helper()
	w.mu.Lock()
	w.axe = true
	w.mu.Unlock()
	evaluated[int](w, readFile(w.T, "testdata/axe/axe-4.14.1.min.js")+"\n;0")
	for scheme, options := range map[string]string{"light": "{}", "dark": "{runOnly: ['color-contrast']}"} {
		w.do(w.scheme(scheme))
		ctx, cancel := context.WithTimeout(w.ctx, testTimeout)
		found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf(
			`axe.run(document, %s).then((r) => r.violations.flatMap((v) => v.nodes.map((n) => v.impact + ": " + v.help + ": " + n.html)))`, options), chromedp.EvalAwaitPromise))
		cancel()
		if err != nil {
			w.Fatal("axe:", err)
		}
		for _, f := range found {
			w.Errorf("axe says, in %s: %s", scheme, f)
		}
	}
	w.do(w.scheme("light"))
}

func (w *tab) click(selectors ...string) {
	w.Helper()
	for _, s := range selectors {
		w.do(chromedp.Click(chromedp.CSS(s)))
	}
}

func (w *tab) write(selector, text string) {
	w.Helper()
	w.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// empty clears a field.
func (w *tab) empty(selector string) {
	w.Helper()
	evaluated[string](w, fmt.Sprintf("document.querySelector(%q).value = ''", selector))
}

// text returns all text within the first such element, hidden or not, or the empty text if there is none.
func (w *tab) text(selector string) string {
	w.Helper()
	return evaluated[string](w, fmt.Sprintf("document.querySelector(%q)?.textContent ?? ''", selector))
}

// confirm confirms the question, checks the result that is shown, and closes the dialog.
func (w *tab) confirm(said ...string) {
	w.Helper()
	w.click("#ask-yes")
	w.wait("#ask .good", "#ask-no:enabled")
	w.says("#ask", said...)
	w.click("#ask-no")
}

// says fails unless an element contains each of the texts.
func (w *tab) says(selector string, texts ...string) {
	w.Helper()
	found := w.text(selector)
	for _, text := range texts {
		if !strings.Contains(found, text) {
			w.Errorf("%s does not say %q but\n%s", selector, text, found)
		}
	}
}

// evaluated returns the value of an expression in the page.
func evaluated[V any](w *tab, expression string) V {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, testTimeout)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[V](expression))
	if err != nil {
		w.Fatalf("%s: %v", expression, err)
	}
	return v
}

// picture looks at the page wide and on a phone: it fits in each. What is seen, by day and by night, is written into
// $CURFEW_SCREENSHOTS.
func (w *tab) picture(name string) {
	w.Helper()
	folder := os.Getenv("CURFEW_SCREENSHOTS")
	for size, width := range map[string]int64{"wide": 1280, "phone": 390} {
		w.do(chromedp.EmulateViewport(width, 844))
		if over := evaluated[int](w, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
			w.Errorf("%s is %d pixels too wide for %d", name, over, width)
		}
		for _, scheme := range []string{"dark", "light"} {
			if folder == "" {
				continue
			}
			w.do(w.scheme(scheme))
			image, err := chromedp.Run(w.ctx, shot(w))
			if err != nil {
				w.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, name+"-"+size+"-"+scheme+".png"), image, 0o644); err != nil {
				w.Fatal(err)
			}
		}
	}
	w.do(chromedp.EmulateViewport(1280, 800))
}

// shot takes a picture of an open dialog, or else of the whole page without the footer, which names the version.
func shot(w *tab) chromedp.Action[[]byte] {
	w.Helper()
	if evaluated[bool](w, "document.querySelector('dialog[open]') !== null") {
		return chromedp.CaptureScreenshot()
	}
	size := evaluated[[]float64](w, "[innerWidth, document.querySelector('.foot').getBoundingClientRect().top + scrollY]")
	return func(ctx context.Context, _ *chromedp.Target) ([]byte, error) {
		beyond := true
		picture, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
			CaptureBeyondViewport: &beyond,
			Clip:                  &page.Viewport{Width: size[0], Height: size[1], Scale: 1},
		})
		return picture.Data, err
	}
}

// scheme is the reader's choice between light and dark. Nothing fades over, so that a picture shows
// one of them.
func (*tab) scheme(name string) step {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
			},
		})
		return err
	})
}

// scripts says whether pages may run scripts from now on.
func (w *tab) scripts(may bool) {
	w.Helper()
	w.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !may})
		return err
	}))
}
