package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// Explaining shows what blocks a customer, the whole timeline, and what an undo brings back.
func TestTheWireOfATimeline(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	admin := func(method, path, body string) answer { return h.sendAs(curfew.Admin, "anna", method, path, body) }
	explain := func(subject string) answer {
		return admin("GET", "/api/debug/explain?subject="+url.QueryEscape(subject), "")
	}
	h.ago(45*time.Minute + 30*time.Second)
	for _, body := range []string{
		`{"paymentRef":"p1","customerId":"carl","plan":"chat10","amount":990,"currency":"EUR","email":"carl@example.org"}`,
		`{"paymentRef":"p2","customerId":"dora","plan":"chat10","amount":990,"currency":"JPY"}`,
	} {
		h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", body)
	}
	h.ago(0)
	run, err := h.admin().RunCleanup(h.Context(), api.Cleanup{Reason: "monday"})
	must(t, err)
	_, err = h.shop().CreateSession(h.Context(), api.NewSession{Plan: "chat10", CustomerID: "dora"}, "")
	must(t, err)

	golden(t, "cleanup-runs-undoable", admin("GET", "/api/debug/cleanup-runs", ""))
	golden(t, "explain-clear", explain("carl@example.org"))
	golden(t, "explain-blocked", explain("dora"))
	golden(t, "explain-run", explain(run.RunID))
	golden(t, "explain-unknown", explain("nobody"))
	golden(t, "explain-nothing", admin("GET", "/api/debug/explain", ""))
	golden(t, "undone", admin("POST", "/api/debug/cleanup-runs/"+run.RunID+"/undo", `{"reason":"too early"}`))
	golden(t, "undone-again", admin("POST", "/api/debug/cleanup-runs/"+run.RunID+"/undo", ""))
	golden(t, "undo-unknown", admin("POST", "/api/debug/cleanup-runs/x/undo", ""))
	golden(t, "cleanup-runs-undone", admin("GET", "/api/debug/cleanup-runs", ""))
	golden(t, "explain-revived", explain("p1"))
}

// A timeline shows to whom messages went, with no more of an address than the deliveries show.
func TestTheWireOfNotices(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.ago(time.Minute)
	h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", `{"paymentRef":"p1","customerId":"erin","plan":"chat10","amount":990,"currency":"EUR","email":"erin@example.org"}`)
	h.ago(0)
	h.notices(record.MailChannel, "erin@example.org")
	h.exec("UPDATE deliveries SET state = 'dead', attempts = 10, failures = 10, status = 452, error = 'the mail server refused it for now: 452' WHERE kind = 'checkout.fulfilled'")
	h.exec("UPDATE deliveries SET attempts = 2, failures = 2, error = 'no connection to the mail server', next_at = next_at + 1000000 WHERE kind = 'session.waiting'")
	got := h.sendAs(curfew.Admin, "anna", "GET", "/api/debug/explain?subject=erin", "")
	golden(t, "explain-notices", got)
	if strings.Contains(got.body, "erin@") {
		t.Errorf("it shows the address: %s", got.body)
	}
	for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: "erin"}, {Role: curfew.Mechanic, ID: "max"}, {Role: curfew.Service, ID: "shop"}} {
		if got := h.sendAs(who.Role, who.ID, "GET", "/api/debug/explain?subject=erin", ""); got.status != http.StatusForbidden {
			t.Errorf("%s reads it: %d", who, got.status)
		}
	}
}

// notices makes a delivery of each unpublished event of these kinds, or of all kinds if there are none.
func (h *fixture) notices(channel, destination string, kinds ...string) {
	h.Helper()
	events, err := h.store.Unpublished(h.Context(), 100)
	must(h.T, err)
	enriched, err := h.store.EnrichedEvents(h.Context(), events)
	must(h.T, err)
	var all []record.Delivery
	for _, it := range enriched {
		if len(kinds) > 0 && !slices.Contains(kinds, it.Kind()) {
			continue
		}
		all = append(all, record.Delivery{
			ID: notify.NewID(), CustomerID: it.CustomerID, EventID: it.ID, Subject: it.Subject, Number: it.Number,
			Channel: channel, Queue: destination, Destination: destination, Kind: it.Kind(), Body: "{}",
		})
	}
	_, err = h.store.Publish(h.Context(), events, all)
	must(h.T, err)
}

// Every action of a timeline can be called as it stands, once a reason is given.
func TestActionsOfATimelineCanBeCalled(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.ago(45 * time.Minute)
	h.fulfilled("old")
	h.ago(0)
	run, err := h.admin().RunCleanup(h.Context(), api.Cleanup{})
	must(t, err)
	h.accepted("busy", "max")
	h.fulfilled("waiting")
	live := h.accepted("live", "mia")
	for role, id := range map[curfew.Role]string{curfew.Customer: "live", curfew.Mechanic: "mia"} {
		_, err := h.as(role, id).Join(h.Context(), live.SessionID)
		must(t, err)
	}
	called := map[string]bool{}
	for _, subject := range []string{"busy", "busy", "waiting", "live", run.RunID, "old", "old"} {
		got, err := h.admin().Explain(h.Context(), subject, "")
		must(t, err)
		for _, a := range got.Actions {
			if subject == "busy" && called[a.Name] == (a.Name == "release") {
				continue // the release first: clearing would end what it is about
			}
			a.Body["reason"] = "because"
			body, err := json.Marshal(a.Body)
			must(t, err)
			if got := h.sendAs(curfew.Admin, "anna", a.Method, a.Path, string(body)); got.status != http.StatusOK {
				t.Errorf("%s of %s: %s %s %s answers %d %s", a.Name, subject, a.Method, a.Path, body, got.status, got.body)
			}
			called[a.Name] = true
			break
		}
	}
	for _, name := range []lifecycle.ActionName{lifecycle.ClearCustomer, lifecycle.ForceClear, lifecycle.ReleaseSlot, lifecycle.UndoRun, lifecycle.RefundPayment} {
		if !called[string(name)] {
			t.Errorf("no timeline offered %s", name)
		}
	}
}

// An action without a route is not offered.
func TestActionsHaveRoutes(t *testing.T) {
	t.Parallel()
	routes := map[string]bool{}
	for _, route := range httpapi.RouteTable() {
		routes[route.Method+" "+route.Path] = true
	}
	for _, name := range []lifecycle.ActionName{
		lifecycle.ClearCustomer, lifecycle.ForceClear, lifecycle.ReleaseSlot, lifecycle.RefundPayment,
		lifecycle.CreditPayment, lifecycle.FulfillPayment, lifecycle.UndoRun,
	} {
		got := wire.Timeline(timeline.Timeline{Actions: []timeline.Action{{Name: name, Label: "x", ID: "an/id"}}})
		for _, a := range got.Actions {
			pattern := strings.Replace(a.Path, "an%2Fid", "{id}", 1)
			if !routes[a.Method+" "+pattern] {
				t.Errorf("%s is offered as %s %s, which is no route", name, a.Method, a.Path)
			}
		}
	}
}
