package access

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// wrong sends a wrong key and returns how long the address is told to wait; 0:
// the key is just refused.
func (b *bench) wrong(r *Registry, from string) time.Duration {
	b.Helper()
	_, err := r.Check(context.Background(), "wrong", netip.MustParseAddr(from))
	var e *webhook.Error
	switch {
	case !errors.As(err, &e):
		b.Fatalf("a wrong key: %v", err)
	case e.Kind == webhook.KindRateLimited:
		return e.RetryAfter
	case e.Kind != webhook.KindUnauthorized:
		b.Fatalf("a wrong key: %v", err)
	}
	return 0
}

func TestWrongKeysAreSlowedDown(t *testing.T) {
	b := onSQLite(t)
	var log strings.Builder
	r, _ := b.process(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	_, text := b.make(r, webhook.APIKey{})
	const attacker = "192.0.2.7"
	for i := range freeFailures {
		if wait := b.wrong(r, attacker); wait != 0 {
			t.Fatalf("wrong key %d waits %s", i+1, wait)
		}
	}
	for want := time.Second; want < longestWait; want *= 2 {
		if wait := b.wrong(r, attacker); wait != want {
			t.Errorf("the wait is %s, want %s", wait, want)
		}
	}
	for range 100 {
		if wait := b.wrong(r, attacker); wait != longestWait {
			t.Fatalf("the wait is %s, want %s", wait, longestWait)
		}
	}
	b.accepted(r, text) // from the same address, and no slower
	b.accepted(r, adminKey)
	if wait := b.wrong(r, "192.0.2.8"); wait != 0 {
		t.Errorf("another address waits %s", wait)
	}
	if n := strings.Count(log.String(), "wrong API keys"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, log.String())
	}
	b.clock.advance(forgetAfter)
	if wait := b.wrong(r, attacker); wait != 0 {
		t.Errorf("after a quarter of an hour the wait is %s", wait)
	}
}

func TestNoKeyAtAllIsNoWrongKey(t *testing.T) {
	b := onSQLite(t)
	r, _ := b.process(Options{})
	for range 3 * freeFailures {
		b.refused(r, "", "unauthorized")
	}
}

func TestAnAddressIsANetworkOfOneCustomer(t *testing.T) {
	b := onSQLite(t)
	r, _ := b.process(Options{})
	for range freeFailures {
		b.wrong(r, "2001:db8:1:1::1")
	}
	for from, slowed := range map[string]bool{
		"2001:db8:1:1:ffff::2": true, "2001:db8:1:2::1": false, "192.0.2.1": false,
	} {
		if wait := b.wrong(r, from); (wait > 0) != slowed {
			t.Errorf("%s waits %s", from, wait)
		}
	}
	if network(netip.MustParseAddr("::ffff:192.0.2.1")) != netip.MustParseAddr("192.0.2.1") {
		t.Error("one address counts twice, as IPv4 and as IPv6")
	}
	if network(netip.Addr{}) != (netip.Addr{}) {
		t.Error("an unknown address is none")
	}
}

func TestWrongKeysTakeBoundedMemory(t *testing.T) {
	b := onSQLite(t)
	f := &failures{byAddress: map[netip.Addr]*failure{}}
	address := func(i int) netip.Addr {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(i)+1<<24)))
	}
	for i := range 3 * maxAddresses {
		f.add(address(i), b.clock.now())
		if len(f.byAddress) > maxAddresses {
			t.Fatalf("%d addresses are kept", len(f.byAddress))
		}
	}
	// What is old goes first, as far as a short look finds it.
	b.clock.advance(time.Minute)
	for i := range maxAddresses / 2 {
		f.add(address(4*maxAddresses+i), b.clock.now())
	}
	fresh := 0
	for _, e := range f.byAddress {
		if e.last.Equal(b.clock.now()) {
			fresh++
		}
	}
	if fresh < maxAddresses/2*95/100 {
		t.Errorf("of %d fresh addresses %d were kept", maxAddresses/2, fresh)
	}
}

func TestRates(t *testing.T) {
	b := onSQLite(t)
	r, _ := b.process(Options{Rate: 4})
	three, none := 3, 0
	_, usual := b.make(r, webhook.APIKey{})
	_, own := b.make(r, webhook.APIKey{Name: "own", Role: webhook.RoleViewer, RateLimit: &three})
	_, free := b.make(r, webhook.APIKey{Name: "free", Role: webhook.RoleViewer, RateLimit: &none})
	for text, rate := range map[string]int{usual: 4, own: 3, free: 1000, adminKey: 1000} {
		g := b.accepted(r, text)
		n := 0
		for ; n < 1000 && g.Take(b.clock.now()) == nil; n++ {
		}
		if n != rate {
			t.Errorf("%s may make %d requests at once, want %d", g.Name, n, rate)
		}
	}
	g := b.accepted(r, usual)
	var e *webhook.Error
	if err := g.Take(b.clock.now()); !errors.As(err, &e) || e.Kind != webhook.KindRateLimited || e.RetryAfter != time.Second/4 {
		t.Fatalf("above the rate: %v", e)
	}
	b.clock.advance(time.Second / 4)
	b.must(g.Take(b.clock.now()))
	if g.Take(b.clock.now()) == nil {
		t.Error("a quarter of a second is worth more than one request")
	}
	// A minute is worth no more than a second.
	b.clock.advance(time.Minute)
	b.must(g.Take(b.clock.now()))
	g.Charge(8)
	if err := g.Take(b.clock.now()); !errors.As(err, &e) || e.RetryAfter != 6*time.Second/4 {
		t.Errorf("4 saved, 9 spent: %v", e)
	}
	b.clock.advance(6 * time.Second / 4)
	b.must(g.Take(b.clock.now()))
	(*Grant)(nil).Charge(1) // of a route without a key
}
