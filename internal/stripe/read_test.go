package stripe_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gostripe "github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

func TestPayment_SaysWhatBecameOfTheMoney(t *testing.T) {
	t.Parallel()
	now := noon
	fake := stripetest.New(t, stripetest.Options{Now: func() time.Time { return now }})
	ref := fake.Pay(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10", Amount: 2900, Quantity: 3})
	failed := fake.RefundByHand(ref, 400)
	fake.ChangeRefund(failed, gostripe.RefundStatusFailed, "declined")
	given := fake.RefundByHand(ref, 900)
	fake.Dispute(ref)
	now = noon.Add(time.Hour)
	fake.CloseDispute(ref, gostripe.DisputeStatusWon)

	later := func(f curfew.Fact) curfew.Fact {
		f.At = now
		return f
	}
	charge := []curfew.Fact{
		eur("attempt", "ch_00000001", "captured", 2900), later(eur("refund_total", "ch_00000001", "total", 900)),
		eur("refund", given, "succeeded", 900), later(because(eur("refund", failed, "failed", 400), "declined")),
		later(because(eur("dispute", "du_00000001", "won", 2900), "product_not_received")),
	}
	bought := curfew.Order{
		CustomerID: "cus-1", Plan: "chat10", Quantity: 3, Amount: 2900, Price: 2901, Currency: "eur", Metadata: map[string]string{"plan": "chat10"},
	}
	for name, want := range map[string]curfew.Notice{
		ref: {
			Type: "checkout.session", Facts: append([]curfew.Fact{eur("attempt", "pi_00000001", "captured", 2900)}, charge...), Order: &bought,
			References: []string{ref, "pi_00000001", "ch_00000001"},
		},
		"pi_00000001": {Type: "payment_intent", Facts: append([]curfew.Fact{eur("attempt", "pi_00000001", "captured", 2900)}, charge...)},
		"ch_00000001": {Type: "charge", Facts: charge},
	} {
		want.Provider, want.At, want.Name = "stripe", now, "pi_00000001"
		if want.References == nil {
			want.References = []string{"pi_00000001", "ch_00000001"}
		}
		got, err := client(t, fake).Payment(t.Context(), "", name)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(name, err, diff)
		}
	}
	if _, err := client(t, fake).Payment(t.Context(), "", "pi_none"); !errors.Is(err, curfew.NotFound) || !strings.Contains(err.Error(), "No such payment_intent") {
		t.Errorf("of none: %v", err)
	}
	if _, err := client(t, fake).Payment(t.Context(), "", ""); !errors.Is(err, curfew.Invalid) {
		t.Errorf("of everybody: %v", err)
	}
}

// A checkout that nothing was charged for is read, and so is an invoice, which names its payment.
func TestPayment_OfOtherNames(t *testing.T) {
	t.Parallel()
	fake := stripetest.New(t, stripetest.Options{Now: atNoon})
	open := fake.Open(stripetest.Checkout{CustomerID: "cus-1", Plan: "chat10"})
	got, err := client(t, fake).Payment(t.Context(), "", open)
	if diff := cmp.Diff([]curfew.Fact{eur("promise", open, "open", 0)}, got.Facts); diff != "" || err != nil || got.Name != "" {
		t.Error(err, diff, got.Name)
	}
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", noon.Format(http.TimeFormat))
		if r.URL.Path == "/v1/invoices/in_1" && r.URL.Query().Get("expand[0]") == "payments" {
			_, _ = w.Write([]byte(`{"id":"in_1",` + invoice + `"created":1795435200,"status":"paid","amount_paid":2900,"payments":{"object":"list","data":[
				{"id":"inpay_1","object":"invoice_payment","status":"paid","payment":{"type":"payment_intent","payment_intent":"pi_1"}}]}}`))
			return
		}
		_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"re_1","object":"refund","amount":5,"currency":"eur","status":"succeeded","created":1795435200}]}`))
	})
	got, err = c.Payment(t.Context(), "", "in_1")
	want := []curfew.Fact{eur("attempt", "pi_1", "captured", 2900), eur("refund", "re_1", "succeeded", 5)}
	if diff := cmp.Diff(want, got.Facts); diff != "" || err != nil || got.Name != "pi_1" {
		t.Error(err, diff, got.Name)
	}
}

// A key that may not read disputes knows only that there is one, or was.
func TestPayment_ADisputeThatNobodyMayReadIsUnknown(t *testing.T) {
	t.Parallel()
	const charge = `{"id":"ch_1","object":"charge","amount":2900,"amount_captured":2900,"captured":true,"currency":"eur","status":"succeeded","disputed":true,"created":1795435200}`
	for sentence, row := range map[string]struct {
		status int
		body   string
		state  string
		kind   curfew.Kind
	}{
		"no permission":  {403, `{"error":{"type":"invalid_request_error"}}`, "unknown", ""},
		"none is listed": {200, `{"object":"list","data":[]}`, "unknown", ""},
		"no answer now":  {503, `{"error":{"type":"api_error"}}`, "", curfew.Unavailable},
	} {
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", noon.Format(http.TimeFormat))
			switch r.URL.Path {
			case "/v1/charges/ch_1":
				_, _ = w.Write([]byte(charge))
			case "/v1/disputes":
				w.WriteHeader(row.status)
				_, _ = w.Write([]byte(row.body))
			default:
				_, _ = w.Write([]byte(`{"object":"list","data":[]}`))
			}
		})
		got, err := c.Payment(t.Context(), "", "ch_1")
		if row.kind != "" {
			if !errors.Is(err, row.kind) {
				t.Errorf("%s: %+v, %v", sentence, got, err)
			}
			continue
		}
		want := curfew.Fact{Kind: "dispute", Object: "ch_1", State: row.state, Currency: "eur", At: noon}
		if err != nil || len(got.Facts) != 3 {
			t.Fatalf("%s: %+v, %v", sentence, got, err)
		}
		if diff := cmp.Diff(want, got.Facts[2]); diff != "" {
			t.Errorf("%s: %s", sentence, diff)
		}
	}
}

// An answer that nobody can read is kept like a message, and the others are listed all the same.
func TestPayment_AnUnreadableAnswerSaysWhy(t *testing.T) {
	t.Parallel()
	const intent = `{"id":"pi_1","object":"payment_intent","status":"succeeded","amount":null,"currency":"eur","created":1795435200}`
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", noon.Format(http.TimeFormat))
		if r.URL.Path == "/v1/payment_intents/pi_1" {
			_, _ = w.Write([]byte(intent))
			return
		}
		_, _ = w.Write([]byte(`{"object":"list","data":[]}`))
	})
	got, err := c.Payment(t.Context(), "", "pi_1")
	want := curfew.Notice{Type: "payment_intent", Provider: "stripe", At: noon, Unread: "payment_intent pi_1: amount is missing", Body: []byte(intent)}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
