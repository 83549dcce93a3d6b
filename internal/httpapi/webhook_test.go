package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// hook is a provider whose messages are notices as JSON, signed "good".
type hook struct{}

const bankSignature = "X-Bank-Signature"

func (hook) Headers() []string { return []string{bankSignature} }

func (hook) Read(header http.Header, body []byte) (n curfew.Notice, err error) {
	switch header.Get(bankSignature) {
	case "good":
		if json.Unmarshal(body, &n) != nil {
			return n, curfew.Errorf(curfew.Invalid, "no notice")
		}
		return n, nil
	case "foreign":
		return n, curfew.Errorf(curfew.Conflict, "of another account")
	case "broken":
		return n, errors.New("a defect with a secret")
	}
	return n, curfew.Errorf(curfew.Invalid, "the signature is wrong")
}

func notice(customer, ref string) string {
	text, _ := json.Marshal(storetest.Report{
		Ref: ref, PaymentID: "pi-" + ref, CustomerID: customer, Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true,
	}.Notice())
	return string(text)
}

// post posts a message of the provider and returns the status and the body.
func (h *fixture) post(signature, body string) (int, string) {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), http.MethodPost, h.URL+"/api/stripe/webhook", strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	if signature != "" {
		r.Header.Set(bankSignature, signature)
	}
	answer, err := h.Client().Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		h.Fatal(err)
	}
	return answer.StatusCode, text.String()
}

func TestTheWebhookAnswers(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct {
		signature, body string
		status          int
	}{
		"a true message": {"good", notice("ada", "p1"), 204},
		"what cannot be used is held, not bounced": {"good", notice("", "p1"), 204},
		"no signature":              {"", notice("ada", "p1"), 400},
		"a bad signature":           {"bad", notice("ada", "p1"), 400},
		"a body that is no message": {"good", "x", 400},
		"another account's":         {"foreign", notice("ada", "p1"), 204},
		"a defect":                  {"broken", notice("ada", "p1"), 500},
		"as large as may be":        {"bad", strings.Repeat("x", 256<<10), 400},
		"too large":                 {"good", strings.Repeat("x", 256<<10+1), 413},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			h := newFixtureWith(t, settings{hooks: httpapi.Hooks{Stripe: hook{}}})
			status, body := h.post(c.signature, c.body)
			if status != c.status || strings.Contains(body, "secret") {
				t.Errorf("answered %d %s", status, body)
			}
			_, err := h.keeper.Checkouts.Checkout(t.Context(), "p1")
			if done := c.signature == "good" && status == 204; done != (err == nil) {
				t.Errorf("the payment: %v", err)
			}
		})
	}
}

func TestWithoutASecretThereIsNoWebhook(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	if status, body := h.post("good", notice("ada", "p1")); status != 404 || !strings.Contains(body, `"not_found"`) {
		t.Errorf("answered %d %s", status, body)
	}
}

// Nothing is acknowledged before it is committed; sent again, it has no second effect.
func TestAMessageIsAcknowledgedOnceItIsCommitted(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{hooks: httpapi.Hooks{Stripe: hook{}}, store: func(s lifecycle.Store) lifecycle.Store { return storetest.NewLossy(s, 7, 0.5) }})
	for sent := range 100 {
		status, body := h.post("good", notice("ada", "p1"))
		if status == 204 {
			c, err := h.store.Reference(t.Context(), "p1")
			if err != nil || c.Checkout.Outcome != curfew.Fulfilled {
				t.Errorf("acknowledged, and it is %+v, %v", c.Checkout, err)
			}
			all, err := h.store.Checkouts(t.Context(), "ada")
			if err != nil || len(all) != 1 {
				t.Errorf("after %d messages there are %d payments, %v", sent+1, len(all), err)
			}
			return
		}
		if status != 503 {
			t.Fatalf("answered %d %s", status, body)
		}
	}
	t.Error("it never succeeds")
}

// What is refused is answered with its reason, counted, and a finding after a few.
func TestARefusedMessageLeavesItsReason(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{hooks: httpapi.Hooks{Stripe: hook{}}})
	for _, c := range []struct {
		signature, body, says string
		status                int
	}{
		{"", notice("ada", "p1"), "the signature is wrong", 400},
		{"good", "x", "no notice", 400},
		{"good", strings.Repeat("x", 256<<10+1), "more than 262144 bytes", 413},
		{"foreign", notice("ada", "p1"), "", 204},
		{"good", notice("ada", "p1"), "", 204},
		{"good", `{"ID":"evt_ping","Provider":"bank"}`, "", 204},
	} {
		if status, body := h.post(c.signature, c.body); status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s is answered with %d %s", c.signature, status, body)
		}
	}
	for name, want := range map[string]string{
		`curfew_provider_messages_total{outcome="refused",provider="stripe"}`: "3",
		`curfew_provider_messages_total{outcome="recorded",provider="bank"}`:  "1",
		`curfew_provider_messages_total{outcome="ignored",provider="bank"}`:   "1",
		`curfew_provider_messages_total{outcome="kept",provider="stripe"}`:    "0",
		`curfew_provider_messages_total{outcome="refused",provider="events"}`: "0",
		`curfew_health_problems{code="messages_refused",severity="warning"}`:  "3",
	} {
		if got := h.figures()[name]; got != want {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
}
