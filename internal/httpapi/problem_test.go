package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/lifecycle"
)

// problemOf is the problem that the client returned.
func problemOf(t *testing.T, err error) *api.Problem {
	t.Helper()
	p, ok := errors.AsType[*api.Problem](err)
	if !ok {
		t.Fatalf("no problem: %v", err)
	}
	return p
}

// The contract's list of codes and their statuses.
var contractStatuses = map[curfew.Kind]int{
	"invalid": 422, "unauthenticated": 401, "payment_required": 402, "forbidden": 403, "not_found": 404, "session_open": 409,
	"already_claimed": 409, "mechanic_busy": 409, "conflict": 409, "too_large": 413, "unsupported_media_type": 415,
	"idempotency_mismatch": 422, "rate_limited": 429, "unavailable": 503, "internal": 500,
}

func TestEveryKindHasItsStatus(t *testing.T) {
	t.Parallel()
	for _, k := range curfew.Kinds() {
		status, _, ok := problem.Meaning(k)
		if !ok || status != contractStatuses[k] {
			t.Errorf("%s: %d (with a title: %t), want %d", k, status, ok, contractStatuses[k])
		}
	}
}

// failing is a store in which one read fails.
type failing struct {
	lifecycle.Store
	err error
}

func (f failing) Open(context.Context, string) (curfew.Snapshot, error) {
	return curfew.Snapshot{}, f.err
}

func (f failing) Servable(context.Context, int) ([]string, error) { return nil, f.err }

func breaks(err error) settings {
	return settings{proxies: ours, store: func(s lifecycle.Store) lifecycle.Store { return failing{s, err} }}
}

func TestWhatFailsIsSaidSafely(t *testing.T) {
	t.Parallel()
	secret := errors.New(`ERROR: duplicate key (SQLSTATE 23505) DETAIL: Key (email)=(ada@example.org) in /var/lib/secret`)
	for sentence, test := range map[string]struct {
		err    error
		status int
		code   string
		retry  string
	}{
		"a defect keeps its text":                       {secret, 500, "internal", ""},
		"a database that cannot answer is retried":      {curfew.Errorf(curfew.Unavailable, "the database is busy"), 503, "unavailable", "1"},
		"its driver's text is not shown":                {errors.Join(curfew.Unavailable, secret), 503, "unavailable", "1"},
		"time that ran out says nothing of the outcome": {context.DeadlineExceeded, 503, "unavailable", "1"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			h := newFixtureWith(t, breaks(test.err))
			got := h.sendAs(curfew.Admin, "anna", "GET", "/api/customers/c/session-status", "", "X-Request-Id: my-request.1")
			p := got.problem(t)
			if got.status != test.status || p.Status != test.status || p.Code != test.code || got.header.Get("Retry-After") != test.retry {
				t.Errorf("%d %v %s", got.status, got.header, got.body)
			}
			if p.RequestID != "my-request.1" || !strings.Contains(p.Detail, "my-request.1") {
				t.Errorf("the request's id is missing: %s", got.body)
			}
			for _, leak := range []string{"SQLSTATE", "ada@example.org", "/var/lib", "deadline"} {
				if strings.Contains(got.body, leak) {
					t.Errorf("%q leaked: %s", leak, got.body)
				}
			}
			if !strings.Contains(h.log.String(), `"request_id":"my-request.1","code":"`+test.code) {
				t.Errorf("the log does not know it: %s", h.log)
			}
		})
	}
}

// S12: a panic is a 500 with a request id, and the process lives.
func TestS12_APanicIsAnAnswer(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{store: func(s lifecycle.Store) lifecycle.Store { return panicking{s} }})
	got := h.sendAs(curfew.Admin, "anna", "GET", "/api/customers/c/session-status", "")
	if p := got.problem(t); got.status != 500 || p.Code != "internal" || p.RequestID == "" || strings.Contains(got.body, "boom") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if !strings.Contains(h.log.String(), "boom") || !strings.Contains(h.log.String(), "goroutine") {
		t.Error("the log has no stack")
	}
	if again := h.sendAs(curfew.Admin, "anna", "GET", "/api/debug/cleanup-runs", ""); again.status != 200 {
		t.Errorf("after the panic: %d", again.status)
	}
}

type panicking struct{ lifecycle.Store }

func (panicking) Open(context.Context, string) (curfew.Snapshot, error) { panic("boom") }

// A cleanup in which a step failed responds with 500, no success, and what was committed.
func TestLesson02_AFailedStepIsAFailedRun(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, breaks(curfew.Errorf(curfew.Unavailable, "the database went away")))
	h.ago(time.Hour)
	h.fulfilled("c")
	h.ago(0)
	_, err := h.admin().RunCleanup(h.Context(), api.Cleanup{})
	p := problemOf(t, err)
	if p.Status != http.StatusInternalServerError || p.Code != "internal" || p.CleanupResult == nil {
		t.Fatalf("%+v", p)
	}
	if r := p.CleanupResult; r.Success || r.Stats.TotalCleaned != 2 || r.RunID == "" || !strings.Contains(r.Message, "failed") {
		t.Errorf("%+v", r)
	}
	runs, err := h.admin().CleanupRuns(h.Context(), api.Page{})
	must(t, err)
	if len(runs.Runs) != 1 || runs.Runs[0].Outcome != "failed" || runs.Runs[0].Stats.TotalCleaned != 2 {
		t.Errorf("%+v", runs.Runs)
	}
	health, err := h.admin().Health(h.Context())
	must(t, err)
	if health.Health == "healthy" {
		t.Error("healthy after a failed cleanup")
	}
}

func TestTheRoutersOwnProblems(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for sentence, test := range map[string]struct {
		method, path string
		status       int
		code, allow  string
	}{
		"no such route":                  {"GET", "/api/nothing", 404, "not_found", ""},
		"no such file":                   {"GET", "/static/nothing.css", 404, "not_found", ""},
		"a folder is not listed":         {"GET", "/static/", 404, "not_found", ""},
		"the wrong method":               {"PUT", "/api/checkouts", 405, "method_not_allowed", "GET, HEAD, POST"},
		"S16: TRACE":                     {"TRACE", "/api/debug/session-health", 405, "method_not_allowed", "GET, HEAD"},
		"S16: a method nobody knows":     {"BREW", "/api/debug/cleanup-sessions", 405, "method_not_allowed", "GET, HEAD, POST"},
		"S56: preflights get no promise": {"OPTIONS", "/api/checkouts", 405, "method_not_allowed", "GET, HEAD, POST"},
		"S18: no metrics here":           {"GET", "/metrics", 404, "not_found", ""},
		"S18: no profiles here":          {"GET", "/debug/pprof/", 404, "not_found", ""},
		"S06: climbing out":              {"GET", "/api/sessions/..%2f..%2fetc", 401, "unauthenticated", ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got := h.send(test.method, test.path, "", "Origin: https://evil.example")
			if got.status != test.status || got.header.Get("Allow") != test.allow {
				t.Errorf("%d %v %s", got.status, got.header, got.body)
			}
			if got.header.Get("Content-Type") != "application/problem+json" || got.problem(t).Code != test.code {
				t.Errorf("no problem of the contract: %v %s", got.header, got.body)
			}
			if got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("S56: another origin was let in")
			}
		})
	}
}

// Whoever is led to an error by a browser reads a page, which says what to do; programs get a problem.
func TestErrorsForBrowsersArePages(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for sentence, test := range map[string]struct {
		method, path string
		status       int
		says         string
	}{
		"no such page":                 {"GET", "/console/nothing", 404, "There is no page at this address."},
		"no such file":                 {"GET", "/static/nothing.css", 404, "Check the address"},
		"a form's address":             {"GET", "/logout", 405, "A form or a program calls this address"},
		"another site's form":          {"POST", "/logout", 403, "do it again from Curfew&#39;s own page"},
		"headers that are too large":   {"GET", "/?" + strings.Repeat("x", 17<<10), 431, "headers have more than"},
		"a broken address of our page": {"GET", "/console/payments?q=%zz", 200, "You are not signed in"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			got := h.send(test.method, test.path, "", "Accept: text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Site: cross-site")
			if got.status != test.status || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || !strings.Contains(got.body, test.says) {
				t.Errorf("%d %v %s", got.status, got.header, got.body)
			}
			if strings.Contains(got.body, "v-test") || strings.Contains(got.body, "<script") {
				t.Errorf("a stranger's page has more than it needs: %s", got.body)
			}
		})
	}
}

// A page that is asked for too often, or cannot be read, is a page still.
func TestPagesThatFailArePages(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{limits: map[limit.Class]limit.Rate{limit.Services: {Count: 1, Period: time.Hour}}})
	cookie := h.signedIn(anna)
	first, second := h.send("GET", "/console/payments", "", cookie), h.send("GET", "/console/payments", "", cookie)
	if first.status != http.StatusOK || second.status != http.StatusTooManyRequests || !strings.Contains(second.body, "Too many requests came from here.") {
		t.Errorf("too often: %d, then %d %s", first.status, second.status, second.body)
	}
	h = newFixture(t)
	cookie = h.signedIn(anna)
	broken := h.send("GET", "/console/payments?limit=%zz", "", cookie)
	if broken.status != http.StatusUnprocessableEntity || !strings.Contains(broken.body, "This address cannot be shown.") {
		t.Errorf("a broken address: %d %s", broken.status, broken.body)
	}
	must(t, h.store.Close())
	lost := h.send("GET", "/console/payments", "", cookie)
	if lost.status < http.StatusInternalServerError || !strings.Contains(lost.body, "Curfew cannot tell how things are.") {
		t.Errorf("no database: %d %s", lost.status, lost.body)
	}
}
