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
		"169.254.169.253", "169.254.170.2", "169.254.170.23", "169.254.0.23", // name server, container credentials
		"100.100.100.200", "192.0.0.192", "168.63.129.16",
		"fd00:ec2::254", "fd00:ec2::253", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42":
		return true
	}
	return false
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
