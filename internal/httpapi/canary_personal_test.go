package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/discreet"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/wire"
)

// The markers that personal fields hold, each with the scenario's number behind it.
const (
	markID       = "mark-id-"       // the customer's id, which is an address
	markEmail    = "mark-email-"    // that of the payment
	markName     = "mark-name-"     // that of the payment and the request
	markMetadata = "mark-metadata-" // of the payment
	markKey      = "mark-key-"      // an idempotency key
	markWords    = "mark-words-"    // what an operator wrote about the customer
)

// seen is where each marker of a scenario may be, beside an admin's answers. Everything else is a leak.
var seen = map[string]struct {
	cells   []cell   // who may get it in an answer or a stream
	outside []string // where else: webhook, mail
}{
	markID:       {cells: []cell{own, assigned, serviceCell, keyCell}, outside: []string{"webhook"}},
	markEmail:    {cells: []cell{own, serviceCell, keyCell}, outside: []string{"mail"}},
	markName:     {cells: []cell{own, assigned, former, otherMechanic, serviceCell, keyCell}, outside: []string{"mail"}},
	markMetadata: {},
	markKey:      {},
	markWords:    {},
}

// personalCanary is a server with a marker in every personal field, and everything that anybody got from it.
type personalCanary struct {
	*fixture
	mu     sync.Mutex
	traces strings.Builder
	got    map[string][]string // what was got, by who got it
}

func (p *personalCanary) search(whom string, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got[whom] = append(p.got[whom], string(body))
}

func (p *personalCanary) trace(r *http.Request, _ string) (context.Context, func(string, int)) {
	return r.Context(), func(route string, status int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		fmt.Fprintln(&p.traces, route, status)
	}
}

// marked is a scenario with a marker in every personal field.
func (p *personalCanary) marked() *scenario {
	p.Helper()
	n := scenarios.Add(1)
	prefix := fmt.Sprintf("c%d-", n)
	customer := fmt.Sprintf("%s%s%d@mail.example", prefix, markID, n)
	body, _ := json.Marshal(api.Purchase{
		PaymentRef: fmt.Sprintf("pay-%d", n), CustomerID: customer, Plan: "chat10", Email: fmt.Sprintf("%s%d@mail.example", markEmail, n),
		Name: fmt.Sprint(markName, n), Metadata: map[string]string{"campaign": fmt.Sprint(markMetadata, n)},
	})
	got := p.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", string(body), "Idempotency-Key: "+fmt.Sprint(markKey, n))
	var f api.Fulfillment
	must(p.T, json.Unmarshal([]byte(got.body), &f))
	s := newScenarioOf(p.fixture, n, customer, prefix, f)
	_, err := p.admin().Unassign(p.Context(), s.session, api.Reason{Reason: fmt.Sprint(markWords, n)})
	must(p.T, err)
	_, err = p.as(curfew.Mechanic, s.mechanic).Accept(p.Context(), s.request)
	must(p.T, err)
	return s
}

// only fails if a caller got a marker of a scenario that is not for them. Nobody is told more than the path that they
// sent themselves.
func (p *personalCanary) only(s *scenario, c cell, line string, got answer) {
	p.Helper()
	text := fmt.Sprintf("%s: %d %v %s", line, got.status, got.header, got.body)
	if c == anon {
		text = strings.ReplaceAll(text, "/api/customers/"+s.customer, "")
	}
	for kind, may := range seen {
		marker := fmt.Sprint(kind, s.n)
		at := strings.Index(strings.ToLower(text), marker)
		if at >= 0 && c != adminCell && !slices.Contains(may.cells, c) {
			p.Errorf("%s got %s: …%s", cellNames[c], marker, text[max(0, at-200):min(len(text), at+100)])
		}
	}
}

// newPersonalCanary is a server whose log, metrics and traces can be searched, too.
func newPersonalCanary(t *testing.T) *personalCanary {
	t.Helper()
	p := &personalCanary{got: map[string][]string{}}
	p.fixture = newFixtureWith(t, settings{policy: moreTime, replace: discreet.Replace, trace: p.trace})
	return p
}

// Every personal field has a marker of its own. Streams, webhooks, mails, log, metrics and traces are searched: a marker is
// only where the table says. After the erasure of everybody it is nowhere. TestEveryRoleOnEveryRoute searches the answers.
func TestPersonalDataReachesItsViewersAlone(t *testing.T) {
	t.Parallel()
	p := newPersonalCanary(t)
	env := &environment{T: t, url: p.URL, identity: p.identity}
	streams := map[cell]*streamReader{
		other: env.listen(curfew.Customer, "somebody", ""), otherMechanic: env.listen(curfew.Mechanic, "somebody", ""), serviceCell: env.listen(curfew.Service, "shop", ""),
	}
	p.journeys()
	p.exec("DELETE FROM deliveries")
	p.exec("DELETE FROM webhook_endpoints") // those of the scenarios, which nobody answers
	p.delivered(deliver(t, p.store, "https://curfew.example", p.identity, "orders", p.search))
	last := p.fulfilled("last")
	streams[serviceCell].nextOf(last.SessionID)
	for c, l := range streams {
		l.drain()
		p.nobodys(l.all(), cellNames[c]+"'s stream", func(kind string) bool { return slices.Contains(seen[kind].cells, c) })
	}
	for _, what := range []string{"webhook", "mail"} {
		all := strings.Join(p.got[what], "\n")
		p.nobodys(all, "a "+what, func(kind string) bool { return slices.Contains(seen[kind].outside, what) })
		if !strings.Contains(all, "mark-") {
			t.Errorf("there is no %s of the marked: %s", what, all)
		}
	}
	p.discreetly()
	p.eraseAll()
	p.nobodys(p.dump(), "the database", nil)
	p.readAll()
	p.discreetly()
}

// journeys brings a marked customer to each end.
func (p *personalCanary) journeys() {
	p.Helper()
	for route, c := range map[string]cell{
		"POST /api/customers/{id}/clear": own, "POST /api/sessions/{id}/cancel": serviceCell, "POST /api/debug/checkouts/{id}/refund": adminCell,
		"POST /api/sessions/{id}/extend": serviceCell, "POST /api/sessions": own, "POST /api/sessions/{id}/end": assigned,
	} {
		method, path, _ := strings.Cut(route, " ")
		s := p.marked()
		if got := s.call(method, path, c, false); got.status >= http.StatusBadRequest {
			p.Fatalf("%s: %d %s", route, got.status, got.body)
		}
	}
}

// nobodys fails if a text has a marker of a kind that may not be there.
func (p *personalCanary) nobodys(text, where string, may func(kind string) bool) {
	p.Helper()
	lower := strings.ToLower(text)
	for kind := range seen {
		if at := strings.Index(lower, kind); at >= 0 && (may == nil || !may(kind)) {
			p.Errorf("%s is in %s: …%s", kind, where, text[max(0, at-200):min(len(text), at+100)])
		}
	}
}

// discreetly searches log, metrics and traces.
func (p *personalCanary) discreetly() {
	p.Helper()
	_, metrics := p.operator("/metrics")
	p.mu.Lock()
	traces := p.traces.String()
	p.mu.Unlock()
	for where, text := range map[string]string{"the log": p.log.String(), "the metrics": metrics, "the traces": traces} {
		if text == "" {
			p.Errorf("%s is empty", where)
		}
		p.nobodys(text, where, nil)
	}
}

// delivered waits until everything was sent, or failed.
func (p *personalCanary) delivered(s *sent) {
	p.Helper()
	db := p.database()
	for deadline := time.Now().Add(testTimeout); ; <-time.After(10 * time.Millisecond) {
		left := column(p.T, db, "SELECT (SELECT count(*) FROM events WHERE NOT told) + (SELECT count(*) FROM deliveries WHERE state = 'pending' AND failures = 0)")
		if left[0] == "0" && s.hooks.Load() > 0 && len(s.mails.Mails()) > 0 {
			return
		}
		if time.Now().After(deadline) {
			p.Fatalf("%v deliveries are left", left)
		}
	}
}

// eraseAll ends and settles what every marked customer has, and erases them.
func (p *personalCanary) eraseAll() {
	p.Helper()
	ctx, op, db := p.Context(), p.admin(), p.database()
	for _, customer := range column(p.T, db, "SELECT DISTINCT customer_id FROM checkouts WHERE customer_id LIKE '%mark-%' ORDER BY 1") {
		_, err := op.Clear(ctx, customer, api.Clearing{Force: true, Reason: "the test is over"})
		must(p.T, err)
		for _, id := range column(p.T, db, "SELECT id FROM checkouts WHERE outcome IN ('credited', 'held', 'refund_due') AND customer_id = '"+customer+"'") {
			_, err := op.RefundCheckout(ctx, id, api.Refund{Reason: "the test is over", ByHand: true})
			must(p.T, err)
		}
		path := "/api/customers/" + customer + "/erase"
		var plan wire.CustomerErasure
		got := p.sendAs(curfew.Admin, "anna", "POST", path, `{"dryRun":true,"pseudonym":true}`)
		must(p.T, json.Unmarshal([]byte(got.body), &plan))
		got = p.sendAs(curfew.Admin, "anna", "POST", path, fmt.Sprintf(`{"previewId":%q,"version":%d,"reason":"asked for"}`, plan.PreviewID, plan.Version))
		if got.status != http.StatusOK {
			p.Errorf("erase %s: %d %s", customer, got.status, got.body)
		}
	}
}

// readAll reads everything that there is about everybody, as an admin and as the shop.
func (p *personalCanary) readAll() {
	p.Helper()
	db := p.database()
	ids := append(column(p.T, db, "SELECT DISTINCT customer_id FROM checkouts"), column(p.T, db, "SELECT id FROM sessions UNION SELECT id FROM checkouts")...)
	for _, route := range httpapi.RouteTable() {
		if route.Method != http.MethodGet || route.Path == "/api/stream" {
			continue
		}
		for _, id := range ids {
			path := strings.Replace(route.Path, "{id}", id, 1)
			if strings.HasSuffix(path, "/explain") {
				path += "?subject=" + id
			}
			for _, who := range []curfew.Actor{{Role: curfew.Admin, ID: "anna"}, {Role: curfew.Service, ID: "shop"}} {
				p.nobodys(p.sendAs(who.Role, who.ID, route.Method, path, "").body, path+" after the erasure", nil)
			}
			if !strings.Contains(path, id) {
				break
			}
		}
	}
}
