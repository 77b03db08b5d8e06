package sender

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// refusedHosts are the hosts of testdata/refused_hosts.txt, each with a word
// of the reason. Package api registers the same.
func refusedHosts(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/refused_hosts.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		host, says, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if ok && !strings.HasPrefix(line, "#") {
			out[host] = says
		}
	}
	if len(out) < 60 {
		t.Fatalf("found only %d hosts", len(out))
	}
	return out
}

// Each host is refused when it is registered, and again when it is dialled:
// it may have been registered under another policy. The reason says what to do.
func TestRefusedHosts(t *testing.T) {
	testserver.NeedAlone(t)
	p := policy(t, PolicyOptions{AllowHTTP: true})
	s := newSender(t, func(o *Options) { o.Policy = p })
	for host, says := range refusedHosts(t) {
		for _, scheme := range []string{"https://", "http://"} {
			raw := scheme + host + "/hook?token=s3cr3t"
			msg := p.CheckURL(context.Background(), raw)
			if !strings.Contains(msg, says) || !strings.HasSuffix(msg, ".") || strings.Contains(msg, "s3cr3t") {
				t.Errorf("registering %s: %q does not say %q", raw, msg, says)
			}
			a := send(t, s, newRequest(t, raw))
			wantCode(t, a, webhook.ErrorRefusedAddress, "Not sent. ")
			if a.RemoteAddr != "" || a.Timing.Connect != nil || strings.Contains(a.Error.Message, "s3cr3t") {
				t.Errorf("%s was dialled: %+v", raw, a)
			}
		}
	}
}

// Names that resolve to each of the addresses: refused at registration, and at
// the dial, where the name may have changed meanwhile.
func TestNamesOfRefusedAddresses(t *testing.T) {
	testserver.NeedAlone(t)
	for host := range refusedHosts(t) {
		addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if err != nil || addr.Zone() != "" {
			continue // no address, but a spelling that is refused as such
		}
		if addr.Is4In6() && addr.Unmap() == netip.MustParseAddr("8.8.8.8") {
			continue // a public address, whose name is dialled as IPv4
		}
		dns := &fakeDNS{answer: func(string, int) []netip.Addr { return []netip.Addr{netip.MustParseAddr("8.8.8.8"), addr} }}
		p := policy(t, PolicyOptions{Resolver: dns.resolver()})
		if msg := p.CheckURL(context.Background(), "https://hooks.test/"); !strings.Contains(msg, addr.Unmap().String()) {
			t.Errorf("registering a name of %s: %q", addr, msg)
		}
		alone := &fakeDNS{answer: func(string, int) []netip.Addr { return []netip.Addr{addr} }} // else 8.8.8.8 would be dialled
		s := newSender(t, func(o *Options) { o.Policy = policy(t, PolicyOptions{Resolver: alone.resolver()}) })
		a := send(t, s, newRequest(t, "https://hooks.test/"))
		wantCode(t, a, webhook.ErrorRefusedAddress, addr.Unmap().String())
		if a.RemoteAddr != "" || a.Timing.Connect != nil {
			t.Errorf("a name of %s was dialled: %+v", addr, a)
		}
	}
}
