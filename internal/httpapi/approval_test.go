package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/wire"
)

// What needs two persons answers 202 with what is asked for, and another admin carries it out. Both calls are in the audit log.
func TestTwoPersonsOverHTTP(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{two: approval.Rules{RefundsOver: map[string]int64{"eur": 100}, TTL: time.Hour}})
	h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", `{"paymentRef":"p1","customerId":"ada","plan":"chat10","amount":990,"currency":"EUR"}`)
	before := len(h.audited())
	got := h.sendAs(curfew.Admin, "anna", "POST", "/api/debug/checkouts/p1/refund", `{"reason":"sorry"}`)
	var pending wire.ApprovalPending
	must(t, json.Unmarshal([]byte(got.body), &pending))
	if got.status != http.StatusAccepted || pending.Code != "approval_pending" || pending.Approval.State != "pending" || pending.Approval.CustomerID != "ada" ||
		got.header.Get("Content-Type") != "application/json" || !strings.Contains(pending.Detail, pending.Approval.ID) {
		t.Fatalf("%d %s", got.status, got.body)
	}
	at := "/api/approvals/" + pending.Approval.ID
	for _, c := range []struct {
		who, method, path, body string
		status                  int
		says                    string
	}{
		{"anna", "POST", at + "/approve", "", http.StatusForbidden, "another person has to decide"},
		{"otto", "GET", "/api/approvals?pending=true", "", http.StatusOK, `"state":"pending"`},
		{"otto", "POST", at + "/approve", "", http.StatusOK, `"state":"done"`},
		{"otto", "POST", at + "/reject", `{"reason":"no"}`, http.StatusConflict, "is done already"},
		{"otto", "GET", "/api/approvals?pending=true", "", http.StatusOK, `"approvals":[]`},
		{"otto", "GET", "/api/debug/checkouts/p1", "", http.StatusOK, `"outcome":"refund_due"`},
	} {
		if got := h.sendAs(curfew.Admin, c.who, c.method, c.path, c.body); got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s %s by %s: %d %s", c.method, c.path, c.who, got.status, got.body)
		}
	}
	log := strings.Join(h.audited()[before:], "\n")
	for _, line := range []string{"admin:anna api refundCheckout 202 ada", "admin:anna api approve 403 ada", "admin:otto api approve 200 ada"} {
		if !strings.Contains(log, line) {
			t.Errorf("the audit log lacks %s:\n%s", line, log)
		}
	}
}
