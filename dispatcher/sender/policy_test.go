package sender

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// Every class of addresses that must not be dialled, with a word of the reason.
func TestPolicyRefusesAddresses(t *testing.T) {
	p := policy(t, PolicyOptions{AllowHTTP: true})
	for addr, says := range map[string]string{
		"0.0.0.0": "unspecified", "0.1.2.3": "unspecified", "::": "unspecified",
		"10.0.0.1": "private", "10.255.255.255": "private", "172.16.0.1": "private", "172.31.255.255": "private",
		"192.168.0.1": "private", "fc00::1": "private", "fdff:ffff::1": "private", "fec0::1": "site-local",
		"127.0.0.1": "loopback", "127.255.255.254": "loopback", "::1": "loopback",
		"169.254.0.1": "link-local", "fe80::1": "link-local", "febf::1": "link-local",
		"fe80::1%eth0": "zone", "2606:4700::1%eth0": "zone",
		"100.64.0.1": "CGNAT", "100.127.255.255": "CGNAT",
		"224.0.0.1": "multicast", "239.255.255.255": "multicast", "ff02::1": "multicast", "ff0e::1": "multicast",
		"255.255.255.255": "broadcast", "240.0.0.1": "reserved",
		"192.0.2.1": "documentation", "198.51.100.1": "documentation", "203.0.113.1": "documentation",
		"2001:db8::1": "documentation", "3fff::1": "documentation",
		"198.18.0.1": "benchmarks", "198.19.255.255": "benchmarks",
		"::ffff:127.0.0.1": "IPv4 address written as IPv6", "::ffff:8.8.8.8": "IPv4 address written as IPv6",
		"::7f00:1": "IPv4-compatible", "::808:808": "IPv4-compatible",
		"64:ff9b::7f00:1": "NAT64", "64:ff9b::808:808": "NAT64", "64:ff9b:1::1": "NAT64",
		"2002:7f00:1::1": "6to4", "2002:808:808::1": "6to4", "2001:0:4136:e378:8000:63bf:3fff:fdd2": "Teredo",
		"2606:4700::5efe:a00:1": "ISATAP", "2606:4700::200:5efe:a00:1": "ISATAP",
		"169.254.169.254": "metadata", "169.254.170.2": "metadata", "fd00:ec2::254": "metadata",
		"100.100.100.200": "metadata", "192.0.0.192": "metadata", "fd00:c1::a9fe:a9fe": "metadata", "100.96.0.96": "metadata", "169.254.42.42": "metadata",
		"169.254.170.23": "metadata", "169.254.0.23": "metadata", "fd00:ec2::23": "metadata", "fd00:42::42": "metadata",
		"fd00:a9fe:a9fe::1": "metadata", "fe80::a9fe:a9fe": "metadata", "168.63.129.16": "metadata", "fd20:ce::254": "metadata",
		"192.0.0.1": "not a public", "192.88.99.1": "not a public", "192.31.196.1": "not a public", "192.52.193.1": "not a public",
		"192.175.48.1": "not a public", "2001:20::1": "not a public", "2001:2::1": "not a public", "2620:4f:8000::1": "not a public",
		"5f00::1": "not a public", "100::1": "not a public", "3ffe::1": "not a public", "4000::1": "not a public",
	} {
		err := p.Check(netip.AddrPortFrom(netip.MustParseAddr(addr), 443))
		if !errors.Is(err, ErrRefusedAddress) {
			t.Errorf("%s: %v, want it refused", addr, err)
			continue
		}
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %q does not say %q", addr, err, says)
		}
	}
	if err := p.Check(netip.AddrPort{}); !errors.Is(err, ErrRefusedAddress) {
		t.Errorf("no address: %v", err)
	}
}

func TestPolicyAllowsPublicAddresses(t *testing.T) {
	p := policy(t, PolicyOptions{})
	for _, addr := range []string{
		"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1",
		"168.63.129.15", "168.63.129.17", "169.253.255.255", "126.255.255.255", "128.0.0.1", "223.255.255.255",
		"2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "2003::1",
	} {
		if err := p.Check(netip.AddrPortFrom(netip.MustParseAddr(addr), 8443)); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if err := p.Check(netip.MustParseAddrPort("8.8.8.8:0")); !errors.Is(err, ErrRefusedAddress) {
		t.Errorf("port 0: %v", err)
	}
}

// Each kind of refused address, the networks opened, and what that does.
func TestPolicyAllowNetworks(t *testing.T) {
	for _, tc := range []struct {
		allow, addr string
		ok          bool
	}{
		{"10.1.0.0/16", "10.1.2.3", true},
		{"10.1.2.3/16", "10.1.9.9", true}, // host bits do not matter
		{"10.1.0.0/16", "10.2.0.1", false},
		{"fd12:3456::/32", "fd12:3456::1", true},
		{"fd12:3456::/32", "fd12:3457::1", false},
		{"64:ff9b::/96", "64:ff9b::808:808", true},
		// Open is the gateway, not whatever is behind it.
		{"64:ff9b::/96", "64:ff9b::a9fe:a9fe", false},
		{"64:ff9b::/96", "64:ff9b::7f00:1", false},
		{"64:ff9b::/96", "64:ff9b::a01:203", false},
		{"64:ff9b::/96,10.0.0.0/8", "64:ff9b::a01:203", true},
		{"64:ff9b:1::/48", "64:ff9b:1::808:808", true},
		{"64:ff9b:1::/48", "64:ff9b:1::a9fe:a9fe", false},
		{"64:ff9b:1::/48", "64:ff9b:1:a9fe:a9:fe00::", false},
		{"64:ff9b:1::/48", "64:ff9b:1:808:8:800::", true},
		{"2002::/16", "2002:808:808::1", true},
		{"2002::/16", "2002:7f00:1::1", false},
		{"2002::/16", "2002:a83f:8110::1", false}, // 168.63.129.16
		{"::/0", "::ffff:10.0.0.1", false},
		{"::/0", "2002:a9fe:a9fe::1", false},
		{"127.0.0.0/8", "127.0.0.1", true},
		{"127.0.0.0/8", "::ffff:127.0.0.1", false},
		{"127.0.0.0/8", "::1", false},
		{"fe80::/10", "fe80::1%eth0", false},
		{"2606:4700::/32", "2606:4700::5efe:a00:1", true},
		// A cloud's metadata opens only when it is named itself.
		{"0.0.0.0/0", "169.254.169.254", false},
		{"169.254.0.0/16", "169.254.169.254", false},
		{"169.254.0.0/16", "169.254.1.1", true},
		{"169.254.169.254/32", "169.254.169.254", true},
		{"0.0.0.0/0", "168.63.129.16", false},
		{"fd00::/8", "fd00:ec2::254", false},
	} {
		var open []netip.Prefix
		for network := range strings.SplitSeq(tc.allow, ",") {
			open = append(open, netip.MustParsePrefix(network))
		}
		p := policy(t, PolicyOptions{AllowNetworks: open})
		err := p.Check(netip.AddrPortFrom(netip.MustParseAddr(tc.addr), 443))
		if (err == nil) != tc.ok {
			t.Errorf("with %s open, %s: %v", tc.allow, tc.addr, err)
		}
	}
}

func TestNewPolicyRefusesWhatIsNoNetwork(t *testing.T) {
	for _, bad := range []netip.Prefix{{}, netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104)} {
		if _, err := NewPolicy(PolicyOptions{AllowNetworks: []netip.Prefix{bad}}); err == nil {
			t.Errorf("%v was taken for a network", bad)
		}
	}
}

// Our own listeners are never a target, even where their network is open; a
// neighbour on the same address is.
func TestPolicyOwnAddresses(t *testing.T) {
	card := ownCard(t)
	for _, tc := range []struct {
		own, target string
		ok          bool
	}{
		{"127.0.0.1:8080", "127.0.0.1:8080", false},
		{"127.0.0.1:8080", "127.0.0.1:9090", true},
		{"127.0.0.1:8080", "127.0.0.2:8080", true},
		{"127.0.0.1:8080", "0.0.0.0:8080", false},
		{"127.0.0.1:8080", "[::]:8080", false},
		{"0.0.0.0:8080", "127.0.0.5:8080", false},
		{"[::]:8080", "127.0.0.1:8080", false},
		{"[::]:8080", "[::1]:8080", false},
		{"[::]:8080", card + ":8080", false},
		{"0.0.0.0:8080", card + ":8081", true},
		{"[::ffff:127.0.0.1]:8080", "127.0.0.1:8080", false},
		{"8.8.8.8:443", "8.8.8.8:443", false}, // a public address too
		{"[::]:8080", "8.8.8.8:8080", true},
	} {
		p := policy(t, PolicyOptions{
			AllowNetworks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
			OwnAddrs:      []netip.AddrPort{netip.MustParseAddrPort(tc.own)},
		})
		err := p.Check(netip.MustParseAddrPort(tc.target))
		if (err == nil) != tc.ok {
			t.Errorf("listening at %s, target %s: %v", tc.own, tc.target, err)
		}
		if err != nil && strings.Contains(err.Error(), "CARTEIRO_ALLOW_NETWORKS") {
			t.Errorf("%q names a setting that does not help", err)
		}
	}
}

// ownCard returns an IPv4 address of this machine, loopback if it has no other.
func ownCard(t *testing.T) string {
	cards, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	best := "127.0.0.1"
	for _, card := range cards {
		if p, err := netip.ParsePrefix(card.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			best = p.Addr().String()
		}
	}
	return best
}
