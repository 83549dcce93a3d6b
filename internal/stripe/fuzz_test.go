package stripe_test

import (
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// FuzzHook signs whatever it is given, so that everything behind the signature
// is reached; and reads it with a header of the fuzzer's own.
func FuzzHook(f *testing.F) {
	f.Add("t=1,v1=aa", paidEvent(f))
	for _, row := range shapes() {
		f.Add("", eventBody(f, row.kind, row.object))
	}
	f.Add("t=1,t=2", []byte(`{"object":"event","id":"evt_1","type":"charge.dispute.closed","data":{"object":{"payment_intent":null,"status":"lost"}}}`))
	f.Add("v1=", []byte(`{"object":"event","id":"e","type":"checkout.session.completed","data":{"object":{"id":"cs","metadata":{"plan":"\u00e9","starts_at":"9"}}}}`))
	f.Add("t=-1", []byte(`{"object":"event","id":"e","type":"checkout.session.expired","data":null}`))
	f.Add("t=1", []byte(`{"object":"v2.core.event","id":"evt_1","created":"2026-11-27T18:00:00.000Z"}`))
	h := hook(f)
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		if notice, err := h.Read(signed(signature), body); err == nil {
			t.Fatalf("a signature was guessed: %+v", notice)
		}
		notice, err := h.Read(signed(stripetest.Sign(secret, noon, body)), body)
		if err != nil && curfew.KindOf(err) != curfew.Conflict {
			t.Fatalf("a genuine message was lost: %v", err)
		}
		checkNotice(t, notice, body)
	})
}

// checkNotice holds for every genuine message.
func checkNotice(t *testing.T, n curfew.Notice, body []byte) {
	t.Helper()
	if curfew.CheckRef("id", n.ID) != nil || n.Provider != "stripe" {
		t.Errorf("a notice without id or provider: %+v", n)
	}
	if n.Unread != "" && (string(n.Body) != string(body) || n.References != nil || n.Facts != nil || n.Order != nil) {
		t.Errorf("unread, yet %+v", n)
	}
	if len(n.References) == 0 && (len(n.Facts) > 0 || n.Order != nil || n.Name != "") {
		t.Errorf("about no payment, yet %+v", n)
	}
	for _, fact := range n.Facts {
		if err := fact.Check(); err != nil {
			t.Errorf("%+v: %v", fact, err)
		}
	}
	for _, ref := range n.References {
		if err := curfew.CheckRef("reference", ref); err != nil {
			t.Error(err)
		}
	}
	if n.Order != nil {
		checkSold(t, n.Order)
	}
}

func checkSold(t *testing.T, o *curfew.Order) {
	t.Helper()
	for _, id := range []string{o.CustomerID, o.Plan, o.Extends} {
		if id != "" && curfew.CheckID("id", id) != nil {
			t.Errorf("%q is no id", id)
		}
	}
	if len(o.Email) > 320 || len(o.Name) > 200 || len(o.Metadata) > 6 || o.Quantity < 1 || o.Amount < 0 || o.Price < 0 {
		t.Errorf("it holds what it should not: %+v", o)
	}
}
