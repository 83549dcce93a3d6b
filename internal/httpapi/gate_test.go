package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/record"
)

// cell is who calls. A scenario has a session of the customer own, that the
// mechanic former released and the mechanic assigned then accepted.
type cell int

const (
	anon cell = iota
	own
	other
	assigned
	former
	otherMechanic
	adminCell
	serviceCell
	keyCell      // of a service that is bound to the scenario's customers
	elsewhereKey // bound to other customers
	otherKey     // bound to another route
	cells
	acting // a key of the scenario that is bound to nothing, by which its service acts for others
)

var cellNames = [cells]string{"anon", "own", "other", "assigned", "former", "other mechanic", "admin", "service", "key", "key elsewhere", "key for other routes"}

// who is the contract's access table, written by hand: every role on every route.
//
//	anon own other assigned former otherMechanic admin service key elsewhereKey otherKey
var who = map[string][cells]int{
	"POST /api/checkouts":                         {401, 403, 403, 403, 403, 403, 403, 201, 201, 404, 403},
	"GET /api/customers/{id}/checkouts":           {401, 200, 404, 403, 403, 403, 200, 200, 200, 404, 403},
	"GET /api/customers/{id}/forecast":            {401, 200, 404, 403, 403, 403, 200, 200, 200, 404, 403},
	"GET /api/customers/{id}/session-status":      {401, 200, 404, 403, 403, 403, 200, 200, 200, 404, 403},
	"POST /api/customers/{id}/clear":              {401, 200, 404, 403, 403, 403, 200, 200, 200, 404, 403},
	"GET /api/customers/{id}/export":              {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/customers/{id}/erase":              {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/sessions":                          {401, 201, 403, 403, 403, 403, 403, 201, 201, 404, 403},
	"GET /api/sessions/{id}":                      {401, 200, 404, 200, 404, 404, 200, 200, 200, 404, 403},
	"GET /api/sessions/{id}/events":               {401, 200, 404, 200, 404, 404, 200, 200, 200, 404, 403},
	"POST /api/sessions/{id}/join":                {401, 200, 404, 200, 404, 404, 403, 403, 403, 403, 403},
	"POST /api/sessions/{id}/end":                 {401, 200, 404, 200, 404, 404, 200, 200, 200, 404, 403},
	"POST /api/sessions/{id}/cancel":              {401, 200, 404, 200, 404, 404, 200, 200, 200, 404, 403},
	"POST /api/sessions/{id}/extend":              {401, 403, 403, 403, 403, 403, 403, 200, 200, 404, 403},
	"GET /api/mechanics/requests":                 {401, 403, 403, 200, 200, 200, 200, 403, 403, 403, 403},
	"POST /api/mechanics/requests/{id}/accept":    {401, 403, 403, 200, 409, 409, 403, 403, 403, 403, 403},
	"POST /api/mechanics/requests/{id}/release":   {401, 403, 403, 200, 404, 404, 403, 403, 403, 403, 403},
	"POST /api/mechanics/requests/{id}/transfer":  {401, 403, 403, 200, 404, 404, 403, 403, 403, 403, 403},
	"GET /api/mechanics/{id}":                     {401, 403, 403, 200, 404, 404, 200, 200, 200, 200, 403},
	"GET /api/debug/cleanup-sessions":             {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/debug/cleanup-sessions":            {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/sessions":                           {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/sessions.csv":                       {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/checkouts":                          {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/checkouts.csv":                      {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/deliveries.csv":                     {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/search":                             {401, 403, 403, 403, 403, 403, 422, 403, 403, 403, 403},
	"GET /api/debug/cleanup-runs":                 {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/debug/reconcile":                   {401, 403, 403, 403, 403, 403, 422, 403, 403, 403, 403},
	"GET /api/debug/jobs":                         {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/debug/jobs/{id}":                    {401, 403, 403, 403, 403, 403, 404, 403, 403, 403, 403},
	"POST /api/debug/jobs/{id}/cancel":            {401, 403, 403, 403, 403, 403, 404, 403, 403, 403, 403},
	"GET /api/debug/checkouts":                    {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/debug/checkouts/{id}":               {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/debug/books":                        {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/debug/checkouts/{id}/evidence":      {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/debug/checkouts/{id}/fulfil":       {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/debug/checkouts/{id}/assign":       {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/debug/checkouts/{id}/refund":       {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/debug/checkouts/{id}/credit":       {401, 403, 403, 403, 403, 403, 409, 403, 403, 403, 403},
	"POST /api/debug/checkouts/{id}/ignore":       {401, 403, 403, 403, 403, 403, 409, 403, 403, 403, 403},
	"POST /api/debug/checkouts/{id}/restore":      {401, 403, 403, 403, 403, 403, 409, 403, 403, 403, 403},
	"POST /api/debug/test-checkout":               {401, 403, 403, 403, 403, 403, 409, 403, 403, 403, 403}, // there are payments
	"POST /api/debug/findings/{id}/acknowledge":   {401, 403, 403, 403, 403, 403, 422, 403, 403, 403, 403}, // it has neither reason nor end
	"DELETE /api/debug/findings/{id}/acknowledge": {401, 403, 403, 403, 403, 403, 404, 403, 403, 403, 403},
	"POST /api/debug/cleanup-runs/{id}/undo":      {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/debug/explain":                      {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/debug/sessions/{id}/release":       {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/debug/sessions/{id}/prolong":       {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/debug/session-health":               {401, 403, 403, 403, 403, 403, 200, 200, 403, 403, 403},
	"GET /api/webhook-endpoints":                  {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/webhook-endpoints":                 {401, 403, 403, 403, 403, 403, 201, 403, 403, 403, 403},
	"GET /api/webhook-endpoints/{id}":             {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"PATCH /api/webhook-endpoints/{id}":           {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"DELETE /api/webhook-endpoints/{id}":          {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/webhook-endpoints/{id}/rotate":     {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/webhook-endpoints/{id}/test":       {401, 403, 403, 403, 403, 403, 202, 403, 403, 403, 403},
	"GET /api/deliveries":                         {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/deliveries/{id}":                    {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/deliveries/{id}/replay":            {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/deliveries/replay":                 {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/stream":                             {401, 200, 200, 200, 200, 200, 200, 200, 403, 403, 403},
	"GET /api/approvals":                          {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/approvals/{id}/approve":            {401, 403, 403, 403, 403, 403, 404, 403, 403, 403, 403},
	"POST /api/approvals/{id}/reject":             {401, 403, 403, 403, 403, 403, 404, 403, 403, 403, 403},
	"GET /api/audit":                              {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/stream/tickets":                    {401, 201, 201, 201, 201, 201, 201, 201, 403, 403, 403},
	"GET /api/keys":                               {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/keys":                              {401, 403, 403, 403, 403, 403, 201, 403, 403, 403, 403},
	"POST /api/keys/{id}/rotate":                  {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"DELETE /api/keys/{id}":                       {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/sign-ins":                           {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"DELETE /api/sign-ins":                        {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"DELETE /api/sign-ins/{id}":                   {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/tokens/revoke":                     {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"GET /api/debug/history":                      {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
	"POST /api/test/clock/advance":                {401, 403, 403, 403, 403, 403, 404, 404, 403, 403, 403}, // there is none
	"GET /api/debug/settings":                     {401, 403, 403, 403, 403, 403, 200, 403, 403, 403, 403},
}

// scenario is one session and everybody around it, with names of their own.
type scenario struct {
	h                  *fixture
	n                  int64
	session, request   string
	checkout           string
	run                string
	customer, mechanic string
	endpoint, delivery string // to which a dead test went
	key                string // its id
	keys               map[cell]string
}

var scenarios atomic.Int64

func newScenario(h *fixture) *scenario {
	h.Helper()
	n := scenarios.Add(1)
	customer := fmt.Sprintf("customer-%d", n)
	return newScenarioOf(h, n, customer, customer, h.fulfilled(customer))
}

// newScenarioOf is a scenario of a customer, whose id begins so, with a session that was just paid for.
func newScenarioOf(h *fixture, n int64, customer, prefix string, f api.Fulfillment) *scenario {
	h.Helper()
	s := &scenario{h: h, n: n, customer: customer, mechanic: fmt.Sprintf("assigned-%d", n)}
	s.session, s.request = f.SessionID, f.RequestID
	paid, err := h.admin().Checkouts(h.Context(), s.customer)
	must(h.T, err)
	s.checkout = paid.Checkouts[0].ID
	former := h.as(curfew.Mechanic, fmt.Sprintf("former-%d", s.n))
	_, err = former.Accept(h.Context(), s.request)
	must(h.T, err)
	_, err = former.Release(h.Context(), s.request)
	must(h.T, err)
	_, err = h.as(curfew.Mechanic, s.mechanic).Accept(h.Context(), s.request)
	must(h.T, err)
	run, err := h.admin().RunCleanup(h.Context(), api.Cleanup{})
	must(h.T, err)
	s.run = run.RunID
	s.endpoint, s.delivery = h.dead()
	must(h.T, h.store.AddSignIn(h.Context(), record.SignIn{ID: fmt.Sprintf("sign-in-%d", s.n), Actor: anna}, time.Hour))
	s.keys = map[cell]string{}
	s.key, s.keys[keyCell] = h.key(record.KeyScope{CustomerPrefix: prefix})
	_, s.keys[elsewhereKey] = h.key(record.KeyScope{CustomerPrefix: "elsewhere-"})
	_, s.keys[otherKey] = h.key(record.KeyScope{Routes: []string{"sessionHealth"}})
	_, s.keys[cells] = h.key(record.KeyScope{Routes: []string{"readSession"}})
	_, s.keys[acting] = h.key(record.KeyScope{})
	return s
}

// key makes an API key. It returns its id, and what its holder presents.
func (h *fixture) key(scope record.KeyScope) (id, text string) {
	h.Helper()
	k, text, err := httpapi.Keys(h.store).Create(h.Context(), curfew.Actor{Role: curfew.Admin, ID: "anna"}, auth.NewKey{Name: "shop", Forever: true, Scope: scope})
	must(h.T, err)
	return k.ID, text
}

// dead makes an endpoint, and a test delivery that did not reach it.
func (h *fixture) dead() (endpoint, delivery string) {
	h.Helper()
	endpoints := webhook.Endpoints{Store: h.store}
	w, err := endpoints.Add(h.Context(), record.Endpoint{URL: "https://example.org/hooks"})
	must(h.T, err)
	d, err := endpoints.Test(h.Context(), w.ID)
	must(h.T, err)
	h.exec("UPDATE deliveries SET state = 'dead', attempts = 10, failures = 10, status = 500, error = 'it answered 500' WHERE id = ?", d.ID)
	return w.ID, d.ID
}

// moreTime sells a quarter of an hour for live sessions.
func moreTime(p *curfew.Policy) {
	price := int64(900)
	p.Plans["more15"] = curfew.Plan{Kind: curfew.Chat, Duration: 15 * time.Minute, Price: &price, Currency: "eur", Extends: true}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// caller returns the role and id of a cell.
func (s *scenario) caller(c cell) curfew.Actor {
	id := fmt.Sprintf("%s-%d", strings.ReplaceAll(cellNames[c], " ", "-"), s.n)
	switch c {
	case own:
		return curfew.Actor{Role: curfew.Customer, ID: s.customer}
	case other:
		return curfew.Actor{Role: curfew.Customer, ID: id}
	case assigned, former, otherMechanic:
		return curfew.Actor{Role: curfew.Mechanic, ID: id}
	case adminCell:
		return curfew.Actor{Role: curfew.Admin, ID: id}
	}
	return curfew.Actor{Role: curfew.Service, ID: id}
}

// path returns a route's path, about this scenario or about something that is missing.
func (s *scenario) path(pattern string, missing bool) string {
	id := s.session
	switch {
	case missing && strings.Contains(pattern, "/customers/"):
		id = "nobody-at-all"
	case missing:
		id = uuid.Must(uuid.NewV7()).String()
	case strings.Contains(pattern, "/customers/"):
		id = s.customer
	case strings.Contains(pattern, "/mechanics/{id}"):
		id = s.mechanic
	case strings.Contains(pattern, "/mechanics/"):
		id = s.request
	case strings.Contains(pattern, "/debug/checkouts/"):
		id = s.checkout
	case strings.Contains(pattern, "/cleanup-runs/"):
		id = s.run
	case strings.HasSuffix(pattern, "/explain"):
		pattern += "?subject=" + s.customer
	case strings.HasSuffix(pattern, "/books"):
		pattern += "?month=2026-11"
	case strings.Contains(pattern, "/webhook-endpoints/"):
		id = s.endpoint
	case strings.Contains(pattern, "/deliveries/"):
		id = s.delivery
	case strings.Contains(pattern, "/keys/"):
		id = s.key
	case strings.Contains(pattern, "/sign-ins/"):
		id = fmt.Sprintf("sign-in-%d", s.n)
	}
	return strings.Replace(pattern, "{id}", id, 1)
}

// body returns the body that the route needs from that caller.
func (s *scenario) body(method, pattern string, c cell) string {
	switch {
	case method == http.MethodGet:
		return ""
	case pattern == "/api/checkouts":
		return fmt.Sprintf(`{"paymentRef":"gate-%d","customerId":"%s-buyer","plan":"chat10"}`, s.n, s.customer)
	case strings.HasSuffix(pattern, "/extend"):
		return fmt.Sprintf(`{"plan":"more15","paymentRef":"more-%d"}`, s.n)
	case strings.HasSuffix(pattern, "/assign"):
		return fmt.Sprintf(`{"customerId":%q,"plan":"chat10","reason":"found"}`, s.customer)
	case strings.HasSuffix(pattern, "/refund"), strings.HasSuffix(pattern, "/credit"), strings.HasSuffix(pattern, "/ignore"),
		strings.HasSuffix(pattern, "/restore"):
		return `{"reason":"goodwill"}`
	case strings.HasSuffix(pattern, "/debug/sessions/{id}/release"):
		return `{"reason":"he is ill"}`
	case strings.HasSuffix(pattern, "/erase"):
		return `{"dryRun":true}`
	case strings.HasSuffix(pattern, "/prolong"):
		return `{"minutes":5,"reason":"he is on the way"}`
	case strings.HasSuffix(pattern, "/transfer"):
		return fmt.Sprintf(`{"mechanicId":"colleague-%d"}`, s.n)
	case pattern == "/api/webhook-endpoints":
		return `{"url":"https://example.org/hooks"}`
	case pattern == "/api/deliveries/replay":
		return fmt.Sprintf(`{"endpoint":%q}`, s.endpoint)
	case pattern == "/api/sessions" && c == own:
		return `{"plan":"free"}`
	case pattern == "/api/sessions":
		return fmt.Sprintf(`{"plan":"free","customerId":"%s-buyer"}`, s.customer)
	case pattern == "/api/tokens/revoke":
		return `{"role":"customer","subject":"nobody-at-all"}`
	case pattern == "/api/test/clock/advance":
		return `{"by":"1h"}`
	case pattern == "/api/keys":
		return `{"name":"shop","neverExpires":true}`
	}
	return ""
}

func (s *scenario) call(method, pattern string, c cell, missing bool) answer {
	s.h.Helper()
	path, body := s.path(pattern, missing), s.body(method, pattern, c)
	switch {
	case c == anon:
		return s.h.send(method, path, body)
	case c == otherKey && strings.HasSuffix(pattern, "/session-health"):
		return s.h.send(method, path, body, "Authorization: Bearer "+s.keys[cells])
	case c >= keyCell:
		return s.h.send(method, path, body, "Authorization: Bearer "+s.keys[c])
	}
	by := s.caller(c)
	if pattern == "/api/sessions" && c == own {
		by.ID = fmt.Sprintf("fresh-%d", s.n) // the scenario's own customer has a session
	}
	return s.h.sendAs(by.Role, by.ID, method, path, body)
}

// Every role on every route gets its status, and of somebody's personal data only what is for them.
func TestEveryRoleOnEveryRoute(t *testing.T) {
	t.Parallel()
	p := newPersonalCanary(t)
	var s *scenario
	for _, route := range httpapi.RouteTable() {
		line := route.Method + " " + route.Path
		want, ok := who[line]
		if !ok {
			t.Errorf("%s has no row in the who-table", line)
		}
		for c := range cells {
			if s == nil {
				s = p.marked()
			}
			got := s.call(route.Method, route.Path, c, false)
			if got.status != want[c] {
				t.Errorf("%s as %s: %d, want %d: %s", line, cellNames[c], got.status, want[c], got.body)
			}
			p.only(s, c, line, got)
			if want[c] < http.StatusBadRequest && route.Method != http.MethodGet { // no other call changes anything
				s = nil
			}
		}
	}
	if len(who) != len(httpapi.RouteTable()) {
		t.Errorf("%d rows for %d routes", len(who), len(httpapi.RouteTable()))
	}
	p.discreetly()
}

// S32: the response to what belongs to another is that to what is missing.
func TestS32_AnothersIsLikeMissing(t *testing.T) {
	t.Parallel()
	s := newScenario(newFixtureWith(t, settings{policy: moreTime}))
	for _, route := range httpapi.RouteTable() {
		line := route.Method + " " + route.Path
		for c := range cells {
			if who[line][c] != http.StatusNotFound {
				continue
			}
			theirs, missing := s.call(route.Method, route.Path, c, false), s.call(route.Method, route.Path, c, true)
			if theirs.status != missing.status || theirs.body != missing.body {
				t.Errorf("%s as %s: %d %s\nbut for what is missing: %d %s", line, cellNames[c], theirs.status, theirs.body, missing.status, missing.body)
			}
		}
	}
}

func TestARoleThatMayNotChangesNothing(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: moreTime})
	s := newScenario(h)
	before := h.dump()
	for _, route := range httpapi.RouteTable() {
		for c := range cells {
			if status := who[route.Method+" "+route.Path][c]; status >= 400 {
				s.call(route.Method, route.Path, c, false)
			}
		}
	}
	if after := h.dump(); after != before {
		t.Errorf("the refused calls changed rows:\n%s\nwas:\n%s", after, before)
	}
}

// Only a route's roles say who may use it.
func TestRolesOfRoutesAreTheTables(t *testing.T) {
	t.Parallel()
	for _, route := range httpapi.RouteTable() {
		row := who[route.Method+" "+route.Path]
		for _, role := range []curfew.Role{curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service} {
			may := false
			for _, r := range route.Roles {
				may = may || r == role
			}
			first := map[curfew.Role]cell{curfew.Customer: own, curfew.Mechanic: assigned, curfew.Admin: adminCell, curfew.Service: serviceCell}[role]
			if may != (row[first] != http.StatusForbidden) {
				t.Errorf("%s %s: the table and the route disagree about %s", route.Method, route.Path, role)
			}
		}
	}
}

func TestOnlyAnAdminForces(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: moreTime})
	s := newScenario(h)
	for _, by := range []curfew.Actor{s.caller(own), s.caller(serviceCell)} {
		got := h.sendAs(by.Role, by.ID, "POST", "/api/customers/"+s.customer+"/clear", `{"force":true,"reason":"so"}`)
		if got.status != http.StatusForbidden {
			t.Errorf("%s forced: %d %s", by, got.status, got.body)
		}
	}
	got := h.sendAs(curfew.Admin, "anna", "POST", "/api/customers/"+s.customer+"/clear", `{"force":true}`)
	if got.status != http.StatusUnprocessableEntity {
		t.Errorf("forced without a reason: %d %s", got.status, got.body)
	}
}

// A call repeated after a lost response gets the first response; nobody else does.
func TestReleasingTwiceIsReleasing(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: moreTime})
	f := h.accepted("c", "max")
	max, eve := h.as(curfew.Mechanic, "max"), h.as(curfew.Mechanic, "eve")
	for range 2 {
		got, err := max.Release(h.Context(), f.RequestID)
		must(t, err)
		if got.Session.Status != "waiting" || got.Request.Status != "pending" || got.Session.MechanicID != "" {
			t.Errorf("released: %+v", got)
		}
	}
	if _, err := eve.Release(h.Context(), f.RequestID); problemOf(t, err).Status != http.StatusNotFound {
		t.Errorf("eve, who never had it, released it: %v", err)
	}
}
