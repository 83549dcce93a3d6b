package httpapi_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// A job that somebody leaves goes on, and the page finds it again.
func aJobIsFoundAgain(w *tab) {
	gate := newGate(2)
	w.fixture = &pageFixture{newFixtureWith(w.T, settings{store: gate.before, answer: 50 * time.Millisecond})}
	w.fixture.background(w.fixture.server.Run)
	var customers []string
	for n := range 12 {
		customers = append(customers, fmt.Sprintf("cus_%02d", n))
	}
	run := w.fixture.cleaned(customers...)
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	w.click("#run-" + run + " button.undo")
	w.wait("#ask[open]")
	w.click("#ask-yes")
	w.until("the dialog says how far it is", "document.querySelector('#ask .job')?.textContent.includes('2 of 12') ?? false")
	w.picture("job-dialog")
	w.do(chromedp.KeyEvent("\x1b"))
	w.gone("#ask[open]")
	w.wait("#jobs progress", "#jobs button.stop")
	w.open(overviewPage)
	w.wait(alive)
	w.open(cleanupPage)
	w.wait(alive, "#jobs progress")
	w.says("#jobs", "Undo of a run", "admin:mara", "2 of 12", "running")
	w.accessible()
	w.picture("job-running")
	gate.open()
	w.wait("#jobs .outcome.succeeded")
	w.says("#run-"+run, "undone")
	w.click("#jobs li a")
	w.wait("#job-title")
	w.says("main", append([]string{"Undo of a run by admin:mara: done", "Came back as"}, customers...)...)
	if n := evaluated[int](w, "document.querySelectorAll('td[data-label=Customer] a[href*=\"q=cus_\"]').length"); n != len(customers) {
		w.Errorf("%d customers are links", n)
	}
	w.accessible()
	w.picture("job-done")
}

// Single rows of a preview are left out: all are ticked first.
func rowsAreLeftOut(w *tab) {
	w.fixture.trouble()
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	if n := evaluated[int](w, "document.querySelectorAll('input.pick:checked').length"); n != 6 {
		w.Errorf("%d rows are ticked first", n)
	}
	left := evaluated[string](w, "document.querySelector('input.pick').value")
	w.click("input.pick", "button.run")
	w.wait("#ask[open]")
	w.says("#ask-why", "1 session of 6 left out: 5 sessions end.")
	w.picture("rows-left-out")
	w.confirm("Session cleanup completed")
	w.gone("#ask[open]")
	w.until("the row that was left out is there, ticked again", "document.querySelectorAll('input.pick').length === 1 && document.querySelector('input.pick:checked') !== null")
	if s, err := w.fixture.keeper.Sessions.Session(w.Context(), left); err != nil || s.Status.Ended() {
		w.Errorf("the session that was left out is %+v (%v)", s.Status, err)
	}
	w.says("#rows", left)
	w.click("input.pick", "button.run")
	w.until("that none is ticked is said", "document.querySelector('#preview-said').textContent.includes('No row is ticked')")
	if said := w.text("#runs"); strings.Contains(said, "api") {
		w.Errorf("history says api: %s", said)
	}
}
