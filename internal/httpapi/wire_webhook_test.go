package httpapi_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

// Endpoints and deliveries, as they go over the wire.
func TestTheWireOfWebhooks(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	admin := func(method, path, body string) answer {
		a := h.sendAs(curfew.Admin, "anna", method, path, body)
		a.body = regexp.MustCompile(`whsec_[^"]*`).ReplaceAllString(a.body, "<secret>")
		return a
	}
	added := admin("POST", "/api/webhook-endpoints", `{"url":"https://example.org/hooks","events":["session.accepted"],"description":"the shop"}`)
	golden(t, "webhook-added", added)
	var w api.Endpoint
	must(t, json.Unmarshal([]byte(added.body), &w))
	at := "/api/webhook-endpoints/" + w.ID
	golden(t, "webhook-refused", admin("POST", "/api/webhook-endpoints", `{"url":"https://169.254.169.254/latest"}`))
	golden(t, "webhook-unknown-event", admin("PATCH", at, `{"events":["session.vanished"]}`))
	golden(t, "webhooks", admin("GET", "/api/webhook-endpoints", ""))
	golden(t, "webhook-rotated", admin("POST", at+"/rotate", ""))
	tested := admin("POST", at+"/test", "")
	golden(t, "webhook-tested", tested)
	var d api.Delivery
	must(t, json.Unmarshal([]byte(tested.body), &d))
	golden(t, "webhook-disabled", admin("PATCH", at, `{"enabled":false,"events":[]}`))
	golden(t, "webhook-test-refused", admin("POST", at+"/test", ""))
	golden(t, "delivery", admin("GET", "/api/deliveries/"+d.ID, ""))
	golden(t, "delivery-replay-refused", admin("POST", "/api/deliveries/"+d.ID+"/replay", ""))
	h.exec("UPDATE deliveries SET state = 'dead', attempts = 10, failures = 10, status = 500, error = 'it answered 500'")
	golden(t, "deliveries-dead", admin("GET", "/api/deliveries?state=dead&endpoint="+w.ID, ""))
	golden(t, "deliveries-replayed", admin("POST", "/api/deliveries/replay", `{"endpoint":"`+w.ID+`"}`))
	golden(t, "deliveries-cursor-refused", admin("GET", "/api/deliveries?after=x", ""))
	golden(t, "webhook-removed", admin("DELETE", at, ""))
	golden(t, "webhook-missing", admin("GET", at, ""))
}

func TestTheClientManagesWebhooks(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	c, ctx := h.as(curfew.Admin, "anna"), t.Context()
	w, err := c.AddEndpoint(ctx, api.NewEndpoint{URL: "https://example.org/hooks", Events: []string{"session.live"}})
	must(t, err)
	rotated, err := c.RotateEndpoint(ctx, w.ID)
	must(t, err)
	if rotated.Secret == w.Secret || w.Secret == "" || rotated.Secret == "" {
		t.Errorf("the secret %q became %q", w.Secret, rotated.Secret)
	}
	text, on := "the shop", true
	changed, err := c.ChangeEndpoint(ctx, w.ID, api.EndpointChange{Description: &text, Enabled: &on})
	must(t, err)
	if changed.Description != text || changed.URL != w.URL || len(changed.Events) != 1 || changed.Secret != "" {
		t.Errorf("changed: %+v", changed)
	}
	var tests []api.Delivery
	for range 3 {
		d, err := c.TestEndpoint(ctx, w.ID)
		must(t, err)
		tests = append(tests, d)
	}
	h.exec("UPDATE deliveries SET state = 'dead'")
	page, err := c.Deliveries(ctx, api.DeliverySearch{State: "dead", Endpoint: w.ID, Limit: 2})
	must(t, err)
	if len(page.Deliveries) != 2 || page.NextCursor == nil {
		t.Fatalf("the first page is %+v", page)
	}
	page, err = c.Deliveries(ctx, api.DeliverySearch{After: *page.NextCursor, Limit: 2})
	must(t, err)
	if len(page.Deliveries) != 1 || page.NextCursor != nil || page.Deliveries[0].ID != tests[2].ID {
		t.Errorf("the second page is %+v", page)
	}
	again, err := c.Replay(ctx, tests[0].ID)
	must(t, err)
	if again.State != "pending" {
		t.Errorf("replayed: %+v", again)
	}
	n, err := c.ReplayDead(ctx, w.ID)
	must(t, err)
	read, err := c.Delivery(ctx, tests[1].ID)
	must(t, err)
	if n.Replayed != 2 || read.State != "pending" {
		t.Errorf("replayed %d; the second is %+v", n.Replayed, read)
	}
	all, err := c.Endpoints(ctx)
	must(t, err)
	one, err := c.Endpoint(ctx, w.ID)
	must(t, err)
	if len(all.Endpoints) != 1 || one.ID != w.ID || one.Secret+all.Endpoints[0].Secret != "" {
		t.Errorf("there are %+v and %+v", all, one)
	}
	_, err = c.RemoveEndpoint(ctx, w.ID)
	must(t, err)
	if _, err := c.Endpoint(ctx, w.ID); problemOf(t, err).Status != 404 {
		t.Errorf("once removed: %v", err)
	}
}
