package sender

import "net/netip"

// network is a network with what is said about an address in it.
type network struct {
	prefix netip.Prefix
	is     string // continues "The address … is refused: it "
}

// networks names what the address guard refuses, so that people are told why.
// It decides nothing: what is not listed here is refused all the same, as not
// public. The narrower network comes first.
func networks() []network {
	list := []struct{ prefix, is string }{
		{"255.255.255.255/32", "is the broadcast address"},
		{"0.0.0.0/8", "means this machine itself (unspecified)"},
		{"10.0.0.0/8", "is in a private network (RFC 1918)"},
		{"172.16.0.0/12", "is in a private network (RFC 1918)"},
		{"192.168.0.0/16", "is in a private network (RFC 1918)"},
		{"100.64.0.0/10", "is in a provider's shared network (CGNAT, RFC 6598)"},
		{"127.0.0.0/8", "is a loopback address, this machine itself"},
		{"169.254.0.0/16", "is a link-local address"},
		{"192.0.2.0/24", "is reserved for documentation (RFC 5737)"},
		{"198.51.100.0/24", "is reserved for documentation (RFC 5737)"},
		{"203.0.113.0/24", "is reserved for documentation (RFC 5737)"},
		{"198.18.0.0/15", "is reserved for benchmarks (RFC 2544)"},
		{"224.0.0.0/4", "is a multicast address"},
		{"240.0.0.0/4", "is reserved (RFC 1112)"},
		{"::/128", "means this machine itself (unspecified)"},
		{"::1/128", "is a loopback address, this machine itself"},
		{"::/96", "is an IPv4 address written as IPv6 (IPv4-compatible)"},
		{"64:ff9b::/96", "is an IPv4 address behind a NAT64 gateway"},
		{"64:ff9b:1::/48", "is an IPv4 address behind a NAT64 gateway"},
		{"2001::/32", "carries an IPv4 address inside (Teredo)"},
		{"2002::/16", "carries an IPv4 address inside (6to4)"},
		{"2001:db8::/32", "is reserved for documentation (RFC 3849)"},
		{"3fff::/20", "is reserved for documentation (RFC 9637)"},
		{"fc00::/7", "is in a private network (unique local, RFC 4193)"},
		{"fe80::/10", "is a link-local address"},
		{"fec0::/10", "is in a private network (site-local, RFC 3879)"},
		{"ff00::/8", "is a multicast address"},
	}
	out := make([]network, len(list))
	for i, n := range list {
		out[i] = network{netip.MustParsePrefix(n.prefix), n.is}
	}
	return out
}

// describe says what a refused address is.
func describe(addr netip.Addr) string {
	for _, n := range networks() {
		if n.prefix.Contains(addr) {
			return n.is
		}
	}
	return "is not a public address"
}

// isMetadata tells whether an address hands out a cloud machine's credentials
// or steers it. Most are in networks that are refused anyway; they are listed
// so that opening such a network does not open them. 168.63.129.16 is in none:
// it is a public address that means the host in one provider's cloud.
func isMetadata(addr netip.Addr) bool {
	switch addr.String() {
	case "169.254.169.254", // nearly every provider
		"169.254.169.253", "169.254.169.123", "fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::123", // AWS: metadata, names, time
		"169.254.170.2", "169.254.170.23", "fd00:ec2::23", // AWS: credentials of containers
		"fd20:ce::254",                      // Google
		"168.63.129.16",                     // Azure's host
		"192.0.0.192", "fd00:c1::a9fe:a9fe", // Oracle
		"100.100.100.200",              // Alibaba
		"169.254.0.23",                 // Tencent
		"100.96.0.96",                  // Volcengine
		"169.254.42.42", "fd00:42::42", // Scaleway
		"fd00:a9fe:a9fe::1", // Linode
		"fe80::a9fe:a9fe":   // OpenStack
		return true
	}
	return false
}

// behind returns the IPv4 address that a gateway dials for an IPv6 one: in
// NAT64's well-known prefix (RFC 6052), the one for local use (RFC 8215) and
// 6to4 (RFC 3056). Opening such a network is not meant to open what is behind it.
func behind(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	word := func(i int) uint16 { return uint16(b[i])<<8 | uint16(b[i+1]) }
	switch {
	case word(0) == 0x2002:
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case word(0) == 0x64 && word(2) == 0xff9b && word(4) <= 1 && word(6) == 0 && word(8) == 0 && word(10) == 0:
		return netip.AddrFrom4([4]byte(b[12:16])), true // both prefixes at /96
	case word(0) == 0x64 && word(2) == 0xff9b && word(4) == 1:
		return netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]}), true // at /48: bits 64 to 71 are not used
	}
	return netip.Addr{}, false
}

// isISATAP tells whether the lower half of an IPv6 address is the form in which
// ISATAP (RFC 5214) carries an IPv4 address: any network can have it.
func isISATAP(addr netip.Addr) bool {
	if !addr.Is6() {
		return false
	}
	b := addr.As16()
	return (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe
}
