package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the networks of trusted proxies, which may set a request's sender and id.
type proxies []netip.Prefix

// sender returns the address that a request comes from; it is invalid if that is unknown. A trusted
// proxy appends the address from which it received the request to X-Forwarded-For, so the list is
// read from its end, as far as trusted proxies wrote it.
func (p proxies) sender(r *http.Request) (from netip.Addr, byProxy bool) {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr)
	from = peer.Addr().Unmap()
	if !p.trust(from) {
		return from, false
	}
	for _, text := range slices.Backward(strings.Split(strings.Join(r.Header.Values(forwardedFor), ","), ",")) {
		before, ok := parseForwarded(text)
		if !ok {
			break
		}
		if from = before; !p.trust(from) {
			break
		}
	}
	return from, true
}

const forwardedFor = "X-Forwarded-For"

// parseForwarded reads one entry of X-Forwarded-For. Some proxies add the port.
func parseForwarded(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	at, err := netip.ParseAddr(text)
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		return withPort.Addr().Unmap(), err == nil
	}
	return at.Unmap(), true
}

func (p proxies) trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(a.WithZone("")) })
}
