package sender

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"code.dny.dev/ssrf"
)

// ErrRefusedAddress is wrapped by every error of [Policy.Check].
var ErrRefusedAddress = errors.New("the address policy refuses this address")

// PolicyOptions of [NewPolicy].
type PolicyOptions struct {
	AllowHTTP     bool             // plain http:// targets, for tests
	AllowNetworks []netip.Prefix   // networks that are let through although they are not public
	OwnAddrs      []netip.AddrPort // where this program listens; never a target
	Resolver      *net.Resolver    // nil: Go's own, with the machine's name servers
}

// Policy says which targets may be dialled: the form of a URL, and each
// address. It does not change once made.
type Policy struct {
	allowHTTP bool
	allowed   []netip.Prefix
	own       []netip.AddrPort
	guard     *ssrf.Guardian
	resolver  *net.Resolver
}

// NewPolicy returns a policy, or an error that says which network is not one.
func NewPolicy(o PolicyOptions) (*Policy, error) {
	p := &Policy{allowHTTP: o.AllowHTTP, own: o.OwnAddrs, resolver: o.Resolver}
	if p.resolver == nil {
		// Not the C library's: that takes "0x7f.1" for an address.
		p.resolver = &net.Resolver{PreferGo: true}
	}
	var v4, v6 []netip.Prefix
	for _, network := range o.AllowNetworks {
		if !network.IsValid() || network.Addr().Is4In6() {
			return nil, fmt.Errorf("%q is no network to allow: write it like 10.1.0.0/16 or fd12:3456::/32", network)
		}
		network = network.Masked()
		p.allowed = append(p.allowed, network)
		if network.Addr().Is4() {
			v4 = append(v4, network)
		} else {
			v6 = append(v6, network)
		}
	}
	p.guard = ssrf.New(
		ssrf.WithAnyPort(),
		ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...),
		ssrf.WithDeniedV6Prefixes(netip.MustParsePrefix("3ffe::/16")),
	)
	return p, nil
}

// refusal is why an address may not be dialled.
type refusal struct {
	addr   netip.Addr
	reason string // continues "The address … is refused: "
	fixed  bool   // no setting opens it
}

func (r *refusal) Error() string {
	what := "The address is refused: "
	if r.addr.IsValid() {
		what = "The address " + r.addr.String() + " is refused: "
	}
	if r.fixed {
		return what + r.reason + "."
	}
	return what + r.reason + ". Use a public address, or open its network with CARTEIRO_ALLOW_NETWORKS."
}

func (r *refusal) Unwrap() error { return ErrRefusedAddress }

// Check judges one address about to be dialled. Its error wraps
// [ErrRefusedAddress] and is a sentence for a person.
func (p *Policy) Check(target netip.AddrPort) error {
	addr := target.Addr()
	switch {
	case !addr.IsValid():
		return &refusal{reason: "it is not an IP address", fixed: true}
	case addr.Zone() != "":
		return &refusal{addr: addr, reason: "a zone names a network card of this machine", fixed: true}
	case target.Port() == 0:
		return &refusal{addr: addr, reason: "port 0 cannot be dialled", fixed: true}
	case addr.Is4In6():
		return &refusal{addr: addr, reason: "it is an IPv4 address written as IPv6; write the IPv4 address", fixed: true}
	case p.isOwn(target):
		return &refusal{addr: addr, reason: "it is where Carteiro itself listens", fixed: true}
	case isMetadata(addr) && !p.namesExactly(addr):
		return &refusal{addr: addr, reason: "it is a cloud provider's metadata or control address", fixed: true}
	case isISATAP(addr) && !p.allows(addr):
		return &refusal{addr: addr, reason: "it carries an IPv4 address inside (ISATAP)"}
	}
	if p.guard.SafeAddrPort(target) != nil {
		return &refusal{addr: addr, reason: "it " + describe(addr)}
	}
	if inner, ok := behind(addr); ok {
		var r *refusal
		if errors.As(p.Check(netip.AddrPortFrom(inner, target.Port())), &r) {
			return &refusal{addr: addr, reason: "it stands for " + r.addr.String() + ", and of that, " + r.reason, fixed: r.fixed}
		}
	}
	return nil
}

func (p *Policy) allows(addr netip.Addr) bool {
	for _, network := range p.allowed {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// namesExactly tells whether a network of this one address is allowed. Opening
// a whole cloud network, or everything, is not meant to open its metadata.
func (p *Policy) namesExactly(addr netip.Addr) bool {
	for _, network := range p.allowed {
		if network.IsSingleIP() && network.Addr() == addr {
			return true
		}
	}
	return false
}

// isOwn tells whether a target is one of our own listeners: a message sent
// there would be an intake of ours, for ever. It is asked for every dial and
// looks at the machine's network cards only when the port is ours too.
func (p *Policy) isOwn(target netip.AddrPort) bool {
	for _, own := range p.own {
		if own.Port() != target.Port() {
			continue
		}
		if own.Addr().Unmap() == target.Addr() || target.Addr().IsUnspecified() {
			return true // dialling "unspecified" reaches this machine
		}
		if own.Addr().IsUnspecified() && isLocal(target.Addr()) {
			return true
		}
	}
	return false
}

func isLocal(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	cards, err := net.InterfaceAddrs()
	if err != nil {
		return true // it cannot be told: on the safe side
	}
	for _, card := range cards {
		if prefix, err := netip.ParsePrefix(card.String()); err == nil && prefix.Addr().Unmap() == addr {
			return true
		}
	}
	return false
}

// CheckURL judges the form of a target and, unless its name does not resolve
// now, each address that it resolves to now. It returns "" or a sentence on
// what is wrong and what is allowed. A name that does not resolve is no fault:
// it may come up later, and every dial checks again.
func (p *Policy) CheckURL(ctx context.Context, rawURL string) string {
	t, fault := parseTarget(rawURL, p.allowHTTP)
	if fault != "" {
		return fault
	}
	if t.literal.IsValid() {
		return p.faultOf(t.literal, t.port)
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	addrs, err := p.resolver.LookupNetIP(ctx, "ip", absolute(t.host))
	if err != nil {
		return ""
	}
	for _, addr := range addrs {
		// Unmapped as the dialer does it: a resolver may write IPv4 in 16 bytes.
		if msg := p.faultOf(addr.Unmap(), t.port); msg != "" {
			return "The name " + t.host + " cannot be used. " + msg
		}
	}
	return ""
}

func (p *Policy) faultOf(addr netip.Addr, port uint16) string {
	if err := p.Check(netip.AddrPortFrom(addr, port)); err != nil {
		return err.Error()
	}
	return ""
}
