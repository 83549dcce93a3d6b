package httpapi_test

import (
	"context"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// later moves the clock of the page's machine on, as half a minute without an event would.
const later = "Date.now = ((real) => () => real() + 31_000)(Date.now)"

// An open connection to a server that hangs says nothing. The page notices within half a minute, polls, and recovers.
func silenceIsSaid(w *tab) {
	w.signIn(mara, overviewPage)
	w.until("it is live", "document.querySelector('#connection').dataset.state === 'live'")
	w.fixture.hangs.Store(true)
	evaluated[any](w, "(XMLHttpRequest.prototype.send = ((send) => function () { this.timeout = 300; send.call(this); })(XMLHttpRequest.prototype.send), "+later+", 0)")
	w.until("it says that nothing comes", "document.querySelector('#connection').textContent.startsWith('Cannot reach Curfew')")
	w.fixture.hangs.Store(false)
	w.until("it is live again", "document.querySelector('#connection').dataset.state === 'live'")
	w.takeComplaints()
}

func signedOutElsewhere(w *tab) {
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	other := openTabIn(w)
	other.open(overviewPage)
	other.wait(alive)
	other.click(".who button")
	other.wait("pre")
	w.until("this one is signed out too", "document.querySelector('main')?.textContent.includes('You are not signed in') === true")
	w.takeComplaints()
	other.takeComplaints()
}

// openTabIn opens a second tab of the same browser: it has the same cookies.
func openTabIn(w *tab) *tab {
	w.Helper()
	ctx, leave := chromedp.NewContext(w.ctx)
	w.Cleanup(leave)
	other := &tab{T: w.T, ctx: ctx, fixture: w.fixture}
	if err := chromedp.Listen(ctx, other.collect); err != nil {
		w.Fatal(err)
	}
	return other
}

// The dialog of one action is left while it works, and that of another is opened: it stays the other's.
func resultsKeepToTheirDialog(w *tab) {
	w.fixture.trouble()
	w.signIn(mara, overviewPage)
	w.wait(alive)
	evaluated[any](w, `(window.fetch = ((real) => (...call) => new Promise((done) => { window.answer = () => done(real(...call)); }))(fetch), 0)`)
	w.click("#finding-overdue_live button.acknowledge")
	w.write("#ask [name=reason]", "they talk still")
	w.click("#ask-yes")
	w.until("it is asked for", "window.answer !== undefined")
	evaluated[any](w, "(document.querySelector('#ask').close(), 0)")
	w.click("#finding-very_stale_sessions button.clean")
	w.says("#ask", "Run this cleanup?")
	evaluated[any](w, "(window.answer(), 0)")
	w.until("the result is said on the page", "document.querySelector('#said').textContent.startsWith('Acknowledge: ')")
	w.says("#ask-title", "Run this cleanup?")
	if said := w.text("#ask-said"); said != "" {
		w.Errorf("another action's dialog says %q", said)
	}
	w.until("and the page shows it", "document.querySelector('#finding-overdue_live button.withdraw') !== null")
}

func oneClock(w *tab) {
	w.fixture.before(70*time.Minute, func() { w.fixture.pays("katherine", "video15", 3900) })
	w.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Tokyo"})
		return err
	}))
	w.signIn(mara, customerPage+"?q=katherine")
	w.wait(alive, "main time")
	type shown struct{ Text, Title, Here string }
	for _, s := range evaluated[[]shown](w, `[...document.querySelectorAll("main time[data-as=clock]")].map((t) => ({
		Text: t.textContent, Title: t.title, Here: new Date(t.dateTime).toLocaleTimeString("en-GB", { timeZone: "Asia/Tokyo" }) }))`) {
		if !strings.HasSuffix(s.Text, s.Here) || !strings.HasSuffix(s.Title, " UTC") {
			w.Errorf("a time is %+v", s)
		}
	}
	if text := w.text("main"); strings.Contains(text, " UTC") {
		w.Errorf("the page has a second clock:\n%s", text)
	}
}

func anErrorIsAPage(w *tab) {
	w.open("/console/nothing")
	w.says("main", "There is no page at this address.", "Check the address")
	w.accessible()
	w.picture("error")
	w.click("#problem a.button")
	w.wait("pre")
	w.says("main", "You are not signed in")
	w.takeComplaints() // the browser notes the 404
}
