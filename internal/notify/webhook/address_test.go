package webhook

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/curfewhq/curfew"
)

func TestAddressesThatAreRefused(t *testing.T) {
	t.Parallel()
	allow := prefixes("10.1.2.0/24", "fd00:1::/64")
	for sentence, c := range map[string]struct {
		at    string
		plain bool
		fine  bool
	}{
		"a public address":                            {"93.184.216.34:443", false, true},
		"a public address, high port":                 {"93.184.216.34:8443", false, true},
		"a public address in IPv6":                    {"[2606:2800:220:1::1]:443", false, true},
		"a mail server's port":                        {"93.184.216.34:25", false, false},
		"a public address without TLS":                {"93.184.216.34:80", true, false},
		"this machine":                                {"127.0.0.1:443", false, false},
		"this machine by another number":              {"127.8.9.1:443", false, false},
		"this machine in IPv6":                        {"[::1]:443", false, false},
		"nothing":                                     {"0.0.0.0:443", false, false},
		"nothing in IPv6":                             {"[::]:443", false, false},
		"a private network (10/8)":                    {"10.0.0.1:443", false, false},
		"a private network (172.16/12)":               {"172.31.255.1:443", false, false},
		"a private network (192.168/16)":              {"192.168.1.1:443", false, false},
		"a provider's own network (100.64/10)":        {"100.64.0.1:443", false, false},
		"the metadata of a cloud":                     {"169.254.169.254:443", false, false},
		"the metadata of a cloud, high port":          {"169.254.169.254:8080", false, false},
		"protocol assignments (192.0.0/24)":           {"192.0.0.8:443", false, false},
		"benchmarking (198.18/15)":                    {"198.19.0.1:443", false, false},
		"multicast":                                   {"224.0.0.1:443", false, false},
		"the reserved rest":                           {"255.255.255.255:443", false, false},
		"IPv4 within IPv6":                            {"[::ffff:127.0.0.1]:443", false, false},
		"public IPv4 within IPv6":                     {"[::ffff:93.184.216.34]:443", false, false},
		"NAT64":                                       {"[64:ff9b::7f00:1]:443", false, false},
		"6to4":                                        {"[2002:7f00:1::]:443", false, false},
		"Teredo":                                      {"[2001:0:1::]:443", false, false},
		"unique local IPv6":                           {"[fd00::1]:443", false, false},
		"link-local IPv6":                             {"[fe80::1]:443", false, false},
		"link-local IPv6 with its link":               {"[fe80::1%eth0]:443", false, false},
		"multicast IPv6":                              {"[ff02::1]:443", false, false},
		"a private address that is allowed":           {"10.1.2.3:443", false, true},
		"a private address that is allowed, odd port": {"10.1.2.3:22", false, false},
		"a private address that is allowed, its TLS":  {"10.1.2.3:443", true, false},
		"a private address that is allowed, high":     {"10.1.2.3:8443", false, true},
		"IPv4 at the end of IPv6 (::/96)":             {"[::7f00:1]:443", false, false},
		"IPv4 translated (::ffff:0:0:0/96)":           {"[::ffff:0:7f00:1]:443", false, false},
		"6to4's relays (192.88.99/24)":                {"192.88.99.1:443", false, false},
		"documentation (192.0.2/24)":                  {"192.0.2.1:443", false, false},
		"documentation (198.51.100/24)":               {"198.51.100.1:443", false, false},
		"documentation (203.0.113/24)":                {"203.0.113.1:443", false, false},
		"documentation in IPv6":                       {"[2001:db8::1]:443", false, false},
		"documentation in IPv6 (3fff::/20)":           {"[3fff:1::1]:443", false, false},
		"nobody's (100::/64)":                         {"[100::1]:443", false, false},
		"benchmarking in IPv6":                        {"[2001:2::1]:443", false, false},
		"segments of routes (5f00::/16)":              {"[5f00::1]:443", false, false},
		"a private address that is allowed, no TLS":   {"10.1.2.3:80", true, true},
		"its neighbour":                               {"10.1.3.3:443", false, false},
		"one that is allowed, written within IPv6":    {"[::ffff:10.1.2.3]:443", false, true},
		"a private address in IPv6 that is allowed":   {"[fd00:1::9]:443", false, true},
		"its neighbour in IPv6":                       {"[fd00:2::9]:443", false, false},
	} {
		err := policy{allowed: allow, plain: c.plain}.control("tcp", c.at, nil)
		if (err == nil) != c.fine {
			t.Errorf("%s, %s: %v", sentence, c.at, err)
		}
	}
	if err := (policy{}).control("tcp", "localhost:443", nil); err == nil {
		t.Error("what is no address is dialled")
	}
}

func TestURLsOfEndpoints(t *testing.T) {
	t.Parallel()
	allow := []netip.Prefix{netip.MustParsePrefix("10.1.2.0/24")}
	for text, fine := range map[string]bool{
		"https://example.org/hooks?a=b":     true,
		"https://example.org:8443":          true,
		"https://93.184.216.34/hooks":       true,
		"https://[2606:2800:220:1::1]/":     true,
		"https://müller.example/":           true,
		"http://10.1.2.3:8080/hooks":        true,
		"http://receiver.internal/hooks":    true, // where it leads is looked at when it is dialled
		"http://93.184.216.34/hooks":        false,
		"ftp://example.org":                 false,
		"example.org":                       false,
		"https:example.org":                 false,
		"https:///hooks":                    false,
		"https://user:password@example.org": false,
		"https://user@example.org":          false,
		"https://example.org/#top":          false,
		"https://example.org:99999":         false,
		"https://example.org:0":             false,
		"https://127.0.0.1/":                false,
		"https://127.1/":                    false,
		"https://2130706433/":               false,
		"https://0x7f.1/":                   false,
		"https://0x7f000001/":               false,
		"https://0177.0.0.1/":               false,
		"https://127.0.0.1./":               false,
		"https://[::ffff:127.0.0.1]/":       false,
		"https://[::ffff:7f00:1]/":          false,
		"https://[fe80::1%25eth0]/":         false,
		"https://93.184.216.34:25/":         false,
		"https://exa mple.org/":             false,
		"https://example.org/\nHost: x":     false,
	} {
		err := checkURL(text, allow)
		if (err == nil) != fine || err != nil && curfew.KindOf(err) != curfew.Invalid {
			t.Errorf("%s: %v", text, err)
		}
	}
	if checkURL("http://receiver.internal/hooks", nil) == nil {
		t.Error("without TLS, though nothing is allowed that")
	}
	if checkURL("https://example.org/"+string(make([]byte, maxURL)), nil) == nil {
		t.Error("an address of more than 2 kB")
	}
}

func TestNothingGoesThroughAProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	c := NewChannel(nil, Options{})
	for _, client := range []*http.Client{c.secure, c.plain} {
		if client.Transport.(*http.Transport).Proxy != nil { //nolint:errcheck,forcetypeassert // it is one
			t.Error("a proxy would be asked")
		}
	}
}
