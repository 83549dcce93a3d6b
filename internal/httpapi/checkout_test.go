package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/storetest"
)

// held makes a payment that the provider reported and nobody can use.
func (h *fixture) held(customer, ref, email string) {
	h.Helper()
	must(h.T, h.keeper.Payments.Receive(h.Context(), storetest.Report{
		Ref: ref, PaymentID: "pi-" + ref, CustomerID: customer, Plan: "gold", Amount: 2900, Currency: "eur", Email: email,
		Metadata: map[string]string{"plan": "gold"}, Paid: true,
	}.Notice()))
}

// What operators see and do about payments, as it goes over the wire.
func TestTheWireOfPayments(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: func(p *curfew.Policy) {
		p.Settle = map[curfew.EndReason]curfew.Settlement{curfew.NoShow: curfew.Forfeit}
	}})
	admin := func(method, path, body string) answer { return h.sendAs(curfew.Admin, "anna", method, path, body) }
	const payments = "/api/debug/checkouts"
	h.held("", "cs_1", "ada@example.org")
	h.held("bob", "cs/2", "Bob@Example.org")
	golden(t, "payments", admin("GET", payments, ""))
	golden(t, "payments-page", admin("GET", payments+"?outcome=held&limit=1", ""))
	golden(t, "payments-of-an-address", admin("GET", payments+"?email=bob@example.ORG", ""))
	golden(t, "payments-none", admin("GET", payments+"?customerId=nobody", ""))
	golden(t, "payment", admin("GET", payments+"/cs%2F2", ""))
	golden(t, "payment-missing", admin("GET", payments+"/cs_9", ""))
	golden(t, "payment-fulfil-nobodys", admin("POST", payments+"/cs_1/fulfil", `{"reason":"he called"}`))
	golden(t, "payment-assigned", admin("POST", payments+"/cs_1/assign", `{"customerId":"ada","plan":"chat10","reason":"she called"}`))
	golden(t, "payment-assigned-again", admin("POST", payments+"/cs_1/assign", `{"customerId":"ada","plan":"chat10","reason":"she called"}`))
	golden(t, "payment-fulfilled", admin("GET", payments+"/cs_1", ""))
	golden(t, "payment-fulfil", admin("POST", payments+"/cs_1/fulfil", ``))
	golden(t, "payment-credit", admin("POST", payments+"/cs_1/credit", `{"reason":"goodwill"}`))
	golden(t, "payment-refunded", admin("POST", payments+"/cs_1/refund", `{"reason":"she asked"}`))
	golden(t, "payment-closed", admin("POST", payments+"/cs%2F2/refund", `{"reason":"in cash","byHand":true}`))

	h.ago(24 * time.Hour)
	h.accepted("cyd", "max")
	h.ago(0)
	_, err := h.admin().RunCleanup(h.Context(), api.Cleanup{})
	must(t, err)
	paid, err := h.admin().Checkouts(h.Context(), "cyd")
	must(t, err)
	got, err := h.admin().CreditCheckout(h.Context(), paid.Checkouts[0].ID, api.Reason{Reason: "goodwill"})
	must(t, err)
	if got.Outcome != "credited" || got.CustomerID != "cyd" {
		t.Errorf("credited: %+v", got)
	}
}

// The history records who did each operation and why.
func TestWhatOperatorsDoIsKept(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.held("", "cs_1", "")
	_, err := h.admin().AssignCheckout(h.Context(), "cs_1", api.Assignment{CustomerID: "ada", Plan: "chat10", Reason: "she called"})
	must(t, err)
	_, err = h.admin().RefundCheckout(h.Context(), "cs_1", api.Refund{Reason: "she asked"})
	must(t, err)
	c, err := h.admin().Checkout(h.Context(), "cs_1")
	must(t, err)
	for _, want := range []struct{ to, reason string }{{"deferred", "she called"}, {"refund_due", "refunded: she asked"}} {
		if !slices.ContainsFunc(c.Events, func(e api.Event) bool {
			return e.To == want.to && e.Reason == want.reason && e.Actor == "admin:anna"
		}) {
			t.Errorf("no event of %+v in %+v", want, c.Events)
		}
	}
	if _, err := h.admin().FulfillHeld(h.Context(), "cs_1", api.Repair{}); problemOf(t, err).Status != http.StatusConflict {
		t.Errorf("fulfilled: %v", err)
	}
}

// Pages have every payment once, and addresses stay out of the log.
func TestPaymentsAreFoundPageByPage(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	var want, got []string
	for _, ref := range []string{"a", "b", "c", "d", "e"} {
		h.held("ada", ref, "canary@example.org")
		want = append(want, ref)
	}
	h.held("ada", "f", "other@example.org")
	s := api.CheckoutSelection{Email: "CANARY@example.org", Limit: 2}
	for {
		page, err := h.admin().FindCheckouts(h.Context(), s)
		must(t, err)
		for _, c := range page.Checkouts {
			got = append(got, c.PaymentRef)
		}
		if page.NextCursor == nil {
			break
		}
		s.After = *page.NextCursor
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %v", got)
	}
	if strings.Contains(strings.ToLower(h.log.String()), "canary") {
		t.Error("the log has the address")
	}
}

// What was paid for a reference is said with its currency, and cannot change.
func TestAmountsAreWholeAndStay(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: moreTime})
	f := h.accepted("carl", "max")
	for role, id := range map[curfew.Role]string{curfew.Customer: "carl", curfew.Mechanic: "max"} {
		_, err := h.as(role, id).Join(h.Context(), f.SessionID)
		must(t, err)
	}
	shop := func(path, body string) answer { return h.sendAs(curfew.Service, "shop", "POST", path, body) }
	more := "/api/sessions/" + f.SessionID + "/extend"
	for _, ok := range []answer{
		shop("/api/checkouts", `{"paymentRef":"p1","customerId":"dora","plan":"chat10","amount":990,"currency":"eur"}`),
		shop(more, `{"paymentRef":"x1","plan":"more15","amount":900}`), // in the plan's currency
	} {
		if ok.status >= 400 {
			t.Fatalf("%d %s", ok.status, ok.body)
		}
	}
	for _, refused := range []struct{ path, body, code string }{
		{"/api/checkouts", `{"paymentRef":"p1","customerId":"dora","plan":"chat10","amount":991,"currency":"eur"}`, "idempotency_mismatch"},
		{"/api/checkouts", `{"paymentRef":"p1","customerId":"dora","plan":"chat10","amount":990,"currency":"usd"}`, "idempotency_mismatch"},
		{"/api/checkouts", `{"paymentRef":"p2","customerId":"dora","plan":"chat10","amount":990}`, "invalid"},
		{"/api/checkouts", `{"paymentRef":"p2","customerId":"dora","plan":"chat10","amount":0}`, "invalid"},
		{more, `{"paymentRef":"x1","plan":"more15","amount":901}`, "idempotency_mismatch"},
	} {
		got := shop(refused.path, refused.body)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `"code":"`+refused.code+`"`) {
			t.Errorf("%s: %d %s", refused.body, got.status, got.body)
		}
	}
}
