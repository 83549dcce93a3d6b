package httpapi_test

import (
	"net/url"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const (
	sessionsPage = "/console/sessions"
	sessionPage  = "/console/session?id="
	workerPage   = "/console/mechanic?id="
)

func sessionsAreListed(w *tab) {
	w.fixture.before(40*time.Minute, func() { w.fixture.pays("late", "chat10", 1500) })
	w.fixture.live("linus", "max")
	ada := w.fixture.pays("ada", "video15", 3900)
	w.signIn(mara, sessionsPage)
	w.wait(alive, "#session-"+ada.SessionID)
	w.says("#state", "3 sessions, the newest first")
	w.says("#session-"+ada.SessionID, "ada", "video15", "waiting")
	w.accessible()
	w.picture("sessions")

	w.click("#list-filters [name=overdue]", "#list-filters button[type=submit]") // the empty fields are left out
	w.until("only what is overdue is listed", "location.search === '?sort=newest&overdue=true' && document.querySelectorAll('#sessions tbody tr').length === 1")
	w.says("#sessions tbody", "late", "overdue since")
	if csv := evaluated[string](w, "document.querySelector('[download]').href"); !strings.Contains(csv, "/api/sessions.csv?overdue=true") {
		w.Errorf("the file is %s", csv)
	}
	w.open(sessionsPage + "?status=live")
	w.wait(alive)
	w.click("#sessions tbody td:nth-child(5) a")
	w.wait("#current")
	w.says("h1", "max")
	w.says("#state", "In a live session with customer linus")
	w.says("#facts", "Busy since", "0 times")
	w.accessible()
	w.picture("worker")
}

func aSessionIsWorked(w *tab) {
	f := w.fixture.pays("ada", "chat10", 1500)
	w.signIn(mara, sessionPage+f.SessionID)
	w.wait(alive, "#now")
	w.says("#state", "Waiting for a mechanic")
	w.says("#payments", "15.00 EUR")
	w.says("#timeline", "began to wait for a mechanic")
	w.click("#now button.prolong")
	w.wait("#ask[open]")
	w.says("#ask", "ends by itself only that much later", "Its payment stays as it is")
	w.write("#ask [name=reason]", "the mechanic is on the way")
	w.confirm("Its deadline is later now")
	w.says("#timeline", "the mechanic is on the way")
	w.until("the deadline has moved", "document.querySelector('.countdown time').textContent.startsWith('29:') || document.querySelector('.countdown time').textContent.startsWith('30:')")

	_, err := w.fixture.keeper.Queue.Accept(w.Context(), f.RequestID, "max")
	w.fixture.must(err)
	w.wait("#now button.release")
	w.says("#state", "Accepted by mechanic max")
	w.accessible()
	w.picture("session")
	w.click("#now button.release")
	w.wait("#ask[open]")
	w.says("#ask", "mechanic max is free for another")
	w.write("#ask [name=reason]", "they asked")
	w.confirm()
	w.click("#now button.cancel")
	w.wait("#ask[open]")
	w.says("#ask", "customer ada", "becomes a credit")
	w.confirm("The session is cancelled")
	w.says("#state", "Cancelled")
	w.gone("#now")
	w.open(sessionPage + "no-id")
	w.says("#missing", "There is no session with this id")
}

func findingForgives(w *tab) {
	f := w.fixture.pays("kim-7", "chat10", 1500)
	w.signIn(mara, sessionsPage)
	w.wait(alive)
	w.do(chromedp.KeyEvent("/"))
	w.until("the field has the focus", "document.activeElement.id === 'find'")
	w.empty("#find") // a test's key writes itself
	w.write("#find", strings.ToUpper(f.SessionID[24:]))
	w.wait("#found [role=option]")
	w.says("#found", "session", f.SessionID)
	w.accessible()
	w.picture("found")
	w.click("#find")
	w.wait("#found:not([hidden]) [role=option]")
	w.do(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Enter))
	w.wait("#timeline", alive)
	w.says("h1", f.SessionID)
	w.do(chromedp.KeyEvent("/"))
	w.empty("#find")
	w.write("#find", "x")
	w.until("what was opened is offered", "document.querySelector('#found').textContent.includes('Opened lately')")
	w.do(chromedp.KeyEvent(kb.Escape))
	evaluated[bool](w, "(document.activeElement.blur(), true)")
	w.do(chromedp.KeyEvent("?"))
	w.wait("#keys-help[open]")
	w.says("#keys-help", "Find anything", "Sessions")
	w.accessible()
	w.click("#keys-help button")
	w.do(chromedp.KeyEvent("g"), chromedp.KeyEvent("p"))
	w.wait("#payments")
}

// hostileSessions looks for what customers and mechanics wrote in the lists of sessions, and in what is found.
func hostileSessions(w *tab, corpus []string) {
	for _, text := range corpus {
		f := w.fixture.pays(text+"'s", "chat10", 1500)
		w.fixture.exec("UPDATE sessions SET mechanic_id = ?, plan = ? WHERE id = ?", text, text, f.SessionID)
		w.fixture.exec("UPDATE checkouts SET name = ?, email = ?, ref = ref || ?", text, text, text)
		w.open(sessionPage + f.SessionID)
		w.wait(alive)
		w.says("#facts", text)
		harmless(w)
		w.open(workerPage + url.QueryEscape(text))
		w.wait(alive)
		w.says("h1", text)
		harmless(w)
	}
	w.open(sessionsPage + "?plan=" + url.QueryEscape(corpus[0]))
	w.wait(alive)
	w.says("#state", "1 session")
	harmless(w)
	w.open(sessionsPage)
	w.wait(alive)
	w.says("#sessions", corpus...)
	w.click("#find")
	w.write("#find", corpus[0][:4])
	w.wait("#found [role=option]")
	harmless(w)
}
