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
	f.Add("", []byte(`{"object":"event","id":"evt_1","type":"charge.refunded","data":{"object":{"payment_intent":{"id":"pi_1"},"amount_refunded":1}}}`))
	f.Add("t=1,t=2", []byte(`{"object":"event","id":"evt_1","type":"charge.dispute.closed","data":{"object":{"payment_intent":null,"status":"lost"}}}`))
	f.Add("v1=", []byte(`{"object":"event","id":"e","type":"checkout.session.completed","data":{"object":{"id":"cs","metadata":{"plan":"\u00e9","starts_at":"9"}}}}`))
	f.Add("t=-1", []byte(`{"object":"event","id":"e","type":"checkout.session.expired","data":null}`))
	h := hook(f)
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		if notice, err := h.Read(signature, body); err == nil {
			t.Fatalf("a signature was guessed: %+v", notice)
		}
		notice, err := h.Read(stripetest.Sign(secret, noon, body), body)
		if err != nil {
			return
		}
		if notice.ID == "" || notice.Kind == "" {
			t.Errorf("a notice without id or kind: %+v", notice)
		}
		checkNotice(t, notice.Kind, notice.Payment)
	})
}

func checkNotice(t *testing.T, kind curfew.NoticeKind, p curfew.Payment) {
	t.Helper()
	if kind == curfew.NoticePaid && (!p.Paid || p.Ref == "") {
		t.Errorf("paid, yet %+v", p)
	}
	for _, id := range []string{p.CustomerID, p.Plan, p.Extends} {
		if id != "" && curfew.CheckID("id", id) != nil {
			t.Errorf("%q is no id", id)
		}
	}
	if len(p.Email) > 320 || len(p.Name) > 200 || len(p.Metadata) > 4 {
		t.Errorf("more is kept than needed: %+v", p)
	}
}
