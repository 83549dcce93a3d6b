package httpapi_test

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

const (
	clearPage    = "/clear-my-sessions.html"
	mechanicPage = "/mechanic.html"
)

var (
	ada   = curfew.Actor{Role: curfew.Customer, ID: "ada"}
	maxim = curfew.Actor{Role: curfew.Mechanic, ID: "max"}
)

func aCustomerClears(w *tab) {
	w.fixture.before(4*time.Minute, func() { w.fixture.pays("ada", "video15", 3900) })
	w.fixture.pays("ada", "chat10", 1500) // deferred: it waits for the slot
	w.signIn(ada, clearPage)
	w.wait(alive)
	w.says("#state", "You are waiting for a mechanic")
	w.says("#open", "video15", "39.00 EUR paid for video15", "credit", "ago")
	w.says("#payments", "15.00 EUR", "waits for the slot")
	w.says("#outlook", "You are next.", "No mechanic has had a session", "cannot be said")
	w.says("#instead", "You have waited for 4 minutes: keep waiting, or cancel.")
	w.until("one can ask to be called", "/^https:\\/\\/app.example.org\\/call\\/[0-9a-f-]{36}$/.test([...document.links].find((a) => a.textContent === 'Ask to be called').href)")
	w.until("it counts down", "/^1[01]:[0-5][0-9] min$/.test(document.querySelector('.countdown time').textContent)")
	w.accessible()
	w.picture("open")
	w.click("#open button.clear")
	w.wait("#ask[open]")
	w.says("#ask", "Cancel this session?", "video15")
	w.picture("clear")
	w.confirm("1 session ended")
	w.gone("#ask[open]")
	w.says("#payments", "It is credited")
	w.says("#open", "chat10") // the payment that waited has its session now
}

func aCustomerEnds(w *tab) {
	w.fixture.before(10*time.Minute, func() { w.fixture.live("ada", "max") })
	w.signIn(ada, clearPage)
	w.wait(alive)
	w.says("#state", "You are in a live session")
	w.says(".steps [aria-current]", "Live")
	w.until("one can join", "/^https:\\/\\/app.example.org\\/chat\\/[0-9a-f-]{36}$/.test([...document.links].find((a) => a.textContent === 'Join').href)")
	w.click("button.end")
	w.wait("#ask[open]")
	w.says("#ask", "Its payment is used up")
	w.confirm()
	w.says("#state", "nothing open")
}

// Whoever has a credit begins with it, and nothing else.
func aCreditIsUsed(w *tab) {
	w.fixture.pays("ada", "chat10", 1500)
	_, err := w.fixture.admin().Clear(w.Context(), "ada", api.Clearing{})
	w.fixture.must(err)
	w.signIn(ada, clearPage)
	w.wait(alive)
	w.says("#outlook", "If a session began now", "Nobody is waiting for a mechanic now.")
	w.click("#payments button.use")
	w.wait("#ask[open]")
	w.says("#ask", "The oldest credit of chat10 pays for it")
	w.confirm()
	w.says("#state", "You are waiting for a mechanic")
	w.accessible()
	w.picture("credit-used")
}

func anAppointmentIsCancelled(w *tab) {
	w.fixture.books("ada", "chat10", 2000, 48*time.Hour)
	w.signIn(ada, clearPage)
	w.wait(alive)
	w.says("#state", "an appointment is booked")
	w.says("#appointments", "chat10", "100 % of it is refunded")
	w.picture("appointment")
	w.click("button.cancel")
	w.wait("#ask[open]")
	w.confirm()
	w.gone("#appointments")
	w.says("#payments", "It will be refunded")
}

func anAdminClears(w *tab) {
	w.fixture.live("ada & bob", "max")
	w.signIn(mara, clearPage)
	w.wait("main input[name=customer]")
	w.write("main input[name=customer]", "ada & bob")
	w.click("main button[type=submit]")
	w.wait("#open", alive)
	w.says("h1", "ada & bob")
	w.says("#state", "This customer is in a live session")
	w.click("button.clear")
	w.wait("#ask[open]")
	w.click("#ask-yes")
	if evaluated[bool](w, "document.querySelector('#ask .notice') !== null") {
		w.Error("force needs no reason")
	}
	w.write("#ask [name=reason]", "both asked for it")
	w.confirm("1 session ended")
	w.says("#state", "This customer has nothing open")
}

func aMechanicWorks(w *tab) {
	w.fixture.before(3*time.Minute, func() { w.fixture.pays("katherine", "video15", 3900) })
	w.signIn(maxim, mechanicPage)
	w.wait(alive)
	w.says("#state", "1 customer is waiting for a mechanic")
	w.says("#queue", "katherine", "video15")
	linus := w.fixture.pays("linus", "chat10", 1500)
	w.wait("#offer-" + linus.RequestID) // it appears by itself
	w.accessible()
	w.picture("queue")

	w.click("#offer-" + linus.RequestID + " button.accept")
	w.wait("#current")
	w.says("#current", "linus", "left to join")
	w.says("#state", "You have a session; 1 customer is waiting")
	w.gone("#offer-"+linus.RequestID, "button.accept")
	w.click("button.join")
	w.until("the join is seen", "document.querySelector('#current').textContent.includes('you have joined')")
	w.click("button.release")
	w.wait("#ask[open]")
	w.confirm()
	w.gone("#current")
	w.wait("#offer-" + linus.RequestID)

	w.click("#offer-" + linus.RequestID + " button.accept")
	w.wait("#current")
	for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: "linus"}, maxim} {
		_, err := w.fixture.keeper.Sessions.Join(w.Context(), linus.SessionID, who)
		w.fixture.must(err)
	}
	w.wait("#current button.end")
	w.says("#current", "live")
	w.accessible()
	w.picture("mechanic")
	w.click("#current button.end")
	w.wait("#ask[open]")
	w.confirm()
	w.gone("#current")
}

// A mechanic who looks elsewhere is told of new requests, as they chose.
func aMechanicIsTold(w *tab) {
	w.fixture.pays("katherine", "video15", 3900)
	w.fixture.live("grace", "max")
	w.signIn(maxim, mechanicPage)
	w.wait(alive+"[data-state=live]", "#alerts:not([hidden])")
	w.says("#today", "grace", "1 session", "live")
	w.says("title", "(1) Queue")
	evaluated[bool](w, `(window.told = [],
		window.Notification = class { static permission = "granted"; static requestPermission = async () => "granted"; constructor(t, o) { told.push(o.body); } },
		AudioContext.prototype.createOscillator = function () { told.push("sound"); return OfflineAudioContext.prototype.createOscillator.call(this); },
		Object.defineProperty(document, "hidden", { get: () => true }), true)`)
	w.click("#alerts [name=notify]", "#alerts [name=sound]")
	w.until("the sound is tried at once", "told.includes('sound')")
	w.fixture.pays("linus", "chat10", 1500)
	w.until("it is told", "told.includes('1 new request in the queue')")
	w.says("title", "(2) Queue")
	w.click("#alerts [name=title]")
	w.until("the title is plain", "document.title.startsWith('Queue')")
	w.open(mechanicPage)
	w.wait("#alerts:not([hidden])")
	if got := evaluated[string](w, "[...document.querySelectorAll('#alerts input')].map((i) => i.checked).join()"); got != "false,true,true" {
		w.Errorf("the browser remembers %s", got)
	}
	w.accessible()
	w.picture("alerts")
}

func anotherWasFirst(w *tab) {
	f := w.fixture.pays("linus", "chat10", 1500)
	w.signIn(maxim, mechanicPage)
	w.wait(alive)
	w.still()
	_, err := w.fixture.keeper.Queue.Accept(w.Context(), f.RequestID, "ruth")
	w.fixture.must(err)
	w.click("button.accept")
	w.wait("#ask[open] .critical")
	w.says("#ask", "another mechanic")
	w.takeComplaints() // the browser notes every answer of 409
	w.open(mechanicPage)
	w.gone("#offer-" + f.RequestID)
}

func nobodyIsSignedIn(w *tab) {
	for _, path := range []string{overviewPage, cleanupPage, settingsPage, clearPage, clearPage + "?customer=ada", mechanicPage} {
		w.open(path)
		w.says("main", "You are not signed in", "curfew login")
		if n := evaluated[int](w, "document.scripts.length"); n > 0 {
			w.Errorf("%s runs %d scripts for nobody", path, n)
		}
	}
	w.accessible()
	w.picture("signed-out")
	w.open(overviewPage)
	w.says("main", "How you come in depends on who you are", "Customers and mechanics", "Operators", "curfew login")
	w.accessible()
	w.picture("signed-out-home")
}

func pagesAreForTheirRoles(w *tab) {
	w.signIn(ada, cleanupPage)
	w.says("main", "This page is not for you", "customer ada")
	w.open(mechanicPage)
	w.says("main", "This page is not for you")
	w.open(clearPage + "?customer=bob")
	w.wait(alive)
	w.says("h1", "My sessions")
	w.open("/")
	w.says("h1", "My sessions") // everybody's own page
	got := w.takeComplaints()
	if len(got) == 0 || slices.ContainsFunc(got, func(noted string) bool { return !strings.Contains(noted, " 403 ") }) {
		w.Errorf("the browser noted %q, want answers of 403 alone", got)
	}
}

func aLinkWorksOnce(w *tab) {
	ticket, err := w.fixture.identity.LoginTicket(mara)
	w.fixture.must(err)
	link := w.fixture.URL + "/login?ticket=" + url.QueryEscape(ticket)
	w.open(cleanupPage)
	w.says("main", "You are not signed in")
	w.do(chromedp.Navigate(link))
	w.says("main", "signs this browser in as", mara.ID)
	w.picture("login-ask")
	w.click("#sign-in")
	w.wait(alive)
	w.click(".who button")
	w.wait("pre")
	w.says("main", "You are not signed in")

	stranger := openTab(w.ctx, w.T, w.fixture)
	stranger.do(chromedp.Navigate(link))
	stranger.says("main", "This link does not sign you in", "curfew login")
	stranger.takeComplaints() // the browser notes the 401
	stranger.picture("login")
	w.takeComplaints() // what the page had asked for when it was left is answered with 401
}
