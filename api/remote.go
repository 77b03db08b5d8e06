package api

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// remoteAddr is the address that a request came from: of whoever connects, or,
// when that is a trusted proxy, what the proxies say. Each proxy appends the
// address that it saw to X-Forwarded-For, so the list is read from its end, as
// long as a trusted proxy wrote it; what is before that may be invented.
func (a *api) remoteAddr(r *http.Request) netip.Addr {
	addr := address(r.RemoteAddr)
	if !a.trusted(addr) {
		return addr
	}
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(said) {
		next := address(strings.TrimSpace(text))
		if !next.IsValid() {
			return addr
		}
		if addr = next; !a.trusted(addr) {
			return addr
		}
	}
	return addr
}

func (a *api) trusted(addr netip.Addr) bool {
	return slices.ContainsFunc(a.o.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// address reads an address, with or without a port. What is none is the zero
// address.
func address(text string) netip.Addr {
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		host = strings.Trim(text, "[]")
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// remote is the caller's address in words; "" when it is not known.
func (c *call) remote() string {
	if !c.from.IsValid() {
		return ""
	}
	return c.from.String()
}
