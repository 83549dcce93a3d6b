package httpapi_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/limit"
)

// limited is a fixture in which there may be so many calls of each class in an hour.
func limited(t *testing.T, count int) *fixture {
	t.Helper()
	return newFixtureWith(t, settings{proxies: ours, limits: hourly(count, limit.Classes()...), hooks: httpapi.Hooks{Stripe: hook{}, Events: hook{}}})
}

func hourly(count int, classes ...limit.Class) map[limit.Class]limit.Rate {
	all := map[limit.Class]limit.Rate{}
	for _, c := range classes {
		all[c] = limit.Rate{Count: count, Period: time.Hour}
	}
	return all
}

// rateLimited fails unless a response says that there were too many, and when to try again.
func (a answer) rateLimited(t *testing.T, what string) {
	t.Helper()
	p := a.problem(t)
	if a.status != http.StatusTooManyRequests || p.Code != "rate_limited" || a.header.Get("Retry-After") == "" || !strings.Contains(p.Detail, "Try again in") {
		t.Errorf("%s: %d %v %s", what, a.status, a.header, a.body)
	}
}

// S57: every route of the table is limited, but health, which watches over the service.
func TestS57_EveryRouteIsLimited(t *testing.T) {
	t.Parallel()
	h := limited(t, 1)
	unlimited := map[string]bool{"GET /api/debug/session-health": true}
	for i, route := range httpapi.RouteTable() {
		line, who := route.Method+" "+route.Path, fmt.Sprintf("subject-%d", i)
		path := strings.ReplaceAll(route.Path, "{id}", who)
		first, second := h.sendAs(route.Roles[0], who, route.Method, path, ""), h.sendAs(route.Roles[0], who, route.Method, path, "")
		if first.status == http.StatusTooManyRequests {
			t.Errorf("%s: the first call: %s", line, first.body)
		}
		if unlimited[line] {
			if second.status != http.StatusOK {
				t.Errorf("%s: the second call: %d %s", line, second.status, second.body)
			}
			continue
		}
		second.rateLimited(t, line)
	}
}

// S57: a subject uses up nothing of another's, and reading nothing of changing. Services have a limit of their own.
func TestS57_LimitsAreOfOneSubjectAndClass(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{limits: hourly(2, limit.Reads, limit.Writes)})
	read := func(who string) answer {
		return h.sendAs(curfew.Customer, who, "GET", "/api/customers/"+who+"/session-status", "")
	}
	for range 2 {
		if got := read("kim"); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	read("kim").rateLimited(t, "a third read")
	if got := read("sam"); got.status != http.StatusOK {
		t.Errorf("another's first read: %d %s", got.status, got.body)
	}
	if got := h.sendAs(curfew.Customer, "kim", "POST", "/api/customers/kim/clear", ""); got.status != http.StatusOK {
		t.Errorf("the first change: %d %s", got.status, got.body)
	}
	for range 5 {
		if got := h.sendAs(curfew.Service, "shop", "GET", "/api/customers/kim/session-status", ""); got.status != http.StatusOK {
			t.Errorf("a service's read: %d %s", got.status, got.body)
		}
	}
	if _, body := h.operator("/metrics"); !strings.Contains(body, `curfew_limited_total{class="reads"} 1`) ||
		!strings.Contains(body, `curfew_limited_total{class="logins"} 0`) {
		t.Error("the metrics do not count it")
	}
}

const forged = "Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6ImN1cmZldytqd3QifQ.e30.x"

func from(address string) string { return "X-Forwarded-For: " + address }

// S57: tokens that prove nothing are counted by address, and stand in no good token's way: many callers may share one.
func TestS57_FailedTokensAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{proxies: ours, limits: hourly(3, limit.Failures)})
	const path = "/api/debug/session-health"
	for i := range 5 {
		got := h.send("GET", path, "", forged, from("198.51.100.7"))
		if i < 3 && got.status != http.StatusUnauthorized {
			t.Errorf("failure %d: %d %s", i, got.status, got.body)
		}
		if i >= 3 {
			got.rateLimited(t, "a further failure")
		}
	}
	for sentence, test := range map[string]struct {
		want    int
		headers []string
	}{
		"a good token from there":      {200, []string{"Authorization: Bearer " + h.token(curfew.Admin, "anna"), from("198.51.100.7")}},
		"a bad one from elsewhere":     {401, []string{forged, from("198.51.100.8")}},
		"none at all":                  {401, []string{from("198.51.100.7")}},
		"a bad cookie from there":      {429, []string{"Cookie: __Host-curfew=x", from("198.51.100.7")}},
		"a bad one, IPv6":              {401, []string{forged, from("2001:db8::1")}},
		"another of the same network":  {401, []string{forged, from("2001:db8::2")}},
		"another address, with a port": {401, []string{forged, from("198.51.100.9:1234")}},
	} {
		if got := h.send("GET", path, "", test.headers...); got.status != test.want {
			t.Errorf("%s: %d %s, want %d", sentence, got.status, got.body, test.want)
		}
	}
}

// S57: who sends no token is counted by address, so that nobody can ask for nothing all day.
func TestS57_CallsWithoutATokenAreCountedByAddress(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{proxies: ours, limits: hourly(2, limit.Reads)})
	for _, path := range []string{"/api/customers/kim/session-status", "/"} { // the page asks to sign in
		if got := h.send("GET", path, "", from("198.51.100.7")); got.status == http.StatusTooManyRequests {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	h.send("GET", "/api/mechanics/requests", "", from("198.51.100.7")).rateLimited(t, "a third")
	page := h.send("GET", "/", "", from("198.51.100.7"))
	if page.status != http.StatusTooManyRequests || page.header.Get("Retry-After") == "" || !strings.Contains(page.body, "<html") {
		t.Errorf("the page: %d %v %s", page.status, page.header, page.body)
	}
	if got := h.send("GET", "/", "", from("198.51.100.8")); got.status != http.StatusOK {
		t.Errorf("from elsewhere: %d", got.status)
	}
}

// S57: sign-in links are limited by whose they are, and those that are nobody's by address.
func TestS57_LoginsAreLimited(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{proxies: ours, limits: hourly(2, limit.Logins)})
	const own = "Sec-Fetch-Site: same-origin"
	for i := range 4 {
		got := h.send("GET", "/login?ticket=guess", "", from("198.51.100.7"))
		if want := map[bool]int{true: 200, false: 429}[i < 2]; got.status != want || got.header.Get("Set-Cookie") != "" {
			t.Errorf("guess %d: %d, want %d", i, got.status, want)
		}
	}
	for i := range 3 {
		got := h.redeem(h.ticketPath(anna), own, from("198.51.100.7"))
		if want := map[bool]int{true: 303, false: 429}[i < 2]; got.status != want || (got.header.Get("Set-Cookie") != "") != (i < 2) {
			t.Errorf("login %d: %d %s, want %d", i, got.status, got.body, want)
		}
	}
	if got := h.redeem(h.ticketPath(curfew.Actor{Role: curfew.Admin, ID: "otto"}), own, from("198.51.100.7")); got.status != http.StatusSeeOther {
		t.Errorf("another's login: %d %s", got.status, got.body)
	}
}

// S57: messages are limited only after their signature. However many are not proven, a proven one comes in.
func TestS57_MessagesAreLimitedAfterTheirSignature(t *testing.T) {
	t.Parallel()
	h := limited(t, 3)
	for i := range 20 {
		if status, body := h.post("bad", notice("ada", "p1")); status != http.StatusBadRequest {
			t.Errorf("unproven message %d: %d %s", i, status, body)
		}
	}
	for i, want := range []int{204, 204, 204, 429} {
		if status, body := h.post("good", notice("ada", fmt.Sprint("p", i))); status != want {
			t.Errorf("proven message %d: %d %s, want %d", i, status, body, want)
		}
	}
	all, err := h.keeper.Checkouts.ListCheckouts(h.Context(), curfew.CheckoutSearch{Limit: 9})
	must(t, err)
	if len(all) != 3 {
		t.Errorf("%d payments, want 3", len(all))
	}
}

// S57: the listener for operators and the documentation are not limited.
func TestS57_OperatorsAndDocumentationAreNotLimited(t *testing.T) {
	t.Parallel()
	h := limited(t, 1)
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		for range 3 {
			if status, body := h.operator(path); status != http.StatusOK {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
	}
	for _, path := range []string{"/docs", "/openapi.json", "/static/css/curfew.css"} {
		for range 3 {
			if got := h.send("GET", path, ""); got.status != http.StatusOK {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
	}
}

// S57: links in mails that nobody wrote count as failures of an address.
func TestS57_ForgedUnsubscribeLinksAreLimited(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{limits: hourly(1, limit.Failures)})
	if got := h.send("GET", "/api/unsubscribe?token=x", ""); got.status != http.StatusBadRequest {
		t.Errorf("the first: %d %s", got.status, got.body)
	}
	h.send("POST", "/api/unsubscribe?token=y", "").rateLimited(t, "the second")
}

// S57: free sessions that are made and cancelled in a loop have to wait, and the answer says for how long.
func TestS57_FreeSessionsInALoopHaveToWait(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: func(p *curfew.Policy) { p.FreeCancels, p.FreeCancelsWindow = 1, time.Hour }})
	kim := h.as(curfew.Customer, "kim")
	f, err := kim.CreateSession(h.Context(), api.NewSession{Plan: "free"}, "")
	must(t, err)
	_, err = kim.Cancel(h.Context(), f.SessionID)
	must(t, err)
	got := h.sendAs(curfew.Customer, "kim", "POST", "/api/sessions", `{"plan":"free"}`)
	p := got.problem(t)
	wait, err := strconv.Atoi(got.header.Get("Retry-After"))
	if got.status != http.StatusTooManyRequests || p.Code != "rate_limited" || err != nil || wait < 3500 || wait > 3600 {
		t.Errorf("%d %v %s", got.status, got.header, got.body)
	}
	if _, at, _ := strings.Cut(p.Detail, "the next one can begin at "); at == "" {
		t.Errorf("it says %q", p.Detail)
	} else if _, err := time.Parse(time.RFC3339, at); err != nil {
		t.Error(err)
	}
}
