package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/browsertest"
)

// site serves the pages of another origin.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.FileServerFS(os.DirFS(filepath.Join("..", "..", "examples", "browser"))))
	t.Cleanup(s.Close)
	return s
}

// script runs an async function in a page, and returns the text that it returns.
func script(t *testing.T, page context.Context, body string) string { //nolint:revive // the test comes first, as everywhere
	t.Helper()
	ctx, cancel := context.WithTimeout(page, testTimeout)
	defer cancel()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		`(async () => { try { `+body+` } catch (e) { return "refused: " + e.name } })()`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return got
}

func openPage(t *testing.T, browser context.Context, url string) context.Context { //nolint:revive // the test comes first, as everywhere
	t.Helper()
	ctx, leave := chromedp.NewContext(browser)
	t.Cleanup(leave)
	must(t, chromedp.Do(ctx)) // the page ends with the context of its first step
	within, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	if err := chromedp.Do(within, chromedp.Navigate(url)); err != nil {
		t.Fatalf("open %s: %v", url, err)
	}
	return ctx
}

// Pages of an allowed origin call the API with a token, and open streams. Others do not, and no cookie counts for either.
func TestPagesOfAllowedOriginsCallTheAPI(t *testing.T) {
	t.Parallel()
	ours, theirs := site(t), site(t)
	h := newFixtureWith(t, settings{origins: []string{ours.URL}})
	h.fulfilled("kim")
	with := fmt.Sprintf(`const url = %q, headers = {Authorization: "Bearer %s"};`, h.URL, h.token(curfew.Customer, "kim"))
	calls := map[string]struct{ script, allowed string }{
		"reads": {`return String((await (await fetch(url + "/api/customers/kim/session-status", {headers})).json()).blocked)`, "true"},
		"writes, with a preflight": {`return String((await fetch(url + "/api/customers/kim/clear",
			{method: "POST", headers: {...headers, "Content-Type": "application/json", "Idempotency-Key": "k"}, body: '{"dryRun":true}'})).status)`, "200"},
		"reads a problem": {`const answer = await fetch(url + "/api/mechanics/requests", {headers}); return (await answer.json()).code + " " + (answer.headers.get("X-Request-Id") !== null)`, "forbidden true"},
		"streams by fetch": {`const reader = (await fetch(url + "/api/stream", {headers})).body.pipeThrough(new TextDecoderStream()).getReader();
			const {value} = await reader.read(); await reader.cancel(); return value.match(/event: (\w+)/)[1]`, "hello"},
	}
	browser := browsertest.Start(t)
	allowed, foreign := openPage(t, browser, ours.URL+"/worker.js"), openPage(t, browser, theirs.URL+"/worker.js")
	for name, call := range calls {
		if got := script(t, allowed, with+call.script); got != call.allowed {
			t.Errorf("a page of an allowed origin %s: %s, want %s", name, got, call.allowed)
		}
		if got := script(t, foreign, with+call.script); got != "refused: TypeError" {
			t.Errorf("a page of another origin %s: %s", name, got)
		}
	}
	if got := script(t, allowed, with+`return String((await fetch(url + "/api/customers/kim/session-status", {headers, credentials: "include"})).status)`); got != "refused: TypeError" {
		t.Errorf("with credentials: %s", got)
	}
}

// An EventSource sends no token: a ticket opens its stream.
func TestAnEventSourceIsOpenedByATicket(t *testing.T) {
	t.Parallel()
	ours := site(t)
	h := newFixtureWith(t, settings{origins: []string{ours.URL}})
	got := script(t, openPage(t, browsertest.Start(t), ours.URL+"/worker.js"), fmt.Sprintf(`const url = %q, headers = {Authorization: "Bearer %s"};
		const {ticket} = await (await fetch(url + "/api/stream/tickets", {method: "POST", headers})).json();
		const source = new EventSource(url + "/api/stream?ticket=" + ticket);
		return await new Promise((resolve) => {
			source.addEventListener("hello", (e) => { source.close(); resolve(JSON.parse(e.data).role) });
			source.onerror = () => resolve("refused");
		})`, h.URL, h.token(curfew.Customer, "kim")))
	if got != "customer" {
		t.Errorf("the stream says hello to %q", got)
	}
}

// Every tab of a site hears of a change by one stream, also the sixth.
func TestASharedWorkerServesEveryTab(t *testing.T) {
	t.Parallel()
	ours := site(t)
	h := newFixtureWith(t, settings{origins: []string{ours.URL}})
	browser, max := browsertest.Start(t), h.token(curfew.Mechanic, "max")
	var tabs []context.Context
	for range 7 {
		tab := openPage(t, browser, ours.URL+"/?url="+h.URL+"#"+max)
		tabs = append(tabs, tab)
		showing(t, tab, "hello")
	}
	f := h.fulfilled("kim")
	_, err := h.as(curfew.Mechanic, "max").Accept(t.Context(), f.RequestID)
	must(t, err)
	for _, tab := range tabs {
		showing(t, tab, "session waiting")
	}
	others := 0
	for range 4 { // the one stream of the worker leaves four
		if got := h.send("GET", "/api/stream", "", "Authorization: Bearer "+max); got.status == http.StatusOK {
			others++
		}
	}
	if others != 4 {
		t.Errorf("beside the worker's stream there are %d more, want 4", others)
	}
}

// showing waits until a page shows an event.
func showing(t *testing.T, page context.Context, event string) { //nolint:revive // the test comes first, as everywhere
	t.Helper()
	look, deadline := time.NewTicker(50*time.Millisecond), time.Now().Add(testTimeout)
	defer look.Stop()
	for seen := ""; !strings.Contains(seen, event); <-look.C {
		if time.Now().After(deadline) {
			t.Fatalf("a tab shows %q, and not %q", seen, event)
		}
		seen = script(t, page, `return document.querySelector("#events").textContent`)
	}
}
