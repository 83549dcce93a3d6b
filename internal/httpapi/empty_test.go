package httpapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/storetest"
)

// pathOf returns a route's path with the id of something that exists.
func pathOf(route httpapi.RouteLine, f api.Fulfillment) string {
	id := "somebody"
	switch {
	case strings.HasPrefix(route.Path, "/api/sessions/"), strings.HasPrefix(route.Path, "/api/debug/sessions/"):
		id = f.SessionID
	case strings.HasPrefix(route.Path, "/api/mechanics/requests/"):
		id = f.RequestID
	}
	return strings.Replace(route.Path, "{id}", id, 1)
}

func roleOf(route httpapi.RouteLine) curfew.Role {
	for _, role := range []curfew.Role{curfew.Admin, curfew.Service, curfew.Mechanic} {
		if slices.Contains(route.Roles, role) {
			return role
		}
	}
	return curfew.Customer
}

// asked calls a route as somebody who may use it.
func (h *fixture) asked(route httpapi.RouteLine, path, body string) answer {
	h.Helper()
	role, who := roleOf(route), "anna"
	if role == curfew.Mechanic {
		who = "mia"
	}
	return h.sendAs(role, who, route.Method, path, body)
}

// For every route and every parameter: an empty value, a blank one, two, and an unknown parameter select nothing and change
// nothing.
func TestNoQueryParameterIsIgnoredOrWidens(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	f := h.accepted("somebody", "mia")
	before := h.dump()
	for _, route := range httpapi.RouteTable() {
		path := pathOf(route, f)
		refused := map[string]string{"?utm_source=x": "utm_source", "?" + url.QueryEscape("\u202e") + "=x": `\u202e`, "?=x": `""`, "?x": `"x"`}
		for _, p := range route.Params {
			for _, q := range []string{p + "=", p, p + "=%20", p + "=%09", p + "=5&" + p + "=5", p + "=&" + p + "=5", p + "=a%E2%80%AEb"} {
				refused["?"+q] = p
			}
			capital := strings.ToUpper(p[:1]) + p[1:]
			refused["?"+capital+"=5"] = capital
		}
		for q, name := range refused {
			got := h.asked(route, path+q, "")
			if got.status != http.StatusUnprocessableEntity || got.problem(t).Code != "invalid" || !strings.Contains(got.problem(t).Detail, name) {
				t.Errorf("%s %s%s: %d %.200s", route.Method, route.Path, q, got.status, got.body)
			}
		}
		if got := h.asked(route, path+"?x=%zz", ""); got.status != http.StatusBadRequest {
			t.Errorf("%s %s: a broken query is %d", route.Method, route.Path, got.status)
		}
	}
	if after := h.dump(); after != before {
		t.Errorf("something changed:\n%s\nwas:\n%s", after, before)
	}
}

// The routes that the gate does not guard take no unknown parameter either.
func TestNoQueryParameterIsIgnoredBehindAnOpenDoor(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{hooks: httpapi.Hooks{Stripe: hook{}, Events: hook{}}})
	for pattern, path := range httpapi.OpenPaths() {
		if path == "/api/unsubscribe" { // a page: what rewrites the links of mails adds parameters
			continue
		}
		method, _, _ := strings.Cut(pattern, " ")
		for q, status := range map[string]int{"?x=1": 422, "?x": 422, "?=": 422, "?x=%zz": 400} {
			got := h.send(method, path+q, "{}", "Content-Type: application/json")
			if got.status != status || got.problem(t).Code != "invalid" {
				t.Errorf("%s%s: %d %s", pattern, q, got.status, got.body)
			}
		}
	}
}

// texts are fields of bodies whose empty text counts as absent, because it selects nothing. All others must not be empty.
var texts = []string{"email", "name", "reason", "description"}

// wholeWith returns a body of a route in which one field has this value.
func wholeWith(route httpapi.RouteLine, field, value string) string {
	parts := []string{`"` + field + `":` + value}
	for name, usual := range map[string]string{
		"paymentRef": `"p"`, "customerId": `"c"`, "plan": `"chat10"`, "reason": `"r"`, "url": `"https://example.org/"`, "endpoint": `"e"`,
		"name": `"n"`, "neverExpires": `true`, "role": `"customer"`,
	} {
		if name != field && slices.Contains(route.Fields, name) {
			parts = append(parts, `"`+name+`":`+usual)
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func TestNoFieldOfABodyWidens(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.ago(5 * time.Minute)
	f := h.accepted("somebody", "mia")
	h.ago(0)
	before := h.dump()
	for _, route := range httpapi.RouteTable() {
		for _, field := range route.Fields {
			if slices.Contains(texts, field) || field == "events" { // none, told as such when it is read, are all
				continue
			}
			for _, empty := range []string{`""`, `" "`, `"\t"`, `[]`, `[""]`, `[" "]`} {
				got := h.asked(route, pathOf(route, f), wholeWith(route, field, empty))
				named := strings.Contains(got.body, field) || strings.HasSuffix(route.Path, "/extend") // no built-in plan extends
				if got.status != http.StatusNotFound && (got.status != http.StatusUnprocessableEntity || !named) {
					t.Errorf("%s %s with %s %s: %d %.200s", route.Method, route.Path, field, empty, got.status, got.body)
				}
			}
		}
	}
	if after := h.dump(); after != before {
		t.Errorf("something changed:\n%s\nwas:\n%s", after, before)
	}
}

func TestAnEmptyIdempotencyKeyIsNone(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for _, key := range []string{"", " "} {
		if got := h.sendAs(curfew.Service, "shop", "POST", "/api/sessions", `{"plan":"free","customerId":"c"}`, "Idempotency-Key: "+key); got.status != 422 || !strings.Contains(got.body, "Idempotency-Key") {
			t.Errorf("%q: %d %s", key, got.status, got.body)
		}
	}
}

// An id that is empty, or does not show as it is, is nobody's.
func TestIDsThatSayNothing(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.fulfilled("somebody")
	before := h.dump()
	for _, id := range []string{"%20", "%09", "%E3%80%80", "%C2%A0", "%E2%80%AE", "a%E2%80%8Bb", "%00"} {
		for _, route := range []string{"GET /api/customers/ID/checkouts", "GET /api/customers/ID/session-status", "POST /api/customers/ID/clear"} {
			method, path, _ := strings.Cut(strings.Replace(route, "ID", id, 1), " ")
			if got := h.sendAs(curfew.Admin, "anna", method, path, ""); got.status != 422 || !strings.Contains(got.body, "customer id") {
				t.Errorf("%s %s: %d %s", method, path, got.status, got.body)
			}
		}
	}
	for _, path := range []string{"/api/customers//clear", "/api/debug/cleanup-runs//undo"} {
		if got := h.sendAs(curfew.Admin, "anna", "POST", path, ""); got.status < 300 {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if after := h.dump(); after != before {
		t.Errorf("something changed:\n%s\nwas:\n%s", after, before)
	}
}

// Pages ignore the parameters that links from elsewhere bring along, and refuse an empty one of their own.
func TestPagesDoNotWiden(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	cookie := h.signedIn(anna)
	for path, want := range map[string]int{
		"/cleanup-sessions-admin.html?utm_source=mail&fbclid=1": 200,
		"/cleanup-sessions-admin.html?customerId=":              422,
		"/cleanup-sessions-admin.html?customerId=%20":           422,
		"/cleanup-sessions-admin.html?customerId=%zz":           422,
		"/cleanup-sessions-admin.html?customerId=a&customerId=": 422,
		"/cleanup-sessions-admin.html?customerId=a%E2%80%AEb":   422,
		"/cleanup-sessions-admin.html?rules=":                   422,
		"/cleanup-sessions-admin.html?rules=none":               422,
		"/cleanup-sessions-admin.html?rules=noShows&rules=due":  200,
		"/cleanup-sessions-admin.html?maxAgeMinutes=":           422,
		"/cleanup-sessions-admin.html?maxAgeMinutes=soon":       422,
		"/cleanup-sessions-admin.html?preview=":                 422,
		"/clear-my-sessions.html?customer=":                     200, // it asks for whom
		"/clear-my-sessions.html?customer=%20":                  422,
		"/clear-my-sessions.html?customer=a&customer=b":         422,
		"/console/customer?q=":                                  200,
		"/console/customer?q=kim&cursor=":                       422,
		"/console/payments?outcome=":                            422,
		"/console/payments?after=&utm_source=x":                 422,
		"/console/deliveries?endpoint=":                         422,
		"/console/approvals?state=":                             422,
		"/console/approvals?state=soon":                         422,
		"/console/approvals?state=all&utm_source=x":             200,
		"/console/approvals?customerId=":                        422,
		"/console/approvals?id=":                                422,
		"/console/approvals?id=x":                               200,
		"/console/approvals?cursor=":                            422,
		"/console/approvals?cursor=x":                           400,
		"/console/audit?actor=":                                 422,
		"/console/audit?subject=%20":                            422,
		"/console/audit?action=":                                422,
		"/console/audit?from=":                                  422,
		"/console/audit?from=soon":                              422,
		"/console/audit?cursor=":                                422,
		"/console/audit?cursor=0":                               400,
		"/console/audit?from=2026-11-01":                        200,
		"/?utm_source=x":                                        200,
	} {
		if got := h.send("GET", path, "", cookie); got.status != want {
			t.Errorf("%s: %d, want %d", path, got.status, want)
		}
	}
}

// What a provider sends is kept whatever it contains: no payment is lost because of it, and pages show it as it is.
func TestAProvidersTextLosesNoPayment(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	const turned = "gpj\u202egnp"
	for _, p := range []storetest.Report{
		{Ref: "named", PaymentID: "pi-1", CustomerID: "kim", Plan: "chat10", Amount: 2900, Currency: "eur", Name: turned, Email: turned, Paid: true},
		{Ref: "turned", PaymentID: "pi-2", CustomerID: turned, Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true},
		{Ref: "planned", PaymentID: "pi-3", CustomerID: "lea", Plan: turned, Amount: 2900, Currency: "eur", Paid: true},
	} {
		must(t, h.keeper.Payments.Receive(t.Context(), p.Notice()))
	}
	for ref, want := range map[string]curfew.Outcome{"named": curfew.Fulfilled, "turned": curfew.Held, "planned": curfew.Held} {
		c, err := h.keeper.Checkouts.Checkout(t.Context(), ref)
		must(t, err)
		if c.Outcome != want || ref == "turned" && !strings.Contains(c.Note, `gpj\u202egnp`) || ref == "named" && c.Name != turned {
			t.Errorf("%s: %+v", ref, c)
		}
	}
	cookie := h.signedIn(anna)
	for _, path := range []string{"/console/payments?outcome=held", "/console/payments?outcome=fulfilled", "/console/customer?q=named", "/console/customer?q=turned", "/mechanic.html"} {
		got := h.send("GET", path, "", cookie)
		if got.status == http.StatusNotFound || strings.Contains(got.body, "\u202e") {
			t.Errorf("%s: %d, with a text that turns", path, got.status)
		}
	}
}
