package httpapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

var (
	update   = flag.Bool("update", false, "write the golden files of what goes over the wire")
	breaking = flag.Bool("breaking", false, "with -update: let the description break the clients of the last release")
)

var (
	anyID     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyCursor = regexp.MustCompile(`"nextCursor": "[\w-]+"`)
	anyAge    = regexp.MustCompile(`"(waitingSeconds|ageSeconds)": \d+|"(age)": "4[56] minutes"`)
	anyMoment = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)
	anyTime   = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z`)
)

// golden compares an answer with its file, ids and times by the order in which
// they appear.
func golden(t *testing.T, name string, got answer) {
	t.Helper()
	var text bytes.Buffer
	fmt.Fprintf(&text, "%d %s\n", got.status, got.header.Get("Content-Type"))
	if err := json.Indent(&text, []byte(got.body), "", "  "); err != nil {
		t.Fatalf("%s: %v in %s", name, err, got.body)
	}
	seen := text.Bytes()
	for _, of := range []struct {
		pattern *regexp.Regexp
		word    string
	}{{anyID, "id"}, {anyTime, "time"}} {
		known := map[string]int{}
		seen = of.pattern.ReplaceAllFunc(seen, func(found []byte) []byte {
			if known[string(found)] == 0 {
				known[string(found)] = len(known) + 1
			}
			return fmt.Appendf(nil, "<%s %d>", of.word, known[string(found)])
		})
	}
	seen = anyAge.ReplaceAll(seen, []byte(`"$1$2": "<age>"`))
	seen = anyMoment.ReplaceAll(seen, []byte("<moment>"))
	seen = anyCursor.ReplaceAll(seen, []byte(`"nextCursor": "<cursor>"`))
	file := filepath.Join("testdata", "wire", name+".txt")
	if *update {
		must(t, os.MkdirAll(filepath.Dir(file), 0o750))
		must(t, os.WriteFile(file, seen, 0o600))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(seen, want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, seen, want)
	}
}

// An afternoon at a marketplace, as it goes over the wire.
func TestTheWire(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	shop := func(method, path, body string, headers ...string) answer {
		return h.sendAs(curfew.Service, "shop", method, path, body, headers...)
	}
	admin := func(method, path, body string) answer { return h.sendAs(curfew.Admin, "anna", method, path, body) }
	max := func(method, path string) answer { return h.sendAs(curfew.Mechanic, "max", method, path, "") }
	carl := func(method, path, body string) answer {
		return h.sendAs(curfew.Customer, "carl", method, path, body)
	}
	ids := func(a answer) (session, request string) {
		var f struct{ SessionID, RequestID string }
		must(t, json.Unmarshal([]byte(a.body), &f))
		return f.SessionID, f.RequestID
	}

	golden(t, "health-empty", admin("GET", "/api/debug/session-health", ""))
	paid := `{"paymentRef":"p1","customerId":"carl","plan":"chat10","amount":990,"currency":"EUR","name":"Carl","metadata":{"cart":"7"}}`
	first := shop("POST", "/api/checkouts", paid)
	session, request := ids(first)
	golden(t, "checkout-fulfilled", first)
	golden(t, "checkout-replayed", shop("POST", "/api/checkouts", paid))
	golden(t, "checkout-deferred", shop("POST", "/api/checkouts", `{"paymentRef":"p2","customerId":"carl","plan":"video15"}`))
	golden(t, "checkout-deferred-replayed", shop("POST", "/api/checkouts", `{"paymentRef":"p2","customerId":"carl","plan":"video15"}`))
	golden(t, "checkout-mismatch", shop("POST", "/api/checkouts", `{"paymentRef":"p1","customerId":"dora","plan":"chat10"}`))
	golden(t, "session-refused", carl("POST", "/api/sessions", `{"plan":"free"}`))
	golden(t, "session-unpaid", shop("POST", "/api/sessions", `{"plan":"chat10","customerId":"dora"}`))
	golden(t, "status-blocked", carl("GET", "/api/customers/carl/session-status", ""))
	golden(t, "status-clear", shop("GET", "/api/customers/dora/session-status", ""))
	golden(t, "queue", max("GET", "/api/mechanics/requests"))
	golden(t, "accepted", max("POST", "/api/mechanics/requests/"+request+"/accept"))
	golden(t, "accept-claimed", h.sendAs(curfew.Mechanic, "eve", "POST", "/api/mechanics/requests/"+request+"/accept", ""))
	_, second := ids(shop("POST", "/api/sessions", `{"plan":"free","customerId":"dora"}`, "Idempotency-Key: k1"))
	golden(t, "session-free-replayed", shop("POST", "/api/sessions", `{"plan":"free","customerId":"dora"}`, "Idempotency-Key: k1"))
	golden(t, "accept-busy", max("POST", "/api/mechanics/requests/"+second+"/accept"))
	golden(t, "released", max("POST", "/api/mechanics/requests/"+request+"/release"))
	max("POST", "/api/mechanics/requests/"+request+"/accept")
	golden(t, "joined-one", carl("POST", "/api/sessions/"+session+"/join", ""))
	golden(t, "joined-both", max("POST", "/api/sessions/"+session+"/join"))
	golden(t, "clear-live-kept", carl("POST", "/api/customers/carl/clear", `{}`))
	golden(t, "ended", max("POST", "/api/sessions/"+session+"/end"))
	golden(t, "session", carl("GET", "/api/sessions/"+session, ""))
	golden(t, "events", carl("GET", "/api/sessions/"+session+"/events", ""))
	golden(t, "checkouts", carl("GET", "/api/customers/carl/checkouts", ""))
	golden(t, "join-ended", carl("POST", "/api/sessions/"+session+"/join", ""))
	golden(t, "clear-dry", admin("POST", "/api/customers/carl/clear", `{"dryRun":true}`))
	golden(t, "cleared", admin("POST", "/api/customers/carl/clear", `{"reason":"he asked"}`))
	golden(t, "unauthenticated", h.send("POST", "/api/debug/cleanup-sessions", ""))
	golden(t, "unknown-field", admin("POST", "/api/debug/cleanup-sessions", `{"dryrun":true}`))
	golden(t, "wrong-type", admin("POST", "/api/debug/cleanup-sessions", `{"dryRun":"yes"}`))
	golden(t, "wrong-method", admin("PUT", "/api/debug/cleanup-sessions", ""))
}

// What is booked for tomorrow, and what becomes of it.
func TestTheWireOfAnAppointment(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	shop := func(method, path, body string) answer { return h.sendAs(curfew.Service, "shop", method, path, body) }
	at := time.Now().Add(3 * time.Hour).UTC().Truncate(time.Second)
	booking := fmt.Sprintf(`{"paymentRef":"p1","customerId":"carl","plan":"chat10","amount":991,"currency":"EUR","startsAt":%q}`, at.Format(time.RFC3339))
	booked := shop("POST", "/api/checkouts", booking)
	golden(t, "appointment-booked", booked)
	golden(t, "appointment-booked-again", shop("POST", "/api/checkouts", booking))
	var f struct{ SessionID string }
	must(t, json.Unmarshal([]byte(booked.body), &f))
	golden(t, "appointment", shop("GET", "/api/sessions/"+f.SessionID, ""))
	golden(t, "appointment-status", shop("GET", "/api/customers/carl/session-status", ""))
	golden(t, "appointment-join", h.sendAs(curfew.Customer, "carl", "POST", "/api/sessions/"+f.SessionID+"/join", ""))
	golden(t, "appointment-cancelled", h.sendAs(curfew.Customer, "carl", "POST", "/api/sessions/"+f.SessionID+"/cancel", ""))
	golden(t, "appointment-checkouts", shop("GET", "/api/customers/carl/checkouts", ""))
	golden(t, "appointment-events", shop("GET", "/api/sessions/"+f.SessionID+"/events", ""))
}

// A quarter of an hour more, and one that came too late.
func TestTheWireOfAnExtension(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: moreTime})
	f := h.accepted("carl", "max")
	for role, id := range map[curfew.Role]string{curfew.Customer: "carl", curfew.Mechanic: "max"} {
		_, err := h.as(role, id).Join(h.Context(), f.SessionID)
		must(t, err)
	}
	extend := func(session, body string) answer {
		return h.sendAs(curfew.Service, "shop", "POST", "/api/sessions/"+session+"/extend", body)
	}
	golden(t, "extended", extend(f.SessionID, `{"plan":"more15","paymentRef":"x1"}`))
	golden(t, "extended-again", extend(f.SessionID, `{"plan":"more15","paymentRef":"x1"}`))
	golden(t, "extend-by-a-session", extend(f.SessionID, `{"plan":"chat10","paymentRef":"x2"}`))
	golden(t, "extend-unknown-field", extend(f.SessionID, `{"plan":"more15","paymentRef":"x2","minutes":90}`))
	golden(t, "extend-mismatch", extend(h.fulfilled("dora").SessionID, `{"plan":"more15","paymentRef":"x1"}`))
	_, err := h.as(curfew.Customer, "carl").End(h.Context(), f.SessionID)
	must(t, err)
	golden(t, "extended-too-late", extend(f.SessionID, `{"plan":"more15","paymentRef":"x3"}`))
	got, err := h.shop().Extend(h.Context(), f.SessionID, api.Extension{Plan: "more15", PaymentRef: "x3"})
	must(t, err)
	if got.Outcome != "refund_due" || got.SessionID != f.SessionID {
		t.Errorf("the client got %+v", got)
	}
}

// What a cleanup says, and what health says before it.
func TestTheWireOfACleanup(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	admin := func(method, path, body string) answer { return h.sendAs(curfew.Admin, "anna", method, path, body) }
	h.ago(45*time.Minute + 30*time.Second)
	h.fulfilled("carl")
	h.accepted("dora", "max")
	orphan := h.fulfilled("olga")
	h.exec("UPDATE session_requests SET status = 'expired', ended_at = created_at WHERE id = ?", orphan.RequestID)
	h.ago(0)

	rough := func(a answer) answer {
		a.body = regexp.MustCompile(`("sessions":)\["[^]]*"\]`).ReplaceAllString(a.body, `${1}["…"]`)
		return a
	}
	golden(t, "health-issues", rough(admin("GET", "/api/debug/session-health", "")))
	golden(t, "cleanup-preview", rough(admin("GET", "/api/debug/cleanup-sessions", "")))
	golden(t, "cleanup-dry-run", rough(admin("POST", "/api/debug/cleanup-sessions", `{"dryRun":true,"rules":["orphanedSessions"]}`)))
	golden(t, "cleanup-run", admin("POST", "/api/debug/cleanup-sessions", `{"reason":"monday"}`))
	golden(t, "cleanup-again", admin("POST", "/api/debug/cleanup-sessions", ``))
	golden(t, "cleanup-runs", admin("GET", "/api/debug/cleanup-runs?limit=1", ""))
}

// What the console also asks for: the settings, and the last hours.
func TestTheWireOfTheConsole(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{given: []api.Setting{{
		Key: "waiting_ttl", Value: "20m", Source: "file", Where: "curfew.yaml line 3", Default: "15m", Help: "How long a session waits.",
	}}})
	admin := func(path string) answer { return h.sendAs(curfew.Admin, "anna", "GET", path, "") }
	golden(t, "settings", admin("/api/debug/settings"))
	h.fulfilled("carl")
	h.server.Sample(h.Context())
	history := admin("/api/debug/history")
	history.body = regexp.MustCompile(`"at":\[\d+\]`).ReplaceAllString(history.body, `"at":[1]`)
	golden(t, "history", history)
	golden(t, "history-later", admin("/api/debug/history?since=99999999999"))
}
