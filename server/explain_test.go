package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/server"
)

// What stands in the way, the whole story, and what an undo brings back.
func TestTheWireOfAStory(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
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

// Every action of a story can be called as it stands, once a reason is given.
func TestActionsOfAStoryAreCallsThatWork(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
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
		story, err := h.admin().Explain(h.Context(), subject, "")
		must(t, err)
		for _, a := range story.Actions {
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
			t.Errorf("no story offered %s", name)
		}
	}
}

// An action that nobody answers yet is not offered.
func TestActionsHaveRoutes(t *testing.T) {
	t.Parallel()
	routes := map[string]bool{}
	for _, route := range server.RouteTable() {
		routes[route.Method+" "+route.Path] = true
	}
	for _, name := range []lifecycle.ActionName{
		lifecycle.ClearCustomer, lifecycle.ForceClear, lifecycle.ReleaseSlot, lifecycle.RefundPayment,
		lifecycle.CreditPayment, lifecycle.FulfilPayment, lifecycle.UndoRun,
	} {
		story := server.StoryJSON(lifecycle.Story{Actions: []lifecycle.Action{{Name: name, Label: "x", ID: "an/id"}}})
		for _, a := range story.Actions {
			pattern := strings.Replace(a.Path, "an%2Fid", "{id}", 1)
			if !routes[a.Method+" "+pattern] {
				t.Errorf("%s is offered as %s %s, which is no route", name, a.Method, a.Path)
			}
		}
	}
}
