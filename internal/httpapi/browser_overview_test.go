package httpapi_test

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

const (
	overviewPage = "/"
	settingsPage = "/console/settings"

	// What is there once a page keeps itself up to date.
	alive = "#connection[data-state]"
)

func howThingsAre(w *tab) {
	w.fixture.trouble()
	w.fixture.hours()
	w.signIn(mara, overviewPage)
	w.wait(alive, "[data-chart=sessions][data-drawn]", "[data-chart=lag][data-drawn]")
	health, err := w.fixture.admin().Health(w.Context())
	w.fixture.must(err)
	w.says("#state", "8 things need attention", "6 customers are waiting", "2 sessions are live")
	w.says(".findings", health.Problems...)
	for _, f := range health.Findings {
		w.says("#finding-"+f.Code, f.Fix, f.Severity)
	}
	w.says(".repeated", "katherine", "3 times")
	sameNumbers(w, map[string]int{
		"open": 8, "waiting": 6, "live": 2, "scheduled": 0, "stale": *health.Sessions.Waiting.Stale, "veryStale": 2, "orphaned": 1,
		"overdueLive": 1, "busy": 3, "connected": 0, "deferred": 3, "refundDue": 0, "held": 0,
	})
	w.says("[data-chart-said=sessions]", "the last 2 h: at most 6 waiting")
	if !evaluated[bool](w, "document.querySelector('.findings').getBoundingClientRect().top < document.querySelector('#figures').getBoundingClientRect().top") {
		w.Error("the figures stand above the findings")
	}
	w.click("#ranges [value='900']")
	w.until("less is shown", "/the last 1[0-5] min/.test(document.querySelector('[data-chart-said=sessions]').textContent)")
	w.click("#ranges [value='21600']")
	w.accessible()
	w.picture("overview")
	w.click("#finding-very_stale_sessions summary", "#finding-very_stale_sessions .copy")
	w.wait("#finding-very_stale_sessions .copy.done")
}

func theFirstStep(w *tab) {
	w.signIn(mara, overviewPage)
	w.wait(alive)
	w.says("#first", "a session of the plan chat10, for a payment of 0.00 EUR: no money moves", "Mechanics see the request", "after 15 min",
		"It can be sent once", "curfew demo --open --listen 127.0.0.1:0")
	w.accessible()
	w.picture("first")
	w.click("#first button.try")
	w.gone("#first")
	w.says("#said", "Sent: test-customer waits for a mechanic.")
	w.says("#state", "1 customer is waiting")
}

// sameNumbers fails unless the figures shown are these.
func sameNumbers(w *tab, want map[string]int) {
	w.Helper()
	got := evaluated[map[string]int](w,
		"Object.fromEntries([...document.querySelectorAll('[data-figure]')].map((c) => [c.dataset.figure, Number(c.textContent)]))")
	if diff := cmp.Diff(want, got); diff != "" {
		w.Error("the figures differ (-true +page):", diff)
	}
}

func aFixIsAButton(w *tab) {
	w.fixture.trouble()
	w.signIn(mara, overviewPage)
	w.wait(alive)
	w.click("#finding-overdue_live button.clean")
	w.wait("#ask[open]")
	w.says("#ask", "Run this cleanup?", "nothing before its deadline")
	w.picture("fix")
	w.write("#ask [name=reason]", "the room was left open")
	w.confirm("Session cleanup completed", "2 rows of overrun sessions")
	w.gone("#finding-overdue_live", "#ask[open]")
	runs, err := w.fixture.admin().CleanupRuns(w.Context(), api.Page{})
	w.fixture.must(err)
	if len(runs.Runs) != 1 || runs.Runs[0].Reason != "the room was left open" || runs.Runs[0].Actor != "admin:mara" {
		w.Errorf("the runs are %+v", runs.Runs)
	}
}

func aFindingIsAcknowledged(w *tab) {
	w.fixture.trouble()
	w.signIn(mara, overviewPage)
	w.wait(alive)
	w.click("#finding-overdue_live button.acknowledge")
	w.wait("#ask[open]")
	w.says("#ask", "Acknowledge this finding for a day?", "This fixes nothing")
	w.picture("acknowledge")
	w.write("#ask [name=reason]", "support talks to both")
	w.confirm()
	w.wait("#finding-overdue_live button.withdraw")
	w.says("#finding-overdue_live", "Acknowledged by admin:mara until", "support talks to both")
	w.says("#state", "7 things need attention")
	w.click("#finding-overdue_live button.withdraw")
	w.confirm()
	w.wait("#finding-overdue_live button.acknowledge")
	w.says("#state", "8 things need attention")
}

func allIsWell(w *tab) {
	w.fixture.before(80*time.Minute, func() { w.fixture.pays("grace", "chat10", 1500) })
	w.fixture.before(50*time.Minute, func() {
		_, err := w.fixture.keeper.Sessions.Clear(w.Context(), mara, lifecycle.Clearing{CustomerID: "grace"})
		w.fixture.must(err)
	})
	w.fixture.pays("ada", "chat10", 1500)
	w.fixture.server.Recall(w.Context())
	w.fixture.server.Sample(w.Context())
	w.signIn(mara, overviewPage)
	w.wait(alive, "[data-chart=sessions][data-drawn]", "[data-chart=lag][data-drawn]")
	w.says("[data-chart-said=sessions]", "min: at most 1 waiting, 0 live, 0 stale in the last 1 min")
	w.until("the chart begins when the first session did, to the minute",
		"/the last (79|80|81) min/.test(document.querySelector('[data-chart-said=sessions]').textContent)")
	w.says("[data-chart-said=lag]", "the last 1 min:")
	w.picture("well")
	w.says("#state", "All is well: 1 customer is waiting and 0 sessions are live")
	w.fixture.pays("bob", "chat10", 1500)
	w.until("the page is up to date by itself", "document.querySelector('#state').textContent.includes('2 customers are waiting')")
	w.says(".repeated", "No customer")
}

func settingsAreShown(w *tab) {
	w.signIn(mara, settingsPage)
	w.wait(alive)
	w.says("[data-setting=waiting_ttl]", "20m", "file", "curfew.yaml line 3", "15m")
	w.says("[data-setting='auth.jwt_secret']", "set", "environment")
	w.says("main", "No-shows", "chat10", "Auth")
	w.accessible()
	w.picture("settings")
}

func readableWithoutScripts(w *tab) {
	w.fixture.trouble()
	w.fixture.live("own", "solo")
	w.signIn(mara, overviewPage)
	w.scripts(false)
	for path, texts := range map[string][]string{
		overviewPage:                      {"8 things need attention", "2 waiting sessions older than 30 minutes (CRITICAL!)", "Scripts are off"},
		cleanupPage:                       {"A cleanup would end 6 sessions", "grace.h", "Orphan"},
		paymentsPage:                      {"katherine", "aits for the slot"},
		customerPage + "?q=katherine":     {"katherine is blocked by session", "began to wait"},
		settingsPage:                      {"waiting_ttl", "Rules"},
		clearPage + "?customer=katherine": {"katherine", "waiting for a mechanic", "39.00 EUR"},
		mechanicPage:                      {"katherine"},
	} {
		w.open(path)
		w.says("main", texts...)
		if n := evaluated[int](w, "[...document.querySelectorAll('button.act')].filter((b) => b.checkVisibility()).length"); n > 0 {
			w.Errorf("%s shows %d buttons that do nothing", path, n)
		}
	}
}
