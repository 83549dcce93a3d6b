package webhook

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"

	"github.com/curfewhq/curfew"
)

// closed are the networks that webhooks may not be sent to unless an operator allows it: this
// machine, private, reserved and documentation networks, and IPv6 addresses that map to IPv4 ones
// (from the special-purpose registries of RFC 6890).
var closed = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	"3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// policy decides which addresses may be dialed.
type policy struct {
	allowed []netip.Prefix // even if closed
	// plain connects without TLS, so only to what is explicitly allowed.
	plain bool
}

// check returns the reason why an address may not be dialed, or nil.
func (p policy) check(at netip.AddrPort) error {
	ip := at.Addr().WithZone("")
	switch {
	case at.Port() < 1024 && at.Port() != p.standardPort():
		return curfew.Errorf(curfew.Invalid, "port %d is not allowed for webhooks: use %d, or 1024 and above", at.Port(), p.standardPort())
	case within(p.allowed, ip.Unmap()):
		return nil
	case p.plain:
		return curfew.Errorf(curfew.Invalid, "%s is reached without TLS, which webhooks.allow_private does not allow there", ip)
	case within(closed, ip):
		return curfew.Errorf(curfew.Invalid, "%s is a private address, which webhooks.allow_private does not allow", ip)
	}
	return nil
}

// standardPort is the port of a web server. Other low ports belong to other kinds of servers, which
// could misinterpret a delivery.
func (p policy) standardPort() uint16 {
	if p.plain {
		return 80
	}
	return 443
}

func within(all []netip.Prefix, ip netip.Addr) bool {
	for _, p := range all {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// control implements net.Dialer's Control. It checks the address that is really dialed, whatever
// the name resolved to before.
func (p policy) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return curfew.Errorf(curfew.Invalid, "%q is not an address", address)
	}
	return p.check(at)
}

// maxURL is the longest URL of an endpoint, in bytes.
const maxURL = 2048

// checkURL returns what is wrong with the text of an endpoint's URL. The addresses of its host are
// checked when it is dialed.
func checkURL(text string, allowed []netip.Prefix) error {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return curfew.Errorf(curfew.Invalid, "url must have at most %d bytes", maxURL)
	case err != nil || u.Opaque != "" || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return curfew.Errorf(curfew.Invalid, "url must be an address like https://example.org/hooks")
	case u.User != nil:
		return curfew.Errorf(curfew.Invalid, "url must not hold a user or password: what arrives is signed")
	case u.Fragment != "" || strings.Contains(text, "#"):
		return curfew.Errorf(curfew.Invalid, "url must not have a fragment: nobody would see it")
	case u.Scheme == "http" && len(allowed) == 0:
		return curfew.Errorf(curfew.Invalid, "url must begin with https: without it only addresses of webhooks.allow_private are reached")
	}
	return checkHost(u, policy{allowed: allowed, plain: u.Scheme == "http"})
}

// checkHost checks an IP address, and rejects numbers that some resolvers would read as one (127.1,
// 2130706433, 0x7f.1).
func checkHost(u *url.URL, p policy) error {
	port := int(p.standardPort())
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil || n == 0 {
			return curfew.Errorf(curfew.Invalid, "url has no port %q", text)
		}
		port = int(n)
	}
	host := u.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		return p.check(netip.AddrPortFrom(ip.Unmap(), uint16(port)))
	}
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if last := labels[len(labels)-1]; numeric(last) || net.ParseIP(host) != nil {
		return curfew.Errorf(curfew.Invalid, "url has a number as its host that is not an IP address: write the name")
	}
	return nil
}

// numeric reports whether a host's last label makes some resolvers read the host as an
// IPv4 address.
func numeric(label string) bool {
	_, err := strconv.ParseUint(strings.ToLower(label), 0, 64)
	return err == nil || label != "" && strings.Trim(label, "0123456789") == ""
}
