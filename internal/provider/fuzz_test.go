package provider_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/provider"
)

// signature signs a delivery at noon.
func signature(t testing.TB, id, body string) string {
	t.Helper()
	key, err := standard.NewWebhook(current)
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.Sign(id, noon, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// FuzzHook signs whatever it is given, so that everything behind the signature is reached.
func FuzzHook(f *testing.F) {
	f.Add(paid)
	f.Add(`{"id":"e1","type":"dispute","provider":"bank","references":["p1"],"object":"d1","state":"lost","at":"2026-11-28T10:00:00Z"}`)
	f.Add(`{"id":1,"type":null,"references":"p1","order":{"quantity":1e3}}`)
	f.Add(`{"order":{"order":{}},"at":"9999-12-31T23:59:59Z"}`)
	h := hook(f)
	f.Fuzz(func(t *testing.T, body string) {
		n, err := h.Read(signed(t, noon, body, current), []byte(body))
		if err != nil {
			t.Fatalf("a genuine message was lost: %v", err)
		}
		checkNotice(t, n, body)
	})
}

// checkNotice holds for every genuine message: it is kept as it came, or lifecycle can use all of it.
func checkNotice(t rapid.TB, n curfew.Notice, body string) {
	t.Helper()
	if curfew.CheckRef("id", n.ID) != nil || n.Provider == "" || n.Provider == "stripe" {
		t.Errorf("without id or provider: %+v", n)
	}
	if n.Unread != "" {
		if string(n.Body) != body || n.References != nil || n.Facts != nil || n.Order != nil {
			t.Errorf("kept, yet %+v", n)
		}
		return
	}
	if len(n.References) == 0 || len(n.Facts) != 1 || n.At.IsZero() || curfew.CheckRef("name", n.Name) != nil {
		t.Errorf("about nothing: %+v", n)
	}
	for _, ref := range n.References {
		if err := curfew.CheckRef("reference", ref); err != nil {
			t.Error(err)
		}
	}
	for _, f := range n.Facts {
		if err := f.Check(); err != nil {
			t.Error(err)
		}
	}
	if o := n.Order; o != nil {
		checkOrder(t, o)
	}
}

func checkOrder(t rapid.TB, o *curfew.Order) {
	t.Helper()
	if o.Amount < 0 || o.Price < 0 || o.Amount > 0 && o.Currency == "" || o.Quantity < 1 || o.Metadata == nil {
		t.Errorf("an impossible order was accepted: %+v", o)
	}
	for what, id := range map[string]string{"customer": o.CustomerID, "plan": o.Plan, "extends": o.Extends} {
		if id != "" && curfew.CheckID(what, id) != nil {
			t.Errorf("the %s is %q", what, id)
		}
	}
}

// Any event with the fields that the description asks for is read, and says what it was given.
func TestEveryDescribedEventIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		e := described(rt)
		text, err := json.Marshal(e)
		if err != nil {
			rt.Fatal(err)
		}
		n, err := hook(t).Read(signed(t, noon, string(text), current), text)
		if err != nil || n.Unread != "" {
			rt.Fatalf("%s: %v %s", text, err, n.Unread)
		}
		checkNotice(rt, n, string(text))
		f := n.Facts[0]
		if n.ID != e.ID || n.Provider != e.Provider || f.Amount != *e.Amount || f.Reason != e.Reason || n.At.Format(time.RFC3339) != e.At {
			rt.Errorf("%s became %+v", text, n)
		}
		if (n.Order != nil) != (e.Order != nil) || n.Order != nil && (n.Order.CustomerID != e.Order.CustomerID || n.Order.Flaw != "") {
			rt.Errorf("%s sells %+v", text, n.Order)
		}
	})
}

// described is an event as a translator writes it.
func described(t *rapid.T) provider.PaymentEvent {
	name := rapid.StringMatching(`[A-Za-z0-9_-]{1,40}`)
	amount := rapid.Int64Range(0, 1<<40).Draw(t, "amount")
	types := slices.DeleteFunc(provider.Types(), func(kind string) bool { return kind == "named" }) // it has no amount
	e := provider.PaymentEvent{
		ID: name.Draw(t, "id"), Type: rapid.SampledFrom(types).Draw(t, "type"), Amount: &amount, Currency: "eur",
		Provider:   rapid.StringMatching(`[a-rt-z][a-z0-9_-]{0,31}`).Draw(t, "provider"),
		References: rapid.SliceOfNDistinct(name, 1, 20, rapid.ID).Draw(t, "references"),
		Reason:     rapid.StringMatching(`[a-z ]{0,50}`).Draw(t, "reason"),
		At:         time.Unix(rapid.Int64Range(1, 1<<33).Draw(t, "at"), 0).UTC().Format(time.RFC3339),
	}
	switch e.Type {
	case "refund":
		e.Object, e.State = name.Draw(t, "refund"), rapid.SampledFrom([]string{"pending", "requires_action", "succeeded", "failed", "canceled"}).Draw(t, "state")
	case "dispute":
		e.Object = name.Draw(t, "dispute")
		e.State = rapid.SampledFrom([]string{"warning", "needs_response", "under_review", "won", "lost", "closed", "prevented", "unknown"}).Draw(t, "state")
	case "paid", "authorised", "promised":
		if rapid.Bool().Draw(t, "sells") {
			e.Order = &provider.PaymentOrder{
				CustomerID: name.Draw(t, "customer"), Plan: "chat10", Metadata: map[string]string{fmt.Sprint(amount): "kept"},
			}
		}
	}
	return e
}
