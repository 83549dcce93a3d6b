package server_test

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

func aCustomerClears(w *tab) {
	w.market.before(4*time.Minute, func() { w.market.pays("ada", "video15", 3900) })
	w.signIn(curfew.Actor{Role: curfew.Customer, ID: "ada"}, clearPage)
	w.wait(clearRead, idleClear)
	w.says("#state", "You have an open session")
	w.says("#open", "waiting for a mechanic", "4 min ago", "(in 1", "€39.00 paid for video15")
	w.picture("open")
	w.click("#clear")
	w.wait("dialog[open]")
	w.says("#confirm-text", "This session ends now", "video15")
	w.picture("clear")
	w.click("#confirm-yes")
	w.wait("#result .good", idleClear)
	w.says("#result", "1 session ended", "The payment of €39.00 is credited")
	w.says("#state", "nothing open that blocks")
	w.says("#payments", "It is credited")
	blocker, err := w.market.engine.CheckCustomerSessionStatus(w.Context(), "ada")
	if err != nil || blocker != nil {
		w.Error("still blocked:", blocker, err)
	}
}

func anAdminClears(w *tab) {
	w.market.live("ada & bob", "max")
	w.signIn(mara, clearPage)
	w.wait("input[name=customer]")
	w.write("input[name=customer]", "ada & bob")
	w.click("button[type=submit]")
	w.wait(clearRead, idleClear)
	w.says("h1", "ada & bob")
	w.says("#open", "live")
	w.click("#clear")
	w.wait("#result .notice", idleClear)
	w.says("#result", "There is nothing to clear", "it is live")
	w.click("[name=force]", "#clear")
	w.wait("#result .critical", idleClear)
	w.says("#result", "force needs a reason")
	w.heard() // the browser notes every answer of 400
	w.write("[name=reason]", "both asked for it")
	w.click("#clear")
	w.wait("dialog[open]")
	w.says("#confirm-text", "both asked for it", "live")
	w.click("#confirm-yes")
	w.wait("#result .good", idleClear)
	w.says("#result", "1 session ended")
	w.says("#state", "This customer has nothing open")
}

func nobodyIsSignedIn(w *tab) {
	for _, path := range []string{cleanupPage, clearPage, clearPage + "?customer=ada"} {
		w.visit(path)
		w.says("main", "You are not signed in", "curfew login")
		if n := evaluated[int](w, "document.scripts.length"); n > 0 {
			w.Errorf("%s runs %d scripts for nobody", path, n)
		}
	}
	w.picture("signed-out")
}

func aCustomerIsNoAdmin(w *tab) {
	w.signIn(curfew.Actor{Role: curfew.Customer, ID: "ada"}, cleanupPage)
	w.says("main", "This page is for admins", "customer ada")
	w.visit(clearPage + "?customer=bob")
	w.wait(clearRead)
	if whose := evaluated[string](w, "document.body.dataset.customer"); whose != "ada" {
		w.Errorf("the page is about %q", whose)
	}
}

func aLinkWorksOnce(w *tab) {
	ticket, err := w.market.identity.LoginTicket(mara)
	w.market.must(err)
	link := w.market.URL + "/login?ticket=" + url.QueryEscape(ticket)
	w.do(chromedp.Navigate(link))
	w.wait(cleanupRead, idle)
	w.click("form.who button")
	w.wait("pre")
	w.says("main", "You are not signed in")

	stranger := openTab(w.ctx, w.T, w.market)
	stranger.do(chromedp.Navigate(link))
	stranger.says("main", "This link does not sign you in", "curfew login")
	stranger.heard() // the browser notes the 401
	stranger.picture("login")
}

// Every text of the corpus is a customer's id and name, and a reason.
func noStoredTextRuns(w *tab) {
	corpus := strings.Split(strings.TrimSpace(readFile(w.T, "testdata/xss.txt")), "\n")
	w.market.before(40*time.Minute, func() {
		for _, text := range corpus {
			w.market.pays(text, "chat10", 1500)
		}
	})
	for _, text := range corpus[:4] {
		_, err := w.market.admin().RunCleanup(w.Context(), api.Cleanup{CustomerID: text, Reason: text})
		w.market.must(err)
		for range 4 {
			w.market.pays(text, "chat10", 1500)
		}
	}
	w.signIn(mara, cleanupPage)
	w.wait(cleanupRead, idle)
	for _, text := range corpus[4:] {
		w.says("#rows", text)
	}
	w.says("#runs", corpus[:4]...)
	w.says("#health .repeated", corpus[:4]...)
	w.click("details.filters summary")
	w.write("[name=reason]", corpus[1])
	w.click("#run")
	w.wait("dialog[open]")
	w.says("#confirm-text", corpus[1])
	w.click("#confirm-yes")
	w.wait("#result .good", idle)
	harmless(w)
	for _, text := range corpus {
		w.visit(clearPage + "?customer=" + url.QueryEscape(text))
		w.wait(clearRead, idleClear)
		w.says("h1", text)
		harmless(w)
	}
	w.write("[name=reason]", corpus[2])
}

// harmless: a page has its own image, script and styles, and nothing else that could do something.
func harmless(w *tab) {
	w.Helper()
	got := evaluated[[]string](w, "[...document.querySelectorAll('img,script,iframe,svg,style,link,base,math,object,embed,meta[http-equiv]')].map((e) => e.tagName)")
	slices.Sort(got)
	if diff := cmp.Diff([]string{"IMG", "LINK", "LINK", "SCRIPT"}, got); diff != "" {
		w.Error("a stored text became an element (-own +found):", diff)
	}
	if hrefs := evaluated[[]string](w, "[...document.links].map((a) => a.protocol + '//' + a.host)"); slices.ContainsFunc(hrefs, func(h string) bool { return h != w.market.URL }) {
		w.Errorf("links lead elsewhere: %q", hrefs)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
