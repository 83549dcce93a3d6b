package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// Webhook, thank-you page and resolver at once: one session, one answer.
func TestLesson09_ThreeCreatorsOneSession(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	answers := make([]api.Fulfillment, 30)
	together(len(answers), func(i int) {
		var err error
		answers[i], err = h.shop().FulfillCheckout(t.Context(), api.Purchase{PaymentRef: "p", CustomerID: "c", Plan: "chat10"})
		if err != nil {
			t.Error(err)
		}
	})
	for _, a := range answers {
		if a != answers[0] || a.SessionID == "" {
			t.Errorf("%+v and %+v", a, answers[0])
		}
	}
}

func together(n int, do func(int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

// S58: 100 parallel creates of one customer.
func TestS58_OneOfAHundred(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	token := "Authorization: Bearer " + h.token(curfew.Customer, "c")
	statuses := make([]int, 100)
	together(len(statuses), func(i int) {
		a := h.send("POST", "/api/sessions", `{"plan":"free"}`, token)
		if statuses[i] = a.status; a.status == http.StatusConflict && a.problem(t).Code != "session_open" {
			t.Errorf("%s", a.body)
		}
	})
	slices.Sort(statuses)
	if statuses[0] != http.StatusCreated || statuses[1] != http.StatusConflict || statuses[99] != http.StatusConflict {
		t.Errorf("%v", statuses)
	}
}

// Ending twice is one ending; under a minute it is no service.
func TestLesson12_EndingTwiceIsOneEnding(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	short, long := live(h, "short", time.Second), live(h, "long", 2*time.Minute)
	for _, test := range []struct{ customer, id, status, reason, outcome string }{
		{"short", short, "cancelled", "too_short", "credited"}, {"long", long, "completed", "finished", "fulfilled"},
	} {
		var first api.Session
		for i, who := range []*api.Client{h.as(curfew.Customer, test.customer), h.as(curfew.Mechanic, "m-"+test.customer), h.shop()} {
			got, err := who.End(t.Context(), test.id)
			must(t, err)
			if i == 0 {
				first = got
			}
			if got != first || got.Status != test.status || got.EndReason != test.reason {
				t.Errorf("%s: %+v", test.customer, got)
			}
		}
		paid, err := h.shop().Checkouts(t.Context(), test.customer)
		must(t, err)
		if len(paid.Checkouts) != 1 || paid.Checkouts[0].Outcome != test.outcome {
			t.Errorf("%s: %+v", test.customer, paid)
		}
	}
}

// live makes a session that has been live for some time.
func live(h *fixture, customer string, since time.Duration) string {
	h.Helper()
	h.ago(since)
	defer h.ago(0)
	f := h.accepted(customer, "m-"+customer)
	_, err := h.as(curfew.Customer, customer).Join(h.Context(), f.SessionID)
	must(h.T, err)
	_, err = h.as(curfew.Mechanic, "m-"+customer).Join(h.Context(), f.SessionID)
	must(h.T, err)
	return f.SessionID
}

// The second party starts the clock, and no later call moves it.
func TestLesson13_TheSecondPartyStartsTheClock(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	f := h.accepted("c", "max")
	c, max := h.as(curfew.Customer, "c"), h.as(curfew.Mechanic, "max")
	for range 2 {
		alone, err := c.Join(t.Context(), f.SessionID)
		must(t, err)
		if alone.Status != "waiting" || !alone.StartedAt.IsZero() {
			t.Errorf("alone: %+v", alone)
		}
	}
	both, err := max.Join(t.Context(), f.SessionID)
	must(t, err)
	later, err := c.Join(t.Context(), f.SessionID)
	must(t, err)
	if both.Status != "live" || both.StartedAt.IsZero() || later != both {
		t.Errorf("%+v, then %+v", both, later)
	}
}

// S33: after the end nothing leads back in.
func TestLesson14_NothingLeadsBackIn(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	id := live(h, "c", 2*time.Minute)
	_, err := h.shop().End(t.Context(), id)
	must(t, err)
	before := h.dump()
	for _, who := range []*api.Client{h.as(curfew.Customer, "c"), h.as(curfew.Mechanic, "m-c")} {
		if _, err := who.Join(t.Context(), id); problemOf(t, err).Status != http.StatusConflict {
			t.Errorf("joined: %v", err)
		}
	}
	if h.dump() != before {
		t.Error("joining an ended session changed something")
	}
}

// Success only if a row changed: what is not there is not cancelled.
func TestLesson15_CancellingNothingIsNoSuccess(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	if _, err := h.shop().Cancel(t.Context(), "01a20871-e0e1-78f7-a4de-999d500d67a7"); problemOf(t, err).Status != http.StatusNotFound {
		t.Errorf("%v", err)
	}
	f := h.fulfilled("c")
	cancelled, err := h.shop().Cancel(t.Context(), f.SessionID)
	must(t, err)
	read, err := h.shop().Session(t.Context(), f.SessionID)
	must(t, err)
	if read.Status != "cancelled" || read != cancelled {
		t.Errorf("said %+v, is %+v", cancelled, read)
	}
}

// A GET changes nothing: the whole database, before and after every one.
func TestLesson17_AGetChangesNothing(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.ago(2 * time.Hour)
	s := newScenario(h)
	h.fulfilled("overdue")
	h.ago(0)
	before := h.dump()
	for _, route := range httpapi.RouteTable() {
		if route.Method != http.MethodGet {
			continue
		}
		for c := range cells {
			for _, missing := range []bool{false, true} {
				s.call(route.Method, route.Path, c, missing)
			}
		}
		if after := h.dump(); after != before {
			t.Fatalf("GET %s changed rows:\n%s\nwas:\n%s", route.Path, after, before)
		}
	}
	cookie := h.signedIn(anna)
	before = h.dump() // the ticket is used up
	for _, path := range []string{"/", "/cleanup-sessions-admin.html", "/clear-my-sessions.html?customer=overdue", "/docs", "/openapi.json", "/login?ticket=x", h.ticketPath(anna), "/static/img/curfew.svg"} {
		h.send("GET", path, "", cookie)
	}
	if after := h.dump(); after != before {
		t.Errorf("a page changed rows:\n%s\nwas:\n%s", after, before)
	}
}

// The list is the truth: what a mechanic did not see by push stands there, and
// what is overdue does not.
func TestLesson18_TheQueueIsTheTruth(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.ago(time.Hour)
	h.fulfilled("overdue")
	h.ago(0)
	var want []string
	for i := range 7 {
		want = append(want, h.fulfilled(strings.Repeat("c", i+1)).RequestID)
	}
	h.accepted("taken", "eve")
	var got []string
	page := api.Page{Limit: 3}
	for pages := 1; ; pages++ {
		queue, err := h.as(curfew.Mechanic, "max").Queue(t.Context(), page)
		must(t, err)
		for _, r := range queue.Requests {
			got = append(got, r.ID)
		}
		if queue.NextCursor == nil {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		page.Cursor = *queue.NextCursor
	}
	if !slices.Equal(got, want) {
		t.Errorf("the queue is %v, want %v", got, want)
	}
}

// A figure that could not be read is null, never 0, and never healthy. Without any rows all is well.
func TestLesson22_AFigureThatFailedIsNull(t *testing.T) {
	t.Parallel()
	well, err := newFixture(t).admin().Health(t.Context())
	must(t, err)
	if well.Health != "healthy" || *well.Sessions.Total != 0 || well.Recommendations[0] != "All systems healthy" || len(well.Problems) != 0 {
		t.Errorf("no rows at all: %+v", well)
	}
	h := newFixtureWith(t, settings{store: func(s lifecycle.Store) lifecycle.Store { return blind{s} }})
	golden(t, "health-error", h.sendAs(curfew.Admin, "anna", "GET", "/api/debug/session-health", ""))
	ill, err := h.admin().Health(t.Context())
	must(t, err)
	if ill.Health != "error" || ill.Sessions.Total != nil || ill.Requests.Total == nil {
		t.Errorf("%+v", ill)
	}
}

// Statuses that health does not know are counted too.
func TestLesson22_UnknownStatesCount(t *testing.T) {
	t.Parallel()
	got := wire.Health(lifecycle.Report{
		Health: lifecycle.Healthy, Sessions: &curfew.SessionFigures{ByStatus: map[curfew.SessionStatus]int{"paused": 2, curfew.Live: 1}},
	}, "v", "")
	if *got.Sessions.Total != 3 || got.Sessions.ByStatus["paused"] != 2 || got.Sessions.ByStatus["waiting"] != 0 {
		t.Errorf("%+v", got.Sessions)
	}
}
