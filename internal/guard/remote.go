package guard

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// RemoteAddr is the address that a request came from: of whoever connects, or,
// when that is a trusted proxy, what the proxies say. What cannot be read is
// the zero address. Each proxy appends the
// address that it saw to X-Forwarded-For, so the list is read from its end, as
// long as a trusted proxy wrote it; what is before that may be invented.
func RemoteAddr(r *http.Request, proxies []netip.Prefix) netip.Addr {
	addr := address(r.RemoteAddr)
	if !trusted(proxies, addr) {
		return addr
	}
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(said) {
		next := address(strings.TrimSpace(text))
		if !next.IsValid() {
			return addr
		}
		if addr = next; !trusted(proxies, addr) {
			return addr
		}
	}
	return addr
}

func trusted(proxies []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
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
