package httpapi_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/limit"
)

func TestWhereARequestComesFrom(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:f::/48")}
	for sentence, test := range map[string]struct {
		peer    string
		header  []string
		want    string
		byProxy bool
	}{
		"a caller":                                   {"192.0.2.1:5", nil, "192.0.2.1", false},
		"a caller who lies":                          {"192.0.2.1:5", []string{"198.51.100.1"}, "192.0.2.1", false},
		"a proxy that names a caller":                {"10.1.1.1:5", []string{"192.0.2.1"}, "192.0.2.1", true},
		"a caller who lies to a proxy":               {"10.1.1.1:5", []string{"198.51.100.1, 192.0.2.1"}, "192.0.2.1", true},
		"a caller who claims to be a proxy":          {"10.1.1.1:5", []string{"198.51.100.1, 10.9.9.9, 192.0.2.1"}, "192.0.2.1", true},
		"two proxies":                                {"10.1.1.1:5", []string{"198.51.100.1, 192.0.2.1, 10.2.2.2"}, "192.0.2.1", true},
		"two lines":                                  {"10.1.1.1:5", []string{"198.51.100.1", "192.0.2.1"}, "192.0.2.1", true},
		"a proxy by itself":                          {"10.1.1.1:5", nil, "10.1.1.1", true},
		"a proxy that says nothing":                  {"10.1.1.1:5", []string{""}, "10.1.1.1", true},
		"nonsense behind a proxy":                    {"10.1.1.1:5", []string{"192.0.2.1, nonsense"}, "10.1.1.1", true},
		"nonsense before a proxy":                    {"10.1.1.1:5", []string{"nonsense, 10.2.2.2"}, "10.2.2.2", true},
		"with a port":                                {"10.1.1.1:5", []string{"192.0.2.1:99"}, "192.0.2.1", true},
		"IPv6 with a port":                           {"10.1.1.1:5", []string{"[2001:db8::1]:99"}, "2001:db8::1", true},
		"an IPv6 proxy":                              {"[2001:db8:f::1]:5", []string{"2001:db8::1"}, "2001:db8::1", true},
		"an IPv4 proxy, seen as IPv6":                {"[::ffff:10.1.1.1]:5", []string{"192.0.2.1"}, "192.0.2.1", true},
		"an IPv4 caller, seen as IPv6":               {"10.1.1.1:5", []string{"::ffff:192.0.2.1"}, "192.0.2.1", true},
		"what is no address":                         {"@", []string{"192.0.2.1"}, "invalid IP", false},
		"only proxies: the first one is the nearest": {"10.1.1.1:5", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3", true},
	} {
		r := &http.Request{RemoteAddr: test.peer, Header: http.Header{"X-Forwarded-For": test.header}}
		if got, byProxy := httpapi.Sender(trusted, r); got.String() != test.want || byProxy != test.byProxy {
			t.Errorf("%s: %s (by a proxy: %t), want %s", sentence, got, byProxy, test.want)
		}
	}
}

// S17: what only a proxy may say is ignored from others: who calls, from where, and what the request is called.
func TestS17_HeadersOfProxiesCountOnlyFromProxies(t *testing.T) {
	t.Parallel()
	named := []string{"X-Request-Id: theirs", "X-Forwarded-For: 198.51.100.1"}
	for sentence, test := range map[string]struct {
		proxies []netip.Prefix
		want    bool
	}{"from anybody": {nil, false}, "from a trusted proxy": {ours, true}, "from a proxy elsewhere": {[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, false}} {
		h := newFixtureWith(t, settings{proxies: test.proxies, limits: hourly(1, limit.Reads)})
		const path = "/api/mechanics/requests"
		first, second := h.send("GET", path, "", named...), h.send("GET", path, "", "X-Forwarded-For: 198.51.100.2")
		if got := first.header.Get("X-Request-Id"); (got == "theirs") != test.want {
			t.Errorf("%s: the request is called %q", sentence, got)
		}
		if elsewhere := second.status == http.StatusUnauthorized; elsewhere != test.want {
			t.Errorf("%s: the second call, said to be from elsewhere: %d %s", sentence, second.status, second.body)
		}
		if strings.Contains(h.log.String(), "198.51.100") {
			t.Errorf("%s: the log has an address", sentence)
		}
		if n := strings.Count(h.log.String(), "trusted_proxies does not name"); (n == 1) == test.want {
			t.Errorf("%s: the log says %d times that a proxy is not named", sentence, n)
		}
	}
}

// S17: nobody becomes somebody else by a header.
func TestS17_NoHeaderButTheTokenSaysWhoCalls(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{proxies: ours})
	lies := []string{
		"X-User-Id: sam", "X-User: sam", "X-Forwarded-User: sam", "X-Remote-User: sam", "X-Customer-Id: sam", "X-Role: admin",
		"X-Original-Url: /api/customers/kim/session-status", "X-Http-Method-Override: DELETE", "X-Forwarded-Host: evil.example", "Forwarded: for=127.0.0.1",
	}
	if got := h.send("GET", "/api/customers/sam/session-status", "", lies...); got.status != http.StatusUnauthorized || strings.Contains(got.body, "evil") {
		t.Errorf("headers that claim an identity, without a token: %d %s", got.status, got.body)
	}
	if got := h.sendAs(curfew.Customer, "kim", "GET", "/api/customers/sam/session-status", "", lies...); got.status != http.StatusNotFound {
		t.Errorf("kim: %d %s", got.status, got.body)
	}
	if got := h.sendAs(curfew.Customer, "kim", "GET", "/api/customers/kim/session-status", "", lies...); got.status != http.StatusOK {
		t.Errorf("kim, of herself: %d %s", got.status, got.body)
	}
}
