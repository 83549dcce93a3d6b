package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/provider"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// eventSecret signs the events of these tests.
const eventSecret = "whsec_bm93bm93bm93bm93bm93bm93bm93bm93"

// withEvents opens the door for events of any provider.
func withEvents(t *testing.T) httpapi.Hooks {
	t.Helper()
	h, err := provider.NewHook(provider.HookOptions{Secrets: []string{eventSecret}})
	must(t, err)
	return httpapi.Hooks{Events: h}
}

// sendEvent sends an event of a payment, signed with a secret.
func (h *fixture) sendEvent(secret, body string) answer {
	h.Helper()
	key, err := standard.NewWebhook(secret)
	must(h.T, err)
	now := time.Now()
	signature, err := key.Sign("delivery-1", now, []byte(body))
	must(h.T, err)
	return h.send("POST", "/api/payments/events", body, "webhook-id: delivery-1",
		"webhook-timestamp: "+strconv.FormatInt(now.Unix(), 10), "webhook-signature: "+signature)
}

// event is a payment's event as JSON, with the fields after its time.
func event(id, kind, fields string) string {
	return `{"id":"` + id + `","type":"` + kind + `","provider":"paypal","references":["p1","order-1"],"at":"2026-11-28T10:00:00Z"` + fields + `}`
}

const paidByKim = `,"amount":2900,"currency":"eur","order":{"customerId":"kim","plan":"chat10"}`

// Events of payments at any provider, as they go over the wire.
func TestTheWireOfPaymentEvents(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{hooks: withEvents(t)})
	golden(t, "event-refund-first", h.sendEvent(eventSecret, event("e0", "refund", `,"object":"r0","state":"failed","amount":900,"currency":"eur","reason":"account closed"`)))
	golden(t, "event-paid", h.sendEvent(eventSecret, event("e1", "paid", paidByKim)))
	golden(t, "event-dispute", h.sendEvent(eventSecret, event("e2", "dispute", `,"object":"d1","state":"under_review"`)))
	golden(t, "event-kept", h.sendEvent(eventSecret, event("e3", "paid", `,"amount":2900`)))
	golden(t, "event-unsigned", h.send("POST", "/api/payments/events", event("e4", "paid", paidByKim)))
	golden(t, "event-stranger", h.sendEvent("whsec_c3RyYW5nZXJzdHJhbmdlcnN0cmFuZ2Vy", event("e4", "paid", paidByKim)))
	golden(t, "event-too-large", h.sendEvent(eventSecret, event("e5", "paid", `,"reason":"`+strings.Repeat("x", 256<<10)+`"`)))
	golden(t, "event-closed-door", newFixture(t).sendEvent(eventSecret, event("e1", "paid", paidByKim)))
}

// The description of the route is that of its types, whether or not a secret is set.
func TestTheDescriptionOfPaymentEvents(t *testing.T) {
	t.Parallel()
	described := func(h *fixture) answer {
		var doc struct {
			Paths      map[string]json.RawMessage
			Components struct{ Schemas map[string]json.RawMessage }
		}
		a := h.send("GET", "/openapi.json", "")
		must(t, json.Unmarshal([]byte(a.body), &doc))
		body, err := json.Marshal(map[string]any{
			"path": doc.Paths["/api/payments/events"],
			"schemas": map[string]any{
				"PaymentEvent": doc.Components.Schemas["PaymentEvent"], "PaymentOrder": doc.Components.Schemas["PaymentOrder"],
				"EventReceipt": doc.Components.Schemas["EventReceipt"], "ReceiptCheckout": doc.Components.Schemas["ReceiptCheckout"],
			},
		})
		must(t, err)
		a.body = string(body)
		return a
	}
	open, shut := described(newFixtureWith(t, settings{hooks: withEvents(t)})), described(newFixture(t))
	golden(t, "event-described", open)
	if open.body != shut.body {
		t.Error("without a secret it is described otherwise")
	}
}

// Nothing is acknowledged before it is committed; told again, it has no second effect.
func TestAnEventIsAcknowledgedOnceItIsCommitted(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{hooks: withEvents(t), store: func(s lifecycle.Store) lifecycle.Store { return storetest.NewLossy(s, 7, 0.5) }})
	for range 100 {
		switch a := h.sendEvent(eventSecret, event("e1", "paid", paidByKim)); a.status {
		case http.StatusServiceUnavailable:
			continue
		case http.StatusOK:
			all, err := h.store.Checkouts(t.Context(), "kim")
			if err != nil || len(all) != 1 || all[0].Outcome != curfew.Fulfilled || all[0].Ref != "p1" || !strings.Contains(a.body, all[0].ID) {
				t.Errorf("acknowledged with %s, and there is %+v, %v", a.body, all, err)
			}
			return
		default:
			t.Fatalf("answered %d %s", a.status, a.body)
		}
	}
	t.Error("it never succeeds")
}

// What is told of a payment that nobody has sold is remembered, and makes no checkout.
func TestAnEventMayComeBeforeAnyOrder(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{hooks: withEvents(t)})
	for _, kind := range []string{"declined", "failed", "expired", "voided"} {
		if a := h.sendEvent(eventSecret, event("e-"+kind, kind, "")); a.status != http.StatusOK || !strings.Contains(a.body, `"outcome":"recorded"`) || strings.Contains(a.body, "checkouts") {
			t.Errorf("%s is answered %d %s", kind, a.status, a.body)
		}
	}
}
