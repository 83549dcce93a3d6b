package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/wire"
)

// personal is a customer whose id is an address.
const personal = "mark-id@mail.example"

func (h *fixture) privately(method, route, body string) answer {
	h.Helper()
	return h.sendAs(curfew.Admin, "anna", method, "/api/customers/"+url.PathEscape(personal)+route, body)
}

// bought gives the customer a session that has ended, with a marker in each field of its payment.
func (h *fixture) bought() (session string) {
	h.Helper()
	got := h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", `{"paymentRef":"pay-1","customerId":"`+personal+
		`","plan":"chat10","name":"Mark-Name","email":"mark-mail@mail.example","metadata":{"mark-key":"mark-value"}}`)
	var f struct{ SessionID, RequestID string }
	must(h.T, json.Unmarshal([]byte(got.body), &f))
	_, err := h.as(curfew.Mechanic, "max").Accept(h.Context(), f.RequestID)
	must(h.T, err)
	for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: personal}, {Role: curfew.Mechanic, ID: "max"}} {
		_, err = h.as(who.Role, who.ID).Join(h.Context(), f.SessionID)
		must(h.T, err)
	}
	return f.SessionID
}

func (h *fixture) preview(body string) (p wire.CustomerErasure) {
	h.Helper()
	got := h.privately("POST", "/erase", body)
	if got.status != http.StatusOK {
		h.Fatalf("preview: %d %s", got.status, got.body)
	}
	must(h.T, json.Unmarshal([]byte(got.body), &p))
	return p
}

func TestACustomerIsExportedAndErased(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	if got := h.privately("GET", "/export", ""); got.status != http.StatusNotFound {
		t.Errorf("an unknown customer: %d %s", got.status, got.body)
	}
	session := h.bought()
	p := h.preview(`{"dryRun":true,"pseudonym":true}`)
	if len(p.BlockedBy) != 1 || p.BlockedBy[0].ID != session || p.BlockedBy[0].State != "live" {
		t.Errorf("the open session does not block: %+v", p)
	}
	execute := func(p wire.CustomerErasure) answer {
		return h.privately("POST", "/erase", fmt.Sprintf(`{"previewId":%q,"version":%d,"reason":"asked for"}`, p.PreviewID, p.Version))
	}
	if got := execute(p); got.status != http.StatusConflict || !strings.Contains(got.body, "session "+session+" is live") {
		t.Errorf("while a session is open: %d %s", got.status, got.body)
	}
	h.exec("UPDATE sessions SET started_at = started_at - 600000000 WHERE id = ?", session)
	_, err := h.admin().End(h.Context(), session)
	must(t, err)
	if got := execute(p); got.status != http.StatusConflict || !strings.Contains(got.body, "preview again") {
		t.Errorf("after something happened: %d %s", got.status, got.body)
	}
	exported := h.privately("GET", "/export", "")
	for _, want := range []string{`"email":"mark-mail@mail.example"`, `"name":"Mark-Name"`, `"mark-key":"mark-value"`, `"requests":[`, `"events":[`, `"actor":"operator"`} {
		if !strings.Contains(exported.body, want) {
			t.Errorf("the export has no %s: %s", want, exported.body)
		}
	}
	if strings.Contains(exported.body, "anna") {
		t.Errorf("the export names an operator: %s", exported.body)
	}
	p = h.preview(`{"dryRun":true,"pseudonym":true}`)
	for range 2 {
		got := execute(p)
		if got.status != http.StatusOK || !strings.Contains(got.body, `"customerId":"`+p.Pseudonym+`"`) || !strings.Contains(got.body, `"erasedAt"`) {
			t.Errorf("carried out: %d %s", got.status, got.body)
		}
	}
	h.audited() // writes what was noted before the erasure
	if left := h.dump(); strings.Contains(strings.ToLower(left), "mark-") {
		t.Errorf("something is left: %s", left)
	}
	got := h.sendAs(curfew.Admin, "anna", "GET", "/api/debug/explain?subject="+p.Pseudonym, "")
	if got.status != http.StatusOK || !strings.Contains(got.body, "went live") || !strings.Contains(got.body, "pay-1") {
		t.Errorf("the story: %d %s", got.status, got.body)
	}
	if got := h.privately("GET", "/export", ""); got.status != http.StatusNotFound {
		t.Errorf("of the erased: %d %s", got.status, got.body)
	}
}

func TestAnErasureIsPreviewedFirst(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.bought()
	p := h.preview(`{"dryRun":true}`)
	for body, want := range map[string]int{
		``:                       http.StatusUnprocessableEntity,
		`{}`:                     http.StatusUnprocessableEntity,
		`{"reason":"asked for"}`: http.StatusUnprocessableEntity,
		`{"dryRun":true,"previewId":"` + p.PreviewID + `"}`: http.StatusUnprocessableEntity,
		`{"previewId":""}`: http.StatusUnprocessableEntity,
		`{"previewId":"` + p.PreviewID + `","reason":"asked for"}`:                                         http.StatusUnprocessableEntity,
		fmt.Sprintf(`{"previewId":%q,"version":%d}`, p.PreviewID, p.Version):                               http.StatusUnprocessableEntity,
		fmt.Sprintf(`{"previewId":%q,"version":%d,"reason":"asked for"}`, p.PreviewID, p.Version+1):        http.StatusConflict,
		fmt.Sprintf(`{"previewId":%q,"version":%d,"reason":"asked for","pseudonym":true}`, p.PreviewID, 1): http.StatusUnprocessableEntity,
		`{"previewId":"019f0000-0000-7000-8000-000000000000","version":1,"reason":"asked for"}`:            http.StatusNotFound,
		`{"previewId":"019f0000","version":1,"reason":"asked for"}`:                                        http.StatusNotFound,
	} {
		if got := h.privately("POST", "/erase", body); got.status != want {
			t.Errorf("%s: %d %s, want %d", body, got.status, got.body, want)
		}
	}
	other := h.fulfilled("other")
	if got := h.sendAs(curfew.Admin, "anna", "POST", "/api/customers/other/erase", fmt.Sprintf(`{"previewId":%q,"version":%d,"reason":"x"}`, p.PreviewID, p.Version)); got.status != http.StatusConflict {
		t.Errorf("another customer's preview: %d %s", got.status, got.body)
	}
	if !strings.Contains(h.dump(), "mark-mail@mail.example") || other.SessionID == "" {
		t.Error("something was erased")
	}
	for _, route := range httpapi.RouteTable() {
		if strings.HasSuffix(route.Path, "/erase") && route.Method != http.MethodPost {
			t.Errorf("%s erases by %s", route.Path, route.Method)
		}
	}
}

// What a provider, or the shop, tells again of a payment does not bring back who was erased.
func TestLaterMessagesBringNobodyBack(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{hooks: httpapi.Hooks{Stripe: hook{}}})
	message, err := json.Marshal(storetest.Report{
		Ref: "cs-1", PaymentID: "pi-1", CustomerID: personal, Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true,
		Email: "mark-mail@mail.example", Name: "Mark-Name",
	}.Notice())
	must(t, err)
	tell := func() {
		if status, body := h.post("good", string(message)); status != http.StatusNoContent {
			t.Fatalf("%d %s", status, body)
		}
	}
	tell()
	_, err = h.admin().RefundCheckout(h.Context(), "cs-1", api.Refund{Reason: "goodwill", ByHand: true})
	must(t, err)
	p := h.preview(`{"dryRun":true,"pseudonym":true}`)
	got := h.privately("POST", "/erase", fmt.Sprintf(`{"previewId":%q,"version":%d,"reason":"asked for"}`, p.PreviewID, p.Version))
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	before := h.payments()
	tell()
	got = h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", `{"paymentRef":"cs-1","customerId":"`+personal+`","plan":"chat10","email":"mark-mail@mail.example"}`)
	if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `"idempotency_mismatch"`) {
		t.Errorf("the shop's report again: %d %s", got.status, got.body)
	}
	if after := h.payments(); after != before {
		t.Errorf("the message again changed\n%s\nto\n%s", before, after)
	}
	h.audited() // writes what was noted before the erasure
	if left := h.dump(); strings.Contains(strings.ToLower(left), "mark-") {
		t.Errorf("somebody is back: %s", left)
	}
}

// payments is every row about payments, and every event.
func (h *fixture) payments() string {
	h.Helper()
	db, all := h.database(), ""
	for _, table := range []string{"checkouts", "payment_refs", "payment_facts", "events", "provider_messages"} {
		all += strings.Join(rows(h.T, db, "SELECT * FROM "+table+" ORDER BY 1, 2, 3"), "\n")
	}
	return all
}
