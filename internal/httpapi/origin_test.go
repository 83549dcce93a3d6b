package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
)

const app = "https://app.example.org"

func TestWhatOriginsAreTold(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{origins: []string{app}})
	kim := "Authorization: Bearer " + h.token(curfew.Customer, "kim")
	preflight := []string{"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization"}
	for name, c := range map[string]struct {
		method, path string
		headers      []string
		status       int
		origin, vary string
	}{
		"a call from an allowed origin":            {"GET", "/api/customers/kim/session-status", []string{kim, "Origin: " + app}, 200, app, "Origin"},
		"a call from another":                      {"GET", "/api/customers/kim/session-status", []string{kim, "Origin: https://evil.example"}, 200, "", "Origin"},
		"a call from a sandbox":                    {"GET", "/api/customers/kim/session-status", []string{kim, "Origin: null"}, 200, "", "Origin"},
		"a call from one that begins the same":     {"GET", "/api/customers/kim/session-status", []string{kim, "Origin: " + app + ".evil.example"}, 200, "", "Origin"},
		"a call from none":                         {"GET", "/api/customers/kim/session-status", []string{kim}, 200, "", "Origin"},
		"a refusal":                                {"GET", "/api/customers/kim/session-status", []string{"Origin: " + app}, 401, app, "Origin"},
		"a stream":                                 {"GET", "/api/stream", []string{kim, "Origin: " + app}, 200, app, "Origin"},
		"a path that there is not":                 {"GET", "/api/nothing", []string{"Origin: " + app}, 404, app, "Origin"},
		"a preflight of an allowed origin":         {"OPTIONS", "/api/sessions", append(preflight, "Origin: "+app), 204, app, "Origin Access-Control-Request-Method, Access-Control-Request-Headers"},
		"a preflight of another":                   {"OPTIONS", "/api/sessions", append(preflight, "Origin: https://evil.example"), 403, "", "Origin Access-Control-Request-Method, Access-Control-Request-Headers"},
		"options that are no preflight":            {"OPTIONS", "/api/sessions", []string{"Origin: " + app}, 405, app, "Origin"},
		"a page, which no other site may read":     {"GET", "/", []string{"Origin: " + app}, 200, "", "Accept-Encoding"},
		"a file, which no other site may read":     {"GET", "/static/css/curfew.css", []string{"Origin: " + app}, 200, "", "Accept-Encoding"},
		"a preflight of a page, which has no such": {"OPTIONS", "/", append(preflight, "Origin: "+app), 405, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.send(c.method, c.path, "", c.headers...)
			if got.status != c.status || got.header.Get("Access-Control-Allow-Origin") != c.origin || strings.Join(got.header.Values("Vary"), " ") != c.vary {
				t.Errorf("%d, allowed %q, vary %q", got.status, got.header.Get("Access-Control-Allow-Origin"), got.header.Values("Vary"))
			}
			if got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are allowed")
			}
			if may := got.header.Get("Access-Control-Allow-Headers"); (may != "") != (got.status == http.StatusNoContent) {
				t.Errorf("headers %q", may)
			}
		})
	}
}

// Without the setting no answer names an origin, and the answers are as they were.
func TestWithoutAllowedOriginsNoOtherSiteReads(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	got := h.send("GET", "/api/sessions/x", "", "Origin: "+app)
	for name := range got.header {
		if strings.HasPrefix(name, "Access-Control") || name == "Vary" {
			t.Errorf("%s: %s", name, got.header.Get(name))
		}
	}
}
