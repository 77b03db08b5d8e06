package sender

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// errDialled ends a round trip of a fuzz target at its dial.
var errDialled = errors.New("dialled")

// FuzzDialled: what the policy took is what net/http dials, letter for letter,
// and no resolver, however lax, takes a name for an address.
func FuzzDialled(f *testing.F) {
	for _, seed := range []string{
		"https://hooks.acme.com.br:8443/x?y=z", "https://1.2.3.4/", "https://[2606:4700::1]:1/", "http://a/", "https://xn--e1afmkfd.xn--p1ai/",
		"https://0x7f.1/", "https://017700000001/", "https://2130706433/", "https://127.1/", "https://1.2.3.4.5/", "https://1.2.3.0x4/",
		"https://a.0x/", "https://a.00/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/", "https://A.B/", "https://a_b.c/", "https://127.0.0.1\u3002/",
		"https://%31%32%37.0.0.1/", "https://a@127.0.0.1/", "https://127.0.0.1#@a/", "https://a:443:80/", "https:///127.0.0.1", "https://[::1]x/", "https://169.254.169.254/",
	} {
		f.Add(seed)
	}
	p := policy(f, PolicyOptions{AllowHTTP: true})
	f.Fuzz(func(t *testing.T, raw string) {
		got, fault := parseTarget(raw, true)
		if fault != "" {
			return
		}
		if dialled := dialledBy(t, raw); dialled != net.JoinHostPort(got.host, strconv.Itoa(int(got.port))) {
			t.Fatalf("%q: %q is dialled, and %q port %d was judged", raw, dialled, got.host, got.port)
		}
		if !got.literal.IsValid() {
			if lax(got.host) {
				t.Fatalf("%q: some resolvers take %q for an address", raw, got.host)
			}
			return
		}
		if a := got.literal; p.CheckURL(t.Context(), raw) == "" && !public(a) {
			t.Fatalf("%q: %v is taken for public", raw, a)
		}
	})
}

// dialledBy is the address that net/http dials for a URL.
func dialledBy(t *testing.T, raw string) (addr string) {
	dial := func(_ context.Context, _, to string) (net.Conn, error) {
		addr = to
		return nil, errDialled
	}
	transport := &http.Transport{DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transport.RoundTrip(req); !errors.Is(err, errDialled) {
		t.Fatalf("%q: %v", raw, err)
	}
	return addr
}

// lax reads an address as inet_aton of C does: one to four numbers, decimal,
// octal or hexadecimal, the last of which fills what is left.
func lax(host string) bool {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return false
	}
	for _, part := range parts {
		_, err := strconv.ParseUint(part, 0, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) || strings.ContainsAny(part, "_bBoO") && !strings.HasPrefix(strings.ToLower(part), "0x") {
			return false
		}
	}
	return true
}

// public tells, in words of its own, whether an address is none of the
// networks that everybody knows not to be public.
func public(a netip.Addr) bool {
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || a.Is4In6() || a.Zone() != "" {
		return false
	}
	for _, network := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "168.63.129.16/32",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "::/96", "fec0::/10",
	} {
		if netip.MustParsePrefix(network).Contains(a) {
			return false
		}
	}
	return true
}
