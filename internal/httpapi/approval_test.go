package httpapi_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
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

// The page says what was asked for, by whom and why, what would happen, and offers to decide it to everybody else.
func TestThePageOfApprovals(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{two: approval.Rules{RefundsOver: map[string]int64{"eur": 100}, LiveEnds: true, Erasures: true, TTL: time.Hour}})
	mine, otto := h.signedIn(anna), h.signedIn(curfew.Actor{Role: curfew.Admin, ID: "otto"})
	h.shows("/console/approvals", mine, []string{"Nothing waits for a second person here."}, []string{"<li id="})
	h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", `{"paymentRef":"p1","customerId":"ada","plan":"chat10","amount":990,"currency":"EUR"}`)
	got := h.sendAs(curfew.Admin, "anna", "POST", "/api/debug/checkouts/p1/refund", `{"reason":"she <b>asked</b>"}`)
	var pending wire.ApprovalPending
	must(t, json.Unmarshal([]byte(got.body), &pending))
	asked := []string{"1 action waits for a second person.", "Refund 9.90 EUR of payment p1", "she &lt;b&gt;asked&lt;/b&gt;", "asked by <bdi>admin:anna</bdi>", "which nobody can undo"}
	h.shows("/console/approvals", mine, append(asked, "You requested this: another admin has to decide."), []string{"data-call"})
	h.shows("/console/approvals?customerId=ada", otto, append(asked, "POST /api/approvals/"+pending.Approval.ID+"/approve", "POST /api/approvals/"+pending.Approval.ID+"/reject"), []string{"You requested this"})
	h.shows("/console/approvals?customerId=bob", otto, nil, []string{"Refund"})
	h.sendAs(curfew.Admin, "otto", "POST", "/api/approvals/"+pending.Approval.ID+"/reject", `{"reason":"not yet"}`)
	h.shows("/console/approvals", otto, nil, []string{"Refund"})
	over := []string{"rejected by <bdi>admin:otto</bdi>", "not yet"}
	h.shows("/console/approvals?state=all", otto, over, []string{"data-call"})
	h.shows("/console/approvals?id="+pending.Approval.ID, otto, over, []string{"data-call"})
	h.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 51)
		INSERT INTO approvals (id, action, customer_id, target, body, summary, state, asked_by, asked_at, expires_at)
		SELECT printf('%08x-0000-7000-8000-000000000000', i), 'eraseCustomer', 'ada', 'ada', '{}', 'Erase', 'pending', 'admin:mara', asked_at + i, expires_at FROM n, approvals`)
	page := h.send("GET", "/console/approvals", "", otto)
	next := regexp.MustCompile(`href="(\?cursor=[^"]+)"`).FindStringSubmatch(page.body)
	if strings.Count(page.body, "<li id=") != 50 || next == nil {
		t.Fatalf("a page has %d, and leads to %v", strings.Count(page.body, "<li id="), next)
	}
	if rest := h.send("GET", "/console/approvals"+next[1], "", otto); strings.Count(rest.body, "<li id=") != 1 {
		t.Errorf("the last page has %d", strings.Count(rest.body, "<li id="))
	}
	var list wire.Approvals
	seen := 0
	for cursor := ""; ; cursor = "&cursor=" + *list.NextCursor {
		list = wire.Approvals{}
		must(t, json.Unmarshal([]byte(h.sendAs(curfew.Admin, "otto", "GET", "/api/approvals?limit=20&customerId=ada"+cursor, "").body), &list))
		if seen += len(list.Approvals); list.NextCursor == nil {
			break
		}
	}
	if seen != 52 {
		t.Errorf("the API lists %d", seen)
	}
	if got := h.sendAs(curfew.Admin, "otto", "GET", "/api/approvals?cursor=x", ""); got.status != http.StatusBadRequest {
		t.Errorf("a cursor that is none: %d", got.status)
	}
}

// shows fails unless a page has all of some texts, and none of others.
func (h *fixture) shows(path, cookie string, all, none []string) {
	h.Helper()
	got := h.send("GET", path, "", cookie)
	for _, text := range all {
		if got.status != http.StatusOK || !strings.Contains(got.body, text) {
			h.Errorf("%s: %d, without %q", path, got.status, text)
		}
	}
	_, main, _ := strings.Cut(got.body, "<main")
	for _, text := range none {
		if strings.Contains(main, text) {
			h.Errorf("%s shows %q", path, text)
		}
	}
}

// An approval whose process stopped is carried out when a service starts, and the audit log says so.
func TestAServiceEndsInterruptedApprovals(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{two: approval.Rules{RefundsOver: map[string]int64{"eur": 100}, TTL: time.Hour}})
	h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", `{"paymentRef":"p1","customerId":"ada","plan":"chat10","amount":990,"currency":"EUR"}`)
	h.sendAs(curfew.Admin, "anna", "POST", "/api/debug/checkouts/p1/refund", `{"reason":"sorry"}`)
	h.exec("UPDATE approvals SET state = 'executing', decided_by = 'admin:otto', decided_at = asked_at, tried_at = asked_at - 180000000")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.server.Run(ctx) }()
	value := func(query string) (text string) {
		must(t, h.database().QueryRowContext(t.Context(), query).Scan(&text))
		return text
	}
	for value("SELECT state FROM approvals") == "executing" {
		<-time.After(5 * time.Millisecond)
	}
	stop()
	must(t, <-done)
	if got := value("SELECT outcome FROM checkouts"); got != "refund_due" {
		t.Errorf("the payment is %s", got)
	}
	if log := strings.Join(h.audited(), "\n"); !strings.Contains(log, "system:approvals system approve 0 ada") {
		t.Errorf("the audit log says\n%s", log)
	}
}
