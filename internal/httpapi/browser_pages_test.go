package httpapi_test

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/browsertest"
	"github.com/curfewhq/curfew/internal/effort"
)

func TestPages(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	for sentence, test := range map[string]func(*tab){
		"how things are is seen at once":                   howThingsAre,
		"an empty service offers the first step":           theFirstStep,
		"a server that hangs is not called live":           silenceIsSaid,
		"a tab that was signed out elsewhere looks so":     signedOutElsewhere,
		"a result keeps to its dialog":                     resultsKeepToTheirDialog,
		"times are the reader's, with UTC beside them":     oneClock,
		"an error is a page":                               anErrorIsAPage,
		"a fix is a button":                                aFixIsAButton,
		"a finding is acknowledged":                        aFindingIsAcknowledged,
		"a quiet marketplace is said to be well":           allIsWell,
		"settings say where they come from":                settingsAreShown,
		"everything can be read without scripts":           readableWithoutScripts,
		"the figures and the rows are the API's":           theFiguresAreTheAPIs,
		"what was checked is run, and then nothing is due": whatWasCheckedIsRun,
		"what moved meanwhile is left alone, and said":     whatMovedIsSaid,
		"filters narrow it down":                           filtersNarrow,
		"a customer's timeline is shown":                   showsTheTimeline,
		"a job that was left is found again":               aJobIsFoundAgain,
		"single rows of a preview are left out":            rowsAreLeftOut,
		"a long timeline is folded":                        aLongTimelineIsFolded,
		"a run is undone":                                  aRunIsUndone,
		"payments are worked":                              paymentsAreWorked,
		"what became of money is shown":                    moneyIsShown,
		"a customer sees what became of their money":       aCustomerSeesTheirMoney,
		"a mechanic is told while the bank is asked":       paymentIsConfirmed,
		"deliveries are worked":                            deliveriesAreWorked,
		"keys are worked":                                  keysAreWorked,
		"approvals are decided, and audited":               approvalsAreDecided,
		"sessions are listed, and their mechanics":         sessionsAreListed,
		"a session is worked on its page":                  aSessionIsWorked,
		"finding forgives, and the keyboard leads":         findingForgives,
		"the keyboard is enough":                           worksByKeyboard,
		"an error is said":                                 anErrorIsSaid,
		"a customer clears what is theirs":                 aCustomerClears,
		"a credit is used":                                 aCreditIsUsed,
		"a customer ends a live session":                   aCustomerEnds,
		"an appointment is cancelled":                      anAppointmentIsCancelled,
		"an admin clears a customer's live session":        anAdminClears,
		"a mechanic accepts, releases, joins and ends":     aMechanicWorks,
		"a mechanic is told of new requests":               aMechanicIsTold,
		"another mechanic was first":                       anotherWasFirst,
		"nobody is signed in":                              nobodyIsSignedIn,
		"pages are for their roles":                        pagesAreForTheirRoles,
		"a link that was used signs nobody in":             aLinkWorksOnce,
		"a click is light":                                 aClickIsLight,
		"a live page is light":                             aLivePageIsLight,
		"no stored text runs":                              noStoredTextRuns,
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			test(openTab(browser, t, newPageFixture(t)))
		})
	}
}

// Every text of the corpus is a customer's id and name, and a reason.
func noStoredTextRuns(w *tab) {
	corpus := strings.Split(strings.TrimSpace(readFile(w.T, "testdata/xss.txt")), "\n")
	w.fixture.before(40*time.Minute, func() {
		for _, text := range corpus {
			w.fixture.pays(text, "chat10", 1500)
		}
	})
	for _, text := range corpus[:4] {
		_, err := w.fixture.admin().RunCleanup(w.Context(), api.Cleanup{CustomerID: text, Reason: text})
		w.fixture.must(err)
		for range 4 {
			w.fixture.pays(text, "chat10", 1500)
		}
	}
	w.signIn(mara, cleanupPage)
	w.wait(alive)
	w.says("#rows", corpus[4:]...)
	w.says("#runs", corpus[:4]...)
	harmless(w)
	w.click("button.run")
	w.wait("#ask[open]")
	w.write("#ask [name=reason]", corpus[1])
	w.click("#ask-yes")
	w.wait("#ask .good", "#ask-no:enabled")
	w.says("#runs", corpus[1])
	harmless(w)
	w.open(overviewPage)
	w.wait(alive)
	w.says(".repeated", corpus[:4]...)
	harmless(w)
	w.open(mechanicPage)
	w.wait(alive)
	w.says("#queue", corpus[:4]...)
	harmless(w)
	hostileDeliveries(w, corpus)
	corpus = corpus[:effort.Of(0, 3, len(corpus))] // a page for each of them takes long
	hostileTimelines(w, corpus)
	hostileSessions(w, corpus[:2])
	for _, text := range corpus {
		w.open(clearPage + "?customer=" + url.QueryEscape(text))
		w.wait(alive)
		w.says("h1", text)
		harmless(w)
	}
}

// stamp is what stands in the addresses of files, so that they change with them.
var stamp = regexp.MustCompile(`/static/[0-9a-f]{16}/`)

// harmless fails unless a page has only elements of its own, and no link leads elsewhere.
func harmless(w *tab) {
	w.Helper()
	got := evaluated[[]string](w, `[...document.querySelectorAll('img,script,iframe,svg,style,link,base,math,object,embed,meta[http-equiv]')]
		.map((e) => e.tagName + ' ' + new URL(e.src || e.href || 'none:').pathname)`)
	for i := range got {
		got[i] = stamp.ReplaceAllString(got[i], "/static/")
	}
	slices.Sort(got)
	got = slices.Compact(slices.DeleteFunc(got, func(e string) bool {
		return slices.ContainsFunc([]string{"SCRIPT /static/js/", "LINK /static/"}, func(own string) bool { return strings.HasPrefix(e, own) })
	}))
	if diff := cmp.Diff([]string{"IMG /static/img/curfew.svg"}, got); diff != "" {
		w.Error("a stored text became an element (-own +found):", diff)
	}
	if hrefs := evaluated[[]string](w, "[...document.links].map((a) => a.protocol + '//' + a.host)"); slices.ContainsFunc(hrefs, func(h string) bool { return h != w.fixture.URL }) {
		w.Errorf("links lead elsewhere: %q", hrefs)
	}
	if handlers := evaluated[int](w, "[...document.querySelectorAll('*')].filter((e) => e.getAttributeNames().some((n) => n.startsWith('on'))).length"); handlers > 0 {
		w.Errorf("%d elements have an attribute that runs", handlers)
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
