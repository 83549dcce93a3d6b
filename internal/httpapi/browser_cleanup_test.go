package httpapi_test

import (
	"strings"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

const (
	cleanupPage = "/cleanup-sessions-admin.html"

	idle   = "button.run:enabled:not(.working)"
	stored = "#preview-said:not(:empty)"
)

func theFiguresAreTheAPIs(w *tab) {
	w.fixture.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	preview, err := w.fixture.admin().PreviewCleanup(w.Context(), api.Selection{})
	w.fixture.must(err)
	sameFigures(w, preview.WouldClean)
	if preview.WouldClean.Total != 11 {
		w.Errorf("the scenario has %+v", preview.WouldClean)
	}
	var want []string
	for _, item := range preview.Items {
		want = append(want, item.SessionID)
	}
	if diff := cmp.Diff(want, sessionsShown(w)); diff != "" {
		w.Error("the rows differ (-API +page):", diff)
	}
	w.accessible()
	w.picture("cleanup")
}

// sameFigures fails unless the figures are these.
func sameFigures(w *tab, want api.WouldClean) {
	w.Helper()
	sameNumbers(w, map[string]int{
		"expiredRequests": want.ExpiredRequests, "oldWaitingSessions": want.OldWaitingSessions,
		"potentialOrphans": want.PotentialOrphans, "noShows": want.NoShows, "overran": want.Overran,
		"scheduledMissed": want.ScheduledMissed, "unattended": want.Unattended, "total": want.Total,
	})
}

func sessionsShown(w *tab) []string {
	w.Helper()
	return evaluated[[]string](w, "[...document.querySelectorAll('#rows td[data-label=Session]')].map((c) => c.textContent)")
}

func whatWasCheckedIsRun(w *tab) {
	w.fixture.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	w.click("#check")
	w.wait(stored, idle)
	w.says("#preview-said", "exactly these rows")
	w.click("button.run")
	w.wait("#ask[open]")
	w.says("#ask-why", "6 sessions of 6 customers", "11 rows with their requests", "3 old waiting sessions", "1 orphan", "1 unattended session", "1 overrun session")
	w.write("#ask [name=reason]", "the sweeper was dead")
	w.picture("confirm")
	w.confirm("Session cleanup completed", "3 expired requests", "11 rows")
	w.gone("#ask[open]")
	sameFigures(w, api.WouldClean{})
	w.says("#rows", "Nothing is due")
	w.says("#runs", "admin:mara", "succeeded", "3 old waiting sessions", "the sweeper was dead")
	w.picture("cleaned")
	after, err := w.fixture.admin().PreviewCleanup(w.Context(), api.Selection{})
	w.fixture.must(err)
	if after.WouldClean.Total != 0 {
		w.Errorf("after the run %+v is due", after.WouldClean)
	}
	w.click("button.run")
	w.until("nothing to run is said", "document.querySelector('#preview-said').textContent.includes('nothing to clean up')")
}

func whatMovedIsSaid(w *tab) {
	w.fixture.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	w.click("button.run")
	w.wait("#ask[open]")
	_, err := w.fixture.keeper.Sessions.Clear(w.Context(), mara, lifecycle.Clearing{CustomerID: "ada"})
	w.fixture.must(err)
	w.click("#ask-yes")
	w.wait("#ask .good")
	w.says("#ask", "1 session had changed since and was left alone", "it is cancelled already (expired)", "2 old waiting sessions")
}

func filtersNarrow(w *tab) {
	w.fixture.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	w.click("details.filters summary", "[name=rules][value=noShows]", "[name=rules][value=overran]", "#check")
	w.wait(stored, idle)
	want, err := w.fixture.admin().PreviewCleanup(w.Context(), api.Selection{Rules: []string{"noShows", "overran"}})
	w.fixture.must(err)
	sameFigures(w, want.WouldClean)
	w.picture("filters")

	// Somebody who is not overdue may be ended early, with a reason.
	w.open(cleanupPage + "?customerId=katherine")
	w.wait(alive)
	w.write("[name=maxAgeMinutes]", "1")
	w.click("button.run")
	w.wait("#ask[open]")
	w.says("#ask-why", "1 session of 1 customer", "before the deadline")
	w.click("#ask-yes")
	if !evaluated[bool](w, "document.querySelector('#ask').open && !document.querySelector('#ask .good')") {
		w.Error("an early end needs no reason")
	}
	w.write("#ask [name=reason]", "she called us")
	w.confirm()
	w.says("#runs", "she called us")
}

func worksByKeyboard(w *tab) {
	const tabulator, returnKey, escape = "\t", "\r", "\x1b"
	w.fixture.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	w.do(chromedp.KeyEvent(tabulator), chromedp.KeyEvent(returnKey))
	w.wait("main:focus") // the first stop skips to it
	w.do(chromedp.Focus(chromedp.CSS("button.run")), chromedp.KeyEvent(returnKey))
	w.wait("#ask[open] :focus")
	w.do(chromedp.KeyEvent(escape))
	w.gone("#ask[open]")
	w.wait("button.run:focus")
	w.do(chromedp.KeyEvent(returnKey))
	w.wait("#ask[open] [name=reason]:focus")
	w.do(chromedp.KeyEvent("so"), chromedp.KeyEvent(returnKey))
	w.wait("#ask .good", "#ask-no:focus")
	w.do(chromedp.KeyEvent(returnKey))
	w.gone("#ask[open]")
	w.wait("button.run:focus")
}

func anErrorIsSaid(w *tab) {
	w.fixture.trouble()
	w.fixture.exec("ALTER TABLE mechanic_slots RENAME TO lost")
	w.signIn(mara, overviewPage)
	w.says("#state", "Curfew cannot tell")
	if n := w.text("[data-figure=busy]"); n != "–" {
		w.Errorf("a figure that could not be had is shown as %q", n)
	}
	w.fixture.exec("ALTER TABLE lost RENAME TO mechanic_slots")
	w.open(cleanupPage)
	w.wait(alive, idle)
	w.fixture.must(w.fixture.store.Close())
	evaluated[bool](w, "document.querySelector('#check')?.click() ?? true") // it may have looked again by itself
	w.until("it is said", "document.querySelector('#unreadable') !== null")
	w.says("#state", "Curfew cannot tell")
	w.picture("error")
	w.open(overviewPage)
	w.says("#state", "Curfew cannot tell")
	for _, complaint := range w.takeComplaints() {
		if !strings.HasPrefix(complaint, "network: Failed to load resource") {
			w.Error("the browser says:", complaint)
		}
	}
}
