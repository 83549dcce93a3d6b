package httpapi_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

// listed is what lists and searches answer.
type listed struct {
	Sessions []struct {
		ID, CustomerID, Status string
	}
	NextCursor string
	Hits       []struct{ Kind, ID, CustomerID, Name, Page string }
	Partial    bool
}

func (h *fixture) listed(path string) listed {
	h.Helper()
	got := h.sendAs(curfew.Admin, "anna", "GET", path, "")
	var all listed
	if err := json.Unmarshal([]byte(got.body), &all); err != nil || got.status != 200 {
		h.Fatalf("%s: %d %s", path, got.status, got.body)
	}
	return all
}

func TestSessionsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.accepted("ada", "max")
	h.fulfilled("bob")
	h.fulfilled("cleo")
	var all []string
	for path := "/api/sessions?limit=2"; path != ""; {
		page := h.listed(path)
		for _, s := range page.Sessions {
			all = append(all, s.CustomerID)
		}
		if path = ""; page.NextCursor != "" {
			path = "/api/sessions?limit=2&cursor=" + page.NextCursor
		}
	}
	if got := strings.Join(all, " "); got != "cleo bob ada" {
		t.Errorf("listed %s", got)
	}
	for query, want := range map[string]string{
		"mechanicId=max": "ada", "customerId=bob": "bob", "status=live": "", "plan=chat10&sort=deadline&mechanicId=max": "ada",
		"from=" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339): "",
	} {
		var got []string
		for _, s := range h.listed("/api/sessions?" + query).Sessions {
			got = append(got, s.CustomerID)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %q", query, got, want)
		}
	}
}

func TestAListOfSessionsSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	for query, want := range map[string]string{
		"status=done":                    "status",
		"cursor=x":                       "cursor is none that Curfew gave",
		"customerId=a&mechanicId=b":      "not of both",
		"sort=deadline&status=completed": "has no deadline",
		"from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z": "from must be before to",
		"plan=": "must not be empty",
	} {
		got := h.sendAs(curfew.Admin, "anna", "GET", "/api/sessions?"+query, "")
		if got.status != 422 && got.status != 400 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}

func TestSessionsAreExportedWithoutFormulas(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.fulfilled(`=HYPERLINK("x")`)
	h.fulfilled("bob")
	got := h.sendAs(curfew.Admin, "anna", "GET", "/api/sessions.csv", "")
	lines := strings.Split(strings.TrimSpace(got.body), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "session,status,plan,") || !strings.Contains(lines[2], `"'=HYPERLINK(""x"")"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(got.header.Get("Content-Disposition"), "curfew-sessions.csv") {
		t.Errorf("headers %v", got.header)
	}
}

func TestPaymentsAndDeliveriesAreListedAndExported(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.fulfilled("=1+1")
	h.fulfilled("bob")
	for path, want := range map[string]string{
		"/api/checkouts?limit=1": `"nextCursor":"`, "/api/checkouts?customerId=bob": `"customerId":"bob"`, "/api/checkouts?amount=1,2": `"checkouts":[]`,
		"/api/checkouts.csv?outcome=fulfilled": ",'=1+1,", "/api/deliveries.csv": "delivery,event,channel,to,state",
	} {
		if got := h.sendAs(curfew.Admin, "anna", "GET", path, ""); got.status != 200 || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

func TestASearchForgives(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	f := h.accepted("customer-Ada", "Maximilian")
	h.exec("UPDATE checkouts SET name = 'Öznur Kim', email = 'Oz@Example.org', ref = 'pi_3Nabc'")
	for text, want := range map[string]string{
		f.SessionID: "session " + f.SessionID, f.SessionID[24:]: "session " + f.SessionID, strings.ToUpper(f.SessionID[:20]): "session " + f.SessionID,
		f.RequestID: "request " + f.RequestID, "öznur": "customer customer-Ada", "ÖZNUR K": "customer customer-Ada", "oz@EX": "customer customer-Ada",
		"kim": "payment ", "MAXI": "mechanic Maximilian", "customer-Ada": "customer customer-Ada", "CUSTOMER-ada": "session " + f.SessionID, "3nab": "payment ",
	} {
		var got []string
		for _, hit := range h.listed("/api/search?text=" + url.QueryEscape(text)).Hits {
			got = append(got, hit.Kind+" "+hit.ID)
			if !strings.HasPrefix(hit.Page, "/console/") {
				t.Errorf("%s leads to %s", text, hit.Page)
			}
		}
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%q found %q, not %s", text, got, want)
		}
	}
	if hits := h.listed("/api/search?text=nothing-at-all").Hits; len(hits) > 0 {
		t.Errorf("found %v", hits)
	}
	if got := h.sendAs(curfew.Admin, "anna", "GET", "/api/search?text=a", ""); got.status != 422 {
		t.Errorf("a single letter: %d", got.status)
	}
}
