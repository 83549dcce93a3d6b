package httpapi_test

import (
	"fmt"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

// figures returns the names and labels of the metrics, with their values.
func (h *fixture) figures() map[string]string {
	h.Helper()
	_, text := h.operator("/metrics")
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if end := strings.LastIndex(line, " "); end > 0 && strings.HasPrefix(line, "curfew_") { // a label may hold a space
			all[line[:end]] = strings.TrimSpace(line[end:])
		}
	}
	return all
}

func TestTheFigures(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.ago(time.Hour)
	h.fulfilled("stale")
	h.ago(0)
	h.fulfilled("fresh")
	_, _ = h.shop().CreateSession(t.Context(), api.NewSession{Plan: "free", CustomerID: "fresh"}, "")
	_, _ = h.shop().CreateSession(t.Context(), api.NewSession{Plan: "no such plan", CustomerID: "other"}, "")
	stale := h.figures()
	_, err := h.admin().RunCleanup(t.Context(), api.Cleanup{})
	must(t, err)
	must(t, h.store.RecordSweep(t.Context(), 0))
	clean := h.figures()

	for name, want := range map[string]string{
		`curfew_sessions{status="waiting"}`:                                      "2",
		`curfew_sessions_stale`:                                                  "1",
		`curfew_sessions_very_stale`:                                             "1",
		`curfew_sessions_orphaned`:                                               "0",
		`curfew_requests{status="pending"}`:                                      "2",
		`curfew_checkouts{outcome="fulfilled"}`:                                  "2",
		`curfew_health_problems{code="very_stale_sessions",severity="critical"}`: "1",
		`curfew_blocked_total{status="waiting"}`:                                 "1",
		`curfew_admissions_total{outcome="refused"}`:                             "1",
		`curfew_admissions_total{outcome="fulfilled"}`:                           "2",
		`curfew_admissions_total{outcome="rejected"}`:                            "1", // its caller's mistake is no failure
		`curfew_admissions_total{outcome="failed"}`:                              "0",
		`curfew_admission_duration_seconds_count`:                                "4",
		`curfew_customers_blocked_repeatedly`:                                    "0",
	} {
		if stale[name] != want {
			t.Errorf("before the cleanup %s is %q, want %s", name, stale[name], want)
		}
	}
	for name, want := range map[string]string{
		`curfew_sessions{status="waiting"}`:                             "1",
		`curfew_sessions{status="cancelled"}`:                           "1",
		`curfew_sessions_stale`:                                         "0",
		`curfew_cleaned_total{rule="oldWaitingSessions",trigger="api"}`: "1",
		`curfew_cleaned_total{rule="expiredRequests",trigger="api"}`:    "1",
		`curfew_cleanup_runs_total{outcome="succeeded",trigger="api"}`:  "1",
		`curfew_cleanup_duration_seconds_count`:                         "1",
		`curfew_expiry_lag_seconds_count`:                               "1",
		`curfew_expiry_lag_seconds_bucket{le="0.001"}`:                  "0",
		`curfew_expiry_lag_seconds_bucket{le="3600"}`:                   "1",
	} {
		if clean[name] != want {
			t.Errorf("after the cleanup %s is %q, want %s", name, clean[name], want)
		}
	}
	if clean["curfew_sweeper_last_success_timestamp_seconds"] == "" || stale["curfew_sweeper_last_success_timestamp_seconds"] != "" {
		t.Error("a sweeper that never swept has a last success, or one that did has none")
	}
}

func TestMoneyIsSummedByOutcomeAndCurrency(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.held("ada", "cs_1", "")
	h.held("bob", "cs_2", "")
	_, err := h.admin().RefundCheckout(t.Context(), "cs_2", api.Refund{Reason: "goodwill"})
	must(t, err)
	figures := h.figures()
	for name, want := range map[string]string{
		`curfew_checkouts_amount{currency="eur",outcome="held"}`:       "2900",
		`curfew_checkouts_amount{currency="eur",outcome="refund_due"}`: "2900",
		`curfew_checkouts_owed{currency="eur"}`:                        "5800",
	} {
		if figures[name] != want {
			t.Errorf("%s is %q, want %s", name, figures[name], want)
		}
	}
	health, err := h.admin().Health(t.Context())
	must(t, err)
	want := []api.CheckoutTotal{{Outcome: "held", Currency: "eur", Amount: 2900, Count: 1}, {Outcome: "refund_due", Currency: "eur", Amount: 2900, Count: 1}}
	if !slices.Equal(health.Checkouts.Totals, want) {
		t.Errorf("health sums %+v", health.Checkouts.Totals)
	}
}

// The names are the contract's, all of them and no others.
func TestTheFiguresAreTheContracts(t *testing.T) {
	t.Parallel()
	want := []string{
		"curfew_admission_duration_seconds", "curfew_admissions_total", "curfew_blocked_total", "curfew_build_info", "curfew_checkouts", "curfew_cleaned_total",
		"curfew_cleanup_duration_seconds", "curfew_cleanup_runs_total", "curfew_customers_blocked_repeatedly", "curfew_deliveries",
		"curfew_deliveries_total", "curfew_expiry_lag_seconds",
		"curfew_health_problems", "curfew_http_request_duration_seconds", "curfew_http_requests_total", "curfew_limited_total", "curfew_provider_messages_total", "curfew_requests", "curfew_sessions", "curfew_sessions_orphaned", "curfew_sessions_stale",
		"curfew_sessions_very_stale", "curfew_sweeper_last_success_timestamp_seconds",
	}
	h := newFixture(t)
	h.ago(time.Hour)
	h.fulfilled("stale")
	h.ago(0)
	h.send("GET", "/docs", "")
	h.figures()
	h.metrics.Blocked(curfew.Live)
	h.metrics.Delivered("webhook", "dead")
	h.metrics.Cleaned(curfew.NoShows, curfew.ByTimer, 1)
	h.metrics.RunFinished(curfew.ByTimer, curfew.RunFailed, time.Second)
	must(t, h.store.RecordSweep(t.Context(), 0))
	names := map[string]bool{}
	for name := range h.figures() {
		name, _, _ = strings.Cut(name, "{")
		names[regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")] = true
	}
	if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, want) {
		t.Errorf("the figures are %v", got)
	}
}

// A counter that its first event creates has grown from nothing, which no rate sees. So each series that an alert uses is
// there from the start, and so is each whose labels are known.
func TestCountersBeginAtZero(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	fresh := h.figures()
	for _, name := range []string{
		`curfew_admissions_total{outcome="failed"}`, `curfew_admissions_total{outcome="refused"}`, `curfew_admissions_total{outcome="deferred"}`,
		`curfew_blocked_total{status="live"}`,
		`curfew_cleaned_total{rule="noShows",trigger="sweeper"}`, `curfew_cleaned_total{rule="expiredRequests",trigger="admission"}`,
		`curfew_cleanup_runs_total{outcome="failed",trigger="sweeper"}`, `curfew_cleanup_runs_total{outcome="succeeded",trigger="command"}`,
		`curfew_deliveries_total{channel="webhook",outcome="dead"}`, `curfew_deliveries_total{channel="mail",outcome="dead"}`,
		`curfew_deliveries_total{channel="mail",outcome="retried"}`, `curfew_expiry_lag_seconds_bucket{le="+Inf"}`,
		`curfew_http_requests_total{route="POST /api/checkouts",status="201"}`, `curfew_http_requests_total{route="POST /api/checkouts",status="503"}`,
	} {
		if fresh[name] != "0" {
			t.Errorf("%s begins as %q", name, fresh[name])
		}
	}
	if fresh[`curfew_build_info{goversion="`+runtime.Version()+`",version="v-test"}`] != "1" {
		t.Error("no metric shows the version that runs")
	}
	h.fulfilled("ada")
	h.metrics.Delivered("webhook", "dead")
	h.metrics.RunFinished(curfew.ByTimer, curfew.RunFailed, time.Second)
	h.metrics.Cleaned(curfew.Misses, curfew.ByQueue, 2)
	h.metrics.Blocked(curfew.Waiting)
	for name := range h.figures() {
		counter := regexp.MustCompile(`^curfew_(admissions|blocked|cleaned|cleanup_runs|deliveries)_total`).MatchString(name)
		if _, there := fresh[name]; counter && !there {
			t.Errorf("%s was not there from the start", name)
		}
	}
}

// Requests are counted by the route's pattern: nobody can create series by asking for paths that do not exist.
func TestRequestsAreCountedByRouteAndStatus(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.fulfilled("ada")
	h.send("GET", "/api/customers/ada/session-status", "")
	fresh := len(h.figures())
	for i := range 50 {
		h.send("GET", fmt.Sprint("/no/such/", i), "")
		h.send(fmt.Sprint("VERB", i), "/docs", "")
	}
	got := h.figures()
	for name, want := range map[string]string{
		`curfew_http_requests_total{route="POST /api/checkouts",status="201"}`:                       "1",
		`curfew_http_request_duration_seconds_count{route="POST /api/checkouts"}`:                    "1",
		`curfew_http_requests_total{route="GET /api/customers/{id}/session-status",status="401"}`:    "1",
		`curfew_http_requests_total{route="none",status="404"}`:                                      "50",
		`curfew_http_requests_total{route="none",status="405"}`:                                      "50",
		`curfew_http_request_duration_seconds_bucket{route="none",le="+Inf"}`:                        "100",
		`curfew_http_request_duration_seconds_count{route="GET /api/customers/{id}/session-status"}`: "1",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %s", name, got[name], want)
		}
	}
	if more := len(got) - fresh; more > 2+13 {
		t.Errorf("%d more series", more)
	}
}

func TestAFigureThatFailedIsAbsent(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{store: func(s lifecycle.Store) lifecycle.Store { return blind{s} }})
	got := h.figures()
	for _, name := range []string{"curfew_sessions_stale", `curfew_sessions{status="waiting"}`, "curfew_customers_blocked_repeatedly", "curfew_sweeper_last_success_timestamp_seconds"} {
		if got[name] != "" {
			t.Errorf("%s is %s, though it could not be read", name, got[name])
		}
	}
	if got[`curfew_requests{status="pending"}`] != "0" || got[`curfew_health_problems{code="unreadable",severity="critical"}`] == "" {
		t.Errorf("what can be had is missing: %v", got)
	}
}
