package server_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chromedp/chromedp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

const (
	cleanupPage = "/cleanup-sessions-admin.html"
	clearPage   = "/clear-my-sessions.html"

	// What is there once a page has read what it shows.
	cleanupRead = "#figures:not([aria-busy])"
	clearRead   = "#open:not([aria-busy])"
	idle        = "#run:enabled:not(.working)"
	idleClear   = "#clear:enabled:not(.working)"
)

func TestPages(t *testing.T) {
	t.Parallel()
	browser := browse(t)
	for sentence, test := range map[string]func(*tab){
		"the cards and the rows are the API's":             theCardsAreTheAPIs,
		"what was checked is run, and then nothing is due": whatWasCheckedIsRun,
		"what moved meanwhile is left alone, and said":     whatMovedIsSaid,
		"filters narrow it down":                           filtersNarrow,
		"the problems of health are shown with their fix":  problemsAreShown,
		"a quiet marketplace is said to be well":           allIsWell,
		"a customer clears what is theirs":                 aCustomerClears,
		"an admin clears a customer's live session":        anAdminClears,
		"nobody is signed in":                              nobodyIsSignedIn,
		"a customer opens the admin's page":                aCustomerIsNoAdmin,
		"a link that was used signs nobody in":             aLinkWorksOnce,
		"the keyboard is enough":                           theKeyboardIsEnough,
		"no stored text runs":                              noStoredTextRuns,
		"an error is said":                                 anErrorIsSaid,
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			test(openTab(browser, t, newMarket(t)))
		})
	}
}

func theCardsAreTheAPIs(w *tab) {
	w.market.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(cleanupRead)
	preview, err := w.market.admin().PreviewCleanup(w.Context(), api.Selection{})
	w.market.must(err)
	sameFigures(w, preview.WouldClean)
	if preview.WouldClean.Total != 11 {
		w.Errorf("the scene has %+v", preview.WouldClean)
	}
	var want []string
	for _, item := range preview.Items {
		want = append(want, item.SessionID)
	}
	if diff := cmp.Diff(want, sessionsShown(w)); diff != "" {
		w.Error("the rows differ (-API +page):", diff)
	}
	w.picture("cleanup")
}

// sameFigures: the cards show these.
func sameFigures(w *tab, want api.WouldClean) {
	w.Helper()
	got := evaluated[map[string]int](w,
		"Object.fromEntries([...document.querySelectorAll('[data-figure]')].map((c) => [c.dataset.figure, Number(c.textContent)]))")
	if diff := cmp.Diff(map[string]int{
		"expiredRequests": want.ExpiredRequests, "oldWaitingSessions": want.OldWaitingSessions,
		"potentialOrphans": want.PotentialOrphans, "noShows": want.NoShows, "overran": want.Overran,
		"scheduledMissed": want.ScheduledMissed, "total": want.Total,
	}, got); diff != "" {
		w.Error("the cards differ (-API +page):", diff)
	}
}

func sessionsShown(w *tab) []string {
	w.Helper()
	return evaluated[[]string](w, "[...document.querySelectorAll('#rows td[data-label=Session]')].map((c) => c.textContent)")
}

func whatWasCheckedIsRun(w *tab) {
	w.market.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(cleanupRead, idle)
	w.click("#check")
	w.wait("#preview-said:not(:empty)", idle)
	w.says("#preview-said", "exactly these rows")
	w.click("#run")
	w.wait("dialog[open]")
	w.says("#confirm-text", "6 sessions of 6 customers", "11 rows with their requests", "3 old waiting sessions", "1 orphan", "1 no-show", "1 overrun session")
	w.picture("confirm")
	w.click("#confirm-yes")
	w.wait("#result .good", idle)
	w.says("#result", "Session cleanup completed", "3 expired requests", "11 rows")
	sameFigures(w, api.WouldClean{})
	w.says("#rows", "Nothing is due")
	w.says("#runs", "admin:mara", "succeeded", "3 old waiting sessions")
	w.picture("cleaned")
	after, err := w.market.admin().PreviewCleanup(w.Context(), api.Selection{})
	w.market.must(err)
	if after.WouldClean.Total != 0 {
		w.Errorf("after the run %+v is due", after.WouldClean)
	}
}

func whatMovedIsSaid(w *tab) {
	w.market.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(cleanupRead, idle)
	w.click("#check")
	w.wait("#preview-said:not(:empty)", idle)
	_, err := w.market.engine.Clear(w.Context(), mara, lifecycle.Clearing{CustomerID: "ada"})
	w.market.must(err)
	w.click("#run")
	w.wait("dialog[open]")
	w.click("#confirm-yes")
	w.wait("#result .good", idle)
	w.says("#result", "1 session had moved since and was left alone", "it is cancelled already (expired)", "2 old waiting sessions")
}

func filtersNarrow(w *tab) {
	w.market.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(cleanupRead, idle)
	w.click("details.filters summary")
	w.click("[name=rules][value=noShows]", "[name=rules][value=overran]", "#check")
	w.wait("#preview-said:not(:empty)", idle)
	stored, err := w.market.admin().PreviewCleanup(w.Context(), api.Selection{Rules: []string{"noShows", "overran"}})
	w.market.must(err)
	sameFigures(w, stored.WouldClean)
	w.click("button[type=reset]")
	w.wait("#preview-said:empty", idle)

	// Every rule that ends or begins something has its box.
	var rules []string
	for _, rule := range curfew.Rules() {
		rules = append(rules, string(rule.Name))
	}
	if diff := cmp.Diff(rules, evaluated[[]string](w, "[...document.querySelectorAll('[name=rules]')].map((c) => c.value)")); diff != "" {
		w.Error("the boxes differ (-rules +page):", diff)
	}

	// Somebody who is not overdue may be ended early, with a reason.
	w.write("[name=customerId]", "katherine")
	w.write("[name=maxAgeMinutes]", "1")
	w.click("#check")
	w.wait("#preview-said:not(:empty)", idle)
	w.says("#rows", "katherine")
	w.click("#run")
	if evaluated[bool](w, "document.querySelector('dialog').open") {
		w.Error("an early end is not asked for its reason")
	}
	w.write("[name=reason]", "she called us")
	w.click("#run")
	w.wait("dialog[open]")
	w.says("#confirm-text", "1 session of 1 customer", "she called us")
	w.click("#confirm-yes")
	w.wait("#result .good", idle)
	w.says("#runs", "she called us")
	w.picture("filters")
}

func problemsAreShown(w *tab) {
	w.market.trouble()
	w.signIn(mara, cleanupPage)
	w.wait("#health .finding", cleanupRead)
	health, err := w.market.admin().Health(w.Context())
	w.market.must(err)
	if len(health.Problems) == 0 {
		w.Fatal("the scene has no problem")
	}
	w.says("#health", health.Problems...)
	for _, finding := range health.Findings {
		if finding.Fix == "" {
			w.Errorf("%s has no fix", finding.Code)
		}
		w.says("#health", finding.Fix, finding.Severity)
	}
	w.says("#state", "need attention")
	w.says("#health .repeated", "katherine")
	w.says("#health .totals", "deferred", "3", "€45.00")
	w.click("#health .copy")
	w.wait("#health .copy.done")
}

func allIsWell(w *tab) {
	w.market.pays("ada", "chat10", 1500)
	w.signIn(mara, cleanupPage)
	w.wait(cleanupRead, idle, "#health .fine")
	w.says("#state", "All is well: 1 customer waits and 0 sessions are live")
	w.says("#health .fine", "All systems healthy")
	w.says("#runs", "No cleanup has run yet")
	w.click("#run")
	w.wait("#result .notice", idle)
	w.says("#result", "nothing to clean up")
}

func theKeyboardIsEnough(w *tab) {
	const tabulator, enter, escape = "\t", "\r", "\x1b"
	w.market.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(cleanupRead, idle)
	w.do(chromedp.KeyEvent(tabulator), chromedp.KeyEvent(enter))
	w.wait("main:focus") // the first stop skips to it
	w.do(chromedp.Focus(chromedp.CSS("#run")), chromedp.KeyEvent(enter))
	w.wait("dialog[open] :focus")
	w.do(chromedp.KeyEvent(escape))
	w.wait("dialog:not([open])", idle, "#run:focus")
	w.do(chromedp.KeyEvent(enter))
	w.wait("dialog[open] :focus")
	w.do(chromedp.Focus(chromedp.CSS("#confirm-yes")), chromedp.KeyEvent(enter))
	w.wait("#result .good", idle, "#run:focus")
}

func anErrorIsSaid(w *tab) {
	w.market.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(cleanupRead, idle)
	w.market.must(w.market.store.Close())
	w.click("#check")
	w.wait("#rows .critical", idle)
	w.says("#state", "Curfew cannot tell")
	if strings.TrimSpace(w.text("#rows .critical strong")) == "" {
		w.Error("the error has no detail")
	}
	if total := w.text("[data-figure=total]"); total != "–" {
		w.Errorf("a figure that could not be had is shown as %q", total)
	}
	w.picture("error")
	for _, complaint := range w.heard() {
		if !strings.HasPrefix(complaint, "network: Failed to load resource") {
			w.Error("the browser says:", complaint)
		}
	}
}
