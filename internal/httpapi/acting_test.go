package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/record"
)

// actFor calls a route with a key, for somebody of a scenario.
func (s *scenario) actFor(method, pattern string, c cell, key string) answer {
	s.h.Helper()
	by := s.caller(c)
	if pattern == "/api/sessions" && c == own {
		by.ID += "-fresh" // the scenario's own customer has a session
	}
	return s.h.send(method, s.path(pattern, false), s.body(method, pattern, c), "Authorization: Bearer "+key, "X-Curfew-Act-As: "+string(by.Role)+":"+by.ID)
}

// A service that acts for somebody may do what they may do, on every route, and nothing else.
func TestActingForSomebodyOnEveryRoute(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: moreTime})
	var s *scenario
	for _, route := range httpapi.RouteTable() {
		line := route.Method + " " + route.Path
		for _, c := range []cell{own, other, assigned, otherMechanic} {
			if s == nil {
				s = newScenario(h)
			}
			got := s.actFor(route.Method, route.Path, c, s.keys[acting])
			if got.status != who[line][c] {
				t.Errorf("%s for %s: %d, want %d: %s", line, cellNames[c], got.status, who[line][c], got.body)
			}
			if got.status < http.StatusBadRequest && route.Method != http.MethodGet { // no other call changes anything
				s = nil
			}
		}
	}
}

// A key takes away from what its service may do for others, too.
func TestWhomAKeyLetsActFor(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	mine, theirs := h.accepted("de-kim", "max"), h.fulfilled("at-lea")
	type call struct{ method, path, as string }
	read := func(session, as string) call { return call{"GET", "/api/sessions/" + session, as} }
	queue := call{"GET", "/api/mechanics/requests", "mechanic:max"}
	for name, c := range map[string]struct {
		scope record.KeyScope
		call
		want int
	}{
		"any customer, with a key that is bound to nothing":             {record.KeyScope{}, read(theirs.SessionID, "customer:at-lea"), 200},
		"a mechanic, with a key that is bound to nothing":               {record.KeyScope{}, queue, 200},
		"a customer of the key's":                                       {record.KeyScope{CustomerPrefix: "de-"}, read(mine.SessionID, "customer:de-kim"), 200},
		"a customer who is not the key's":                               {record.KeyScope{CustomerPrefix: "de-"}, read(theirs.SessionID, "customer:at-lea"), 404},
		"a mechanic, with a key that is bound to customers":             {record.KeyScope{CustomerPrefix: "de-"}, read(mine.SessionID, "mechanic:max"), 403},
		"a customer's stream, with a key that is bound to customers":    {record.KeyScope{CustomerPrefix: "de-"}, call{"GET", "/api/stream", "customer:de-kim"}, 200},
		"with a key that is bound to other routes":                      {record.KeyScope{Routes: []string{"actAsCustomer"}}, read(mine.SessionID, "customer:de-kim"), 403},
		"with a key that is bound to the route alone":                   {record.KeyScope{Routes: []string{"readSession"}}, read(mine.SessionID, "customer:de-kim"), 403},
		"with a key that is bound to the route, and acts for customers": {record.KeyScope{Routes: []string{"readSession", "actAsCustomer"}}, read(mine.SessionID, "customer:de-kim"), 200},
		"a mechanic, with a key that acts for customers":                {record.KeyScope{Routes: []string{"readSession", "actAsCustomer"}}, read(mine.SessionID, "mechanic:max"), 403},
		"a mechanic, with a key for the queue":                          {record.KeyScope{Routes: []string{"mechanics", "actAsMechanic"}}, queue, 200},
		"an admin":                                                      {record.KeyScope{}, read(mine.SessionID, "admin:anna"), 422},
		"nobody":                                                        {record.KeyScope{}, read(mine.SessionID, "customer:"), 422},
		"an id alone":                                                   {record.KeyScope{}, read(mine.SessionID, "de-kim"), 422},
		"a broken escape":                                               {record.KeyScope{}, read(mine.SessionID, "customer:de%"), 422},
		"an escaped id":                                                 {record.KeyScope{}, read(mine.SessionID, "customer:"+strings.ReplaceAll(url.PathEscape("de-kim"), "-", "%2D")), 200},
	} {
		t.Run(name, func(t *testing.T) {
			_, key := h.key(c.scope)
			if got := h.send(c.method, c.path, "", "Authorization: Bearer "+key, "X-Curfew-Act-As: "+c.as); got.status != c.want {
				t.Errorf("%d, want %d: %s", got.status, c.want, got.body)
			}
		})
	}
}

func TestOnlyAServiceActsForSomebody(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	f := h.fulfilled("kim")
	for _, role := range []curfew.Role{curfew.Customer, curfew.Mechanic, curfew.Admin} {
		got := h.sendAs(role, "somebody", "GET", "/api/sessions/"+f.SessionID, "", "X-Curfew-Act-As: customer:kim")
		if got.status != http.StatusForbidden || !strings.Contains(got.body, "may not act for somebody") {
			t.Errorf("%s: %d %s", role, got.status, got.body)
		}
	}
	got := h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", `{"paymentRef":"p","customerId":"kim","plan":"chat10"}`, "X-Curfew-Act-As: customer:kim")
	if got.status != http.StatusForbidden || !strings.Contains(got.body, "leave X-Curfew-Act-As out") {
		t.Errorf("for a customer: %d %s", got.status, got.body)
	}
}

// The history, the log and what admins read name both: who it was for, and the service that did it. Outsiders read the role.
func TestTheHistoryNamesBoth(t *testing.T) {
	onBothStores(t, func(env *environment) {
		f := env.fulfilled("kim", "p1")
		shop := env.as(curfew.Service, "shop")
		shop.ActAs = "mechanic:max"
		_, err := shop.Accept(env.Context(), f.RequestID)
		must(env.T, err)
		inside, err := env.as(curfew.Admin, "anna").Events(env.Context(), f.SessionID)
		must(env.T, err)
		outside, err := env.as(curfew.Customer, "kim").Events(env.Context(), f.SessionID)
		must(env.T, err)
		if got := inside.Events[1].Actor; got != "mechanic:max by service:shop" {
			env.Errorf("an admin reads %q", got)
		}
		if got := outside.Events[1].Actor; got != "mechanic" {
			env.Errorf("the customer reads %q", got)
		}
		again, err := env.as(curfew.Mechanic, "max").Accept(env.Context(), f.RequestID)
		if must(env.T, err); again.Session.MechanicID != "max" {
			env.Errorf("max himself has %+v", again.Session)
		}
		for range 2 { // said twice, it is the same
			moved, err := shop.Transfer(env.Context(), f.RequestID, api.Transfer{MechanicID: "mia"})
			if must(env.T, err); moved.Session.MechanicID != "mia" {
				env.Errorf("after the transfer it is %+v", moved.Session)
			}
		}
		inside, err = env.as(curfew.Admin, "anna").Events(env.Context(), f.SessionID)
		must(env.T, err)
		if got := inside.Events[len(inside.Events)-1]; len(inside.Events) != 3 || got.Actor != "mechanic:max by service:shop" || !strings.HasPrefix(got.Reason, "transferred") {
			env.Errorf("of the transfer an admin reads %+v", inside.Events)
		}
	})
}

func TestTheLogNamesBoth(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.sendAs(curfew.Service, "shop", "GET", "/api/mechanics/requests", "", "X-Curfew-Act-As: mechanic:max")
	if log := h.log.String(); !strings.Contains(log, `"actor":"mechanic:max by service:shop"`) {
		t.Errorf("the log says\n%s", log)
	}
}

// A backend that acts for somebody can hand their browser a ticket.
func TestATicketIsForWhomAServiceActs(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	got := h.sendAs(curfew.Service, "shop", "POST", "/api/stream/tickets", "", "X-Curfew-Act-As: customer:kim")
	ticket := strings.Split(strings.SplitAfter(got.body, `"ticket":"`)[1], `"`)[0]
	if got := h.send("GET", "/api/stream?ticket="+ticket, ""); got.status != http.StatusOK || !strings.Contains(h.log.String(), `"actor":"customer:kim by service:shop"`) {
		t.Errorf("%d; the log says\n%s", got.status, h.log.String())
	}
}
