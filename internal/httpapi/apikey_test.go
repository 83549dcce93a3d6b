package httpapi_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// keyPattern is what a secret scanner would look for.
var keyPattern = regexp.MustCompile(`curfew_key_[0-9a-f]{32}_[a-z2-7]{52}`)

func (h *fixture) sendWith(key, method, path, body string) answer {
	h.Helper()
	return h.send(method, path, body, "Authorization: Bearer "+key)
}

// keyed creates an API key over HTTP.
func (h *fixture) keyed(body string) wire.APIKey {
	h.Helper()
	got := h.sendAs(curfew.Admin, "anna", "POST", "/api/keys", body)
	if got.status != http.StatusCreated {
		h.Fatalf("%s: %d %s", body, got.status, got.body)
	}
	return decodedKey(h.T, got)
}

func decodedKey(t *testing.T, got answer) wire.APIKey {
	t.Helper()
	var k wire.APIKey
	must(t, json.Unmarshal([]byte(got.body), &k))
	return k
}

// API keys, as they go over the wire.
func TestTheWireOfKeys(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	admin := func(method, path, body string) answer {
		a := h.sendAs(curfew.Admin, "anna", method, path, body)
		a.body = keyPattern.ReplaceAllString(a.body, "<key>")
		return a
	}
	added := admin("POST", "/api/keys", `{"name":"shop","expiresAt":"2999-01-01T00:00:00Z","customerPrefix":"de-","routes":["sessions","fulfillCheckout"],"maxAmount":5000,"currency":"EUR"}`)
	golden(t, "key-created", added)
	golden(t, "key-unbound", admin("POST", "/api/keys", `{"name":"cron","neverExpires":true}`))
	golden(t, "key-endless-refused", admin("POST", "/api/keys", `{"name":"shop"}`))
	golden(t, "key-route-refused", admin("POST", "/api/keys", `{"name":"shop","neverExpires":true,"routes":["runCleanup"]}`))
	at := "/api/keys/" + decodedKey(t, added).ID
	h.exec("UPDATE api_keys SET used_at = created_at")
	golden(t, "key-rotated", admin("POST", at+"/rotate", `{"graceSeconds":60}`))
	golden(t, "key-revoked", admin("DELETE", at, ""))
	golden(t, "key-rotation-refused", admin("POST", at+"/rotate", ""))
	golden(t, "keys", admin("GET", "/api/keys", ""))
	golden(t, "key-missing", admin("DELETE", "/api/keys/0199c0de-0000-7000-8000-00000000cafe", ""))
}

func TestKeysThatCannotBe(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	before := h.dump()
	for sentence, test := range map[string]struct{ body, says string }{
		"no name":                    {`{"neverExpires":true}`, "name"},
		"an empty name":              {`{"name":"","neverExpires":true}`, "name"},
		"a name that does not show":  {`{"name":"a\u202e","neverExpires":true}`, "U+202E"},
		"neither an end nor none":    {`{"name":"shop"}`, "needs an end: say"},
		"an end that never comes":    {`{"name":"shop","neverExpires":true,"expiresAt":"2999-01-01T00:00:00Z"}`, "not both"},
		"an end that has passed":     {`{"name":"shop","expiresAt":"2020-01-01T00:00:00Z"}`, "must lie ahead"},
		"an empty prefix":            {`{"name":"shop","neverExpires":true,"customerPrefix":""}`, "customerPrefix"},
		"no routes at all":           {`{"name":"shop","neverExpires":true,"routes":[]}`, "routes"},
		"an empty route":             {`{"name":"shop","neverExpires":true,"routes":[""]}`, `bound to \"\"`},
		"a route that is an admin's": {`{"name":"shop","neverExpires":true,"routes":["createKey"]}`, "there are checkouts (fulfillCheckout)"},
		"a group without services":   {`{"name":"shop","neverExpires":true,"routes":["keys"]}`, "cannot be bound"},
		"a negative amount":          {`{"name":"shop","neverExpires":true,"maxAmount":-1,"currency":"EUR"}`, "maxAmount"},
		"an amount of nothing":       {`{"name":"shop","neverExpires":true,"maxAmount":5000}`, "maxAmount needs a currency, such as EUR"},
		"a currency of no amount":    {`{"name":"shop","neverExpires":true,"currency":"EUR"}`, "say the largest amount too"},
		"an empty currency":          {`{"name":"shop","neverExpires":true,"maxAmount":5000,"currency":""}`, "currency"},
		"a currency that is none":    {`{"name":"shop","neverExpires":true,"maxAmount":5000,"currency":"€"}`, "currency"},
		"a role":                     {`{"name":"shop","neverExpires":true,"role":"admin"}`, "role"},
	} {
		got := h.sendAs(curfew.Admin, "anna", "POST", "/api/keys", test.body)
		if got.status != http.StatusUnprocessableEntity && got.status != http.StatusBadRequest || !strings.Contains(got.body, test.says) {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
	k := h.keyed(`{"name":"shop","neverExpires":true}`)
	got := h.sendAs(curfew.Admin, "anna", "POST", "/api/keys/"+k.ID+"/rotate", `{"graceSeconds":2592001}`)
	if got.status != http.StatusUnprocessableEntity {
		t.Errorf("a grace of over 30 days: %d %s", got.status, got.body)
	}
	h.exec("DELETE FROM api_keys")
	if after := h.dump(); after != before {
		t.Errorf("something changed:\n%s\nwas:\n%s", after, before)
	}
}

// A key is shown once, and nowhere else: not in the rows, in a later response or in the log.
func TestAKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	k := h.keyed(`{"name":"shop","neverExpires":true}`)
	if !keyPattern.MatchString(k.Key) || len(keyPattern.FindString(k.Key)) != len(k.Key) {
		t.Fatalf("the key is %q", k.Key)
	}
	if got := h.sendWith(k.Key, "GET", "/api/customers/ada/session-status", ""); got.status != http.StatusOK {
		t.Errorf("the key: %d %s", got.status, got.body)
	}
	rotated := decodedKey(t, h.sendAs(curfew.Admin, "anna", "POST", "/api/keys/"+k.ID+"/rotate", ""))
	if got := h.sendWith(rotated.Key, "GET", "/api/customers/ada/session-status", ""); got.status != http.StatusUnauthorized {
		t.Errorf("a secret that is newer than what is known of its key: %d", got.status)
	}
	_, secret, _ := strings.Cut(strings.TrimPrefix(k.Key, "curfew_key_"), "_")
	_, newer, _ := strings.Cut(strings.TrimPrefix(rotated.Key, "curfew_key_"), "_")
	for where, text := range map[string]string{
		"the rows": h.dump(), "the list": h.sendAs(curfew.Admin, "anna", "GET", "/api/keys", "").body, "the log": h.log.String(),
	} {
		if strings.Contains(text, secret) || strings.Contains(text, newer) {
			t.Errorf("%s has the secret: %s", where, text)
		}
	}
}

// A service with a key is the actor of what it does.
func TestAKeyIsItsService(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	k := h.keyed(`{"name":"till 7","neverExpires":true}`)
	c := &api.Client{BaseURL: h.URL, Token: k.Key}
	f, err := c.FulfillCheckout(t.Context(), api.Purchase{PaymentRef: "p", CustomerID: "ada", Plan: "chat10"})
	must(t, err)
	events, err := h.admin().Events(t.Context(), f.SessionID)
	must(t, err)
	if by := events.Events[0].Actor; by != "service:till 7" {
		t.Errorf("it was made by %s", by)
	}
}

// Every key that does not count is refused as a forged token is; one that has expired says so to its holder alone.
func TestKeysThatDoNotCount(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	k, other := h.keyed(`{"name":"shop","neverExpires":true}`), h.keyed(`{"name":"cron","neverExpires":true}`)
	revoked := h.keyed(`{"name":"shop","neverExpires":true}`)
	h.sendAs(curfew.Admin, "anna", "DELETE", "/api/keys/"+revoked.ID, "")
	rotated := h.keyed(`{"name":"shop","neverExpires":true}`)
	h.sendAs(curfew.Admin, "anna", "POST", "/api/keys/"+rotated.ID+"/rotate", `{"graceSeconds":60}`)
	h.sendAs(curfew.Admin, "anna", "POST", "/api/keys/"+rotated.ID+"/rotate", `{"graceSeconds":60}`)
	over := h.keyed(`{"name":"shop","neverExpires":true}`)
	h.exec("UPDATE api_keys SET expires_at = created_at - 1000000 WHERE id = ?", over.ID)
	want := h.send("GET", "/api/debug/session-health", "", "Authorization: Bearer x.y.z")
	swapped := k.Key[:len("curfew_key_")+32] + other.Key[len("curfew_key_")+32:]
	for sentence, key := range map[string]string{
		"another's secret":         swapped,
		"a key that nobody has":    "curfew_key_" + strings.Repeat("0", 32) + "_" + strings.Repeat("a", 52),
		"half a key":               k.Key[:60],
		"a key and more":           k.Key + "a",
		"a key in capitals":        strings.ToUpper(k.Key),
		"the prefix":               "curfew_key_",
		"a revoked key":            revoked.Key,
		"the secret before two":    rotated.Key,
		"an expired one, guessed":  over.Key[:len(over.Key)-52] + strings.Repeat("a", 52),
		"the hash of another":      "curfew_key_" + strings.ReplaceAll(k.ID, "-", "") + "_",
		"a token behind a prefix":  "curfew_key_" + h.token(curfew.Admin, "anna"),
		"one MB, as far as it may": "curfew_key_" + strings.Repeat("a", 8<<10),
	} {
		got := h.sendWith(key, "GET", "/api/debug/session-health", "")
		if got.status != http.StatusUnauthorized || got.body != want.body || got.header.Get("WWW-Authenticate") != want.header.Get("WWW-Authenticate") {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
	if got := h.sendWith(over.Key, "GET", "/api/debug/session-health", ""); got.status != http.StatusUnauthorized || !strings.Contains(got.body, "expired at") {
		t.Errorf("an expired key: %d %s", got.status, got.body)
	}
}

// After a rotation both secrets count for the grace, and not beyond.
func TestARotationHasAGrace(t *testing.T) {
	t.Parallel()
	for grace, want := range map[int]int{60: http.StatusOK, 0: http.StatusUnauthorized} {
		h := newFixture(t)
		k := h.keyed(`{"name":"shop","neverExpires":true}`)
		rotated := decodedKey(t, h.sendAs(curfew.Admin, "anna", "POST", "/api/keys/"+k.ID+"/rotate", fmt.Sprintf(`{"graceSeconds":%d}`, grace)))
		if got := h.sendWith(rotated.Key, "GET", "/api/debug/session-health", ""); got.status != http.StatusOK {
			t.Errorf("grace %d: the new secret: %d", grace, got.status)
		}
		if got := h.sendWith(k.Key, "GET", "/api/debug/session-health", ""); got.status != want {
			t.Errorf("grace %d: the old secret: %d, want %d", grace, got.status, want)
		}
	}
}

// What a key is not bound to looks like what is not there, or what its role may not do.
func TestAKeyIsBound(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: moreTime})
	price := func(amount string) string {
		return `{"paymentRef":"p","customerId":"de-paying","plan":"chat10"` + amount + `}`
	}
	live := h.accepted("de-live", "max")
	_, unbound := h.key(record.KeyScope{})
	most := int64(900)
	_, small := h.key(record.KeyScope{MaxAmount: &most, Currency: "EUR"})
	less := int64(899)
	_, smaller := h.key(record.KeyScope{MaxAmount: &less, Currency: "EUR"})
	id, old := h.key(record.KeyScope{MaxAmount: &most, Currency: "EUR"})
	h.exec("UPDATE api_keys SET max_currency = NULL WHERE id = ?", id) // as an earlier release created it
	_, german := h.key(record.KeyScope{CustomerPrefix: "de-"})
	_, group := h.key(record.KeyScope{Routes: []string{"sessions"}})
	forbidden := h.sendAs(curfew.Service, "shop", "GET", "/api/keys", "")
	missing := h.sendAs(curfew.Customer, "eve", "GET", "/api/customers/ada/checkouts", "")
	extend := "/api/sessions/" + live.SessionID + "/extend"
	for sentence, test := range map[string]struct {
		key, method, path, body string
		want                    answer
	}{
		"a larger amount":              {small, "POST", "/api/checkouts", price(`,"amount":901,"currency":"eur"`), forbidden},
		"the same in another currency": {small, "POST", "/api/checkouts", price(`,"amount":900,"currency":"kwd"`), forbidden},
		"less in another currency":     {small, "POST", extend, `{"plan":"more15","paymentRef":"x","amount":1,"currency":"usd"}`, forbidden},
		"a larger one for an old key":  {old, "POST", "/api/checkouts", price(`,"amount":901,"currency":"kwd"`), forbidden},
		"an amount nobody knows":       {small, "POST", "/api/checkouts", price(``), forbidden},
		"an amount that is the plan's": {smaller, "POST", extend, `{"plan":"more15","paymentRef":"x"}`, forbidden},
		"more time for a larger one":   {small, "POST", extend, `{"plan":"more15","paymentRef":"x","amount":901,"currency":"eur"}`, forbidden},
		"another's payment":            {german, "POST", "/api/checkouts", `{"paymentRef":"q","customerId":"fr-1","plan":"chat10"}`, missing},
		"another's free session":       {german, "POST", "/api/sessions", `{"plan":"free","customerId":"fr-1"}`, missing},
		"another's payments":           {german, "GET", "/api/customers/fr-1/checkouts", "", missing},
		"everybody's changes":          {german, "GET", "/api/stream", "", forbidden},
		"everybody's health":           {german, "GET", "/api/debug/session-health", "", forbidden},
		"another group":                {group, "POST", "/api/checkouts", price(``), forbidden},
		"another role's route":         {unbound, "GET", "/api/keys", "", forbidden},
	} {
		got := h.sendWith(test.key, test.method, test.path, test.body)
		if got.status != test.want.status || got.body != test.want.body {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
	for sentence, test := range map[string]struct{ key, method, path, body string }{
		"any currency for an old key": {old, "POST", "/api/checkouts", `{"paymentRef":"o","customerId":"de-old","plan":"chat10","amount":900,"currency":"kwd"}`},
		"nothing in any currency":     {small, "POST", "/api/checkouts", `{"paymentRef":"f","customerId":"de-free","plan":"free","amount":0,"currency":"usd"}`},
		"the plan's own currency":     {small, "POST", "/api/checkouts", `{"paymentRef":"m","customerId":"de-more","plan":"chat10","amount":900,"currency":"EUR"}`},
		"just the largest amount":     {small, "POST", "/api/checkouts", price(`,"amount":900,"currency":"eur"`)},
		"one's own customer":          {german, "POST", "/api/sessions", `{"plan":"free","customerId":"de-own"}`},
		"one's own group":             {group, "GET", "/api/sessions/" + live.SessionID, ""},
		"a stream of everything":      {unbound, "GET", "/api/stream", ""},
	} {
		if got := h.sendWith(test.key, test.method, test.path, test.body); got.status >= http.StatusBadRequest {
			t.Errorf("%s: %d %s", sentence, got.status, got.body)
		}
	}
}

// A database that does not answer says nothing about a key.
func TestAKeyOfWhichNobodyKnowsIsNotRefused(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	k := h.keyed(`{"name":"shop","neverExpires":true}`)
	must(t, os.Remove(h.path))
	if err := h.store.Ping(t.Context()); curfew.KindOf(err) != curfew.Unavailable { // it notices
		t.Fatalf("the database still answers: %v", err)
	}
	got := h.sendWith(k.Key, "GET", "/api/customers/ada/session-status", "")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// The last use is kept in the background, not by the call.
func TestTheLastUseOfAKeyIsKept(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	k := h.keyed(`{"name":"shop","neverExpires":true}`)
	before := h.dump()
	h.sendWith(k.Key, "GET", "/api/debug/session-health", "")
	if h.dump() != before {
		t.Error("the call wrote something")
	}
	must(t, h.server.KeepUse(t.Context()))
	var all wire.APIKeys
	must(t, json.Unmarshal([]byte(h.sendAs(curfew.Admin, "anna", "GET", "/api/keys", "").body), &all))
	if used := all.Keys[0].LastUsedAt; used == nil || time.Since(*used) > 2*time.Minute || used.Second() != 0 {
		t.Errorf("last used at %v", used)
	}
}

// A key can be bound to every route that services may use, for themselves or for somebody, and to no other.
func TestAKeyCanBeBoundToEveryRouteOfServices(t *testing.T) {
	t.Parallel()
	bindable := map[string]bool{}
	for _, r := range httpapi.Keys(nil).Routes {
		bindable[r.Name], bindable[r.Group] = true, true
	}
	for _, route := range httpapi.RouteTable() {
		may := false
		for _, role := range route.Roles {
			may = may || role != curfew.Admin
		}
		if bindable[route.Name] != may {
			t.Errorf("%s %s (%s): a key can be bound to it: %t", route.Method, route.Path, route.Name, !may)
		}
	}
}

// A revoked token counts no more at this process, at once.
func TestATokenIsRevoked(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	first, second, other := h.token(curfew.Customer, "ada"), h.token(curfew.Customer, "ada"), h.token(curfew.Customer, "bob")
	status := func(token string) int {
		return h.sendWith(token, "GET", "/api/stream", "").status
	}
	var claims struct {
		ID string `json:"jti"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(first, ".")[1])
	must(t, err)
	must(t, json.Unmarshal(payload, &claims))
	golden(t, "token-revoked", h.sendAs(curfew.Admin, "anna", "POST", "/api/tokens/revoke", `{"tokenId":"one"}`))
	h.sendAs(curfew.Admin, "anna", "POST", "/api/tokens/revoke", `{"tokenId":"`+claims.ID+`"}`)
	if is := [3]int{status(first), status(second), status(other)}; is != [3]int{401, 200, 200} {
		t.Errorf("one token revoked: %v", is)
	}
	golden(t, "subject-revoked", h.sendAs(curfew.Admin, "anna", "POST", "/api/tokens/revoke", `{"role":"customer","subject":"ada"}`))
	if is := [3]int{status(first), status(second), status(other)}; is != [3]int{401, 401, 200} {
		t.Errorf("a subject revoked: %v", is)
	}
	golden(t, "revocation-refused", h.sendAs(curfew.Admin, "anna", "POST", "/api/tokens/revoke", `{"role":"customer"}`))
	for _, body := range []string{"", `{}`, `{"subject":"ada"}`, `{"tokenId":""}`, `{"tokenId":"x","role":"customer","subject":"ada"}`, `{"role":"system","subject":"sweeper"}`} {
		if got := h.sendAs(curfew.Admin, "anna", "POST", "/api/tokens/revoke", body); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	got, want := h.sendWith(first, "GET", "/api/stream", ""), h.send("GET", "/api/stream", "", "Authorization: Bearer x.y.z")
	if got.body != want.body {
		t.Errorf("a revoked token can be told from others: %s", got.body)
	}
}
