package httpapi_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// audited returns what is in the audit log, oldest first, in short.
func (h *fixture) audited() []string {
	h.Helper()
	must(h.T, h.audit.Write(h.Context()))
	all, err := h.store.AuditEntries(h.Context(), record.AuditSearch{Oldest: true, Limit: 1000})
	must(h.T, err)
	lines := []string{}
	for _, e := range all {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %d %s", wire.AuditActor(e), e.Via, e.Action, e.Status, e.About.Customer)))
	}
	return lines
}

// S34: an admin who reads what is known of a person leaves an entry that names them, by the API and by the pages.
func TestS34_WhoReadWhoseDataIsKept(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	session := h.fulfilled("ada")
	checkouts, err := h.shop().Checkouts(h.Context(), "ada")
	must(t, err)
	h.as(curfew.Customer, "ada").Checkouts(h.Context(), "ada") //nolint:errcheck // customers read their own, and services what they need
	for _, c := range []struct{ path, action, customer string }{
		{"/api/debug/explain?subject=ada", "explain", "ada"},
		{"/api/debug/explain?subject=" + session.SessionID, "explain", "ada"},
		{"/api/customers/ada/checkouts", "listCheckouts", "ada"},
		{"/api/customers/ada/session-status", "sessionStatus", "ada"},
		{"/api/sessions/" + session.SessionID, "readSession", "ada"},
		{"/api/sessions/" + session.SessionID + "/events", "listEvents", "ada"},
		{"/api/debug/checkouts/" + checkouts.Checkouts[0].ID, "readCheckout", "ada"},
		{"/api/debug/checkouts/" + checkouts.Checkouts[0].ID + "/evidence", "checkoutEvidence", "ada"},
		{"/api/debug/checkouts?customerId=ada", "findCheckouts", "ada"},
		{"/api/debug/checkouts", "findCheckouts", ""},
		{"/api/debug/cleanup-sessions?customerId=ada", "previewCleanup", "ada"},
		{"/api/mechanics/requests", "listQueue", ""},
		{"/api/debug/books?month=2026-11&lines=true", "readBooks", ""},
	} {
		before := len(h.audited())
		h.sendAs(curfew.Admin, "anna", "GET", c.path, "")
		want := strings.TrimSpace("admin:anna api " + c.action + " 200 " + c.customer)
		if got := h.audited()[before:]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s left %q, not %q", c.path, got, want)
		}
	}
	cookie := h.signedIn(anna)
	for _, c := range []struct{ path, action, customer string }{
		{"/console/customer?q=ada", "page:customer", "ada"},
		{"/clear-my-sessions.html?customer=ada", "page:clear-my-sessions", "ada"},
		{"/console/payments", "page:payments", ""},
		{"/", "page:overview", ""},
	} {
		before := len(h.audited())
		for range 3 { // a page that keeps itself up to date
			h.send("GET", c.path, "", cookie)
		}
		want := strings.TrimSpace("admin:anna page " + c.action + " 200 " + c.customer)
		if got := h.audited()[before:]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s left %q, not %q", c.path, got, want)
		}
	}
}

// Of the routes that admins may use, these alone leave nothing: they tell nothing of a person.
func TestEveryRouteOfAdminsIsAudited(t *testing.T) {
	t.Parallel()
	want := []string{"GET /api/debug/session-health", "GET /api/debug/history", "GET /api/debug/settings"}
	if diff := cmp.Diff(want, httpapi.Unaudited()); diff != "" {
		t.Errorf("not audited (-want +got):\n%s", diff)
	}
}

// What staff do is kept, also what was refused; so are sign-ins. A customer is never an entry's actor by name, so that they
// can be erased. What services and customers do is in the history of sessions.
func TestWhatStaffDoIsKept(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	cookie := h.signedIn(curfew.Actor{Role: curfew.Customer, ID: "ada"})
	h.send("POST", "/logout", "", cookie, "Sec-Fetch-Site: same-origin")
	h.signedIn(anna)
	key := h.keyed(`{"name":"shop","neverExpires":true}`)
	admin := func(method, path, body string) { h.sendAs(curfew.Admin, "anna", method, path, body) }
	admin("POST", "/api/keys/"+key.ID+"/rotate", `{}`)
	admin("DELETE", "/api/keys/"+key.ID, "")
	admin("POST", "/api/tokens/revoke", `{"role":"customer","subject":"bob"}`)
	admin("POST", "/api/tokens/revoke", `{"tokenId":"jti-1"}`)
	admin("DELETE", "/api/sign-ins", "")
	admin("POST", "/api/debug/checkouts/none/refund", `{"reason":"asked"}`)
	admin("POST", "/api/customers/carl/clear", `{}`)
	h.sendAs(curfew.Service, "shop", "POST", "/api/customers/carl/clear", `{}`)
	h.send("POST", "/api/keys", `{}`)
	want := []string{
		"customer page signIn 303 ada", "customer page signOut 303 ada", "admin:anna page signIn 303", "admin:anna api createKey 201",
		"admin:anna api rotateKey 200", "admin:anna api revokeKey 200", "admin:anna api revokeTokens 200 bob", "admin:anna api revokeTokens 200",
		"admin:anna api endSignIns 200", "admin:anna api refundCheckout 404", "admin:anna api clearCustomer 200 carl",
	}
	if diff := cmp.Diff(want, h.audited()); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
	verdict, err := audit.Verify(t.Context(), h.store, audit.Known{})
	must(t, err)
	if verdict.Broken != "" || verdict.Entries != int64(len(want)) {
		t.Errorf("%d entries: %s", verdict.Entries, verdict.Broken)
	}
}

// requestIDs are in entries of the audit log.
var requestIDs = regexp.MustCompile(`"requestId":"[^"]+"`)

// The audit log, as it goes over the wire.
func TestTheWireOfTheAuditLog(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	list := func(query string) answer {
		must(t, h.audit.Write(t.Context()))
		a := h.sendAs(curfew.Admin, "anna", "GET", "/api/audit"+query, "")
		a.body = requestIDs.ReplaceAllString(a.body, `"requestId":"<request>"`)
		return a
	}
	golden(t, "audit-empty", list(""))
	h.keyed(`{"name":"shop","neverExpires":true}`)
	h.sendAs(curfew.Admin, "otto", "GET", "/api/customers/ada/checkouts", "")
	golden(t, "audit", list("?limit=2"))
	golden(t, "audit-of-ada", list("?subject=ada"))
	_, err := h.store.EraseAudit(t.Context(), "ada")
	must(t, err)
	golden(t, "audit-erased", list("?actor=admin:otto"))
	golden(t, "audit-cursor-refused", list("?cursor=x"))
}

// Pages of the log join without a gap, whatever is chosen.
func TestPagesOfTheAuditLog(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for i := range 7 {
		h.sendAs(curfew.Admin, "anna", "POST", fmt.Sprintf("/api/customers/c%d/clear", i%2), `{}`)
	}
	must(t, h.audit.Write(t.Context()))
	var seen []int64
	for cursor := ""; ; {
		got := h.sendAs(curfew.Admin, "otto", "GET", "/api/audit?limit=2&action=clearCustomer&actor=admin:anna"+cursor, "")
		var page wire.AuditPage
		must(t, json.Unmarshal([]byte(got.body), &page))
		for _, e := range page.Entries {
			seen = append(seen, e.Number)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + url.QueryEscape(*page.NextCursor)
	}
	if !slices.Equal(seen, []int64{7, 6, 5, 4, 3, 2, 1}) {
		t.Errorf("the pages have %v", seen)
	}
	for _, query := range []string{"?since=yesterday", "?subject=", "?cursor=0", "?cursor=-1", "?who=anna", "?limit=0"} {
		if got := h.sendAs(curfew.Admin, "anna", "GET", "/api/audit"+query, ""); got.status != http.StatusUnprocessableEntity && got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

// The page lists entries, the newest first and page by page, as the filters choose. Looking at it is an entry.
func TestThePageOfTheAuditLog(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	cookie := h.signedIn(anna)
	for _, id := range []string{"ada", "bob", "carl"} {
		h.sendAs(curfew.Admin, "otto", "GET", "/api/customers/"+id+"/session-status", "")
	}
	h.audited() // writes them
	h.shows("/console/audit", cookie, []string{"signIn", "admin:otto", "sessionStatus", "/console/customer?q=bob", "curfew verify"}, []string{"Earlier entries"})
	h.shows("/console/audit?subject=bob", cookie, []string{"/console/customer?q=bob"}, []string{"q=ada"})
	h.shows("/console/audit?actor=admin:otto&action=sessionStatus&from=2020-01-01", cookie, []string{"q=ada", "q=carl"}, []string{"page:"})
	h.shows("/console/audit?actor=admin:nobody", cookie, []string{"There are none."}, []string{"<tr id="})
	_, err := h.store.EraseAudit(t.Context(), "bob")
	must(t, err)
	h.shows("/console/audit?actor=admin:otto", cookie, []string{`<span class="quiet">erased</span>`}, []string{"bob"})
	h.exec("WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1060) INSERT INTO audit_entries (number, at, actor, action, via, status, request_id, commitment) SELECT i, 0, 'admin:many', 'explain', 'api', 200, 'r', '' FROM n")
	page := h.send("GET", "/console/audit?actor=admin:many", "", cookie)
	next := regexp.MustCompile(`href="(\?actor=[^"]+)"`).FindStringSubmatch(page.body)
	if strings.Count(page.body, "<tr id=") != 50 || next == nil {
		t.Fatalf("a page has %d, and leads to %v", strings.Count(page.body, "<tr id="), next)
	}
	rest := h.send("GET", "/console/audit"+html.UnescapeString(next[1]), "", cookie)
	if strings.Count(rest.body, "<tr id=") != 11 || !strings.Contains(rest.body, `id="entry-1000"`) {
		t.Errorf("the last page has %d", strings.Count(rest.body, "<tr id="))
	}
	if log := strings.Join(h.audited(), "\n"); !strings.Contains(log, "admin:anna page page:audit 200 bob") {
		t.Errorf("looking at it left\n%s", log)
	}
}
