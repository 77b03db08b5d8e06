package sender

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// fakeDNS answers a resolver from a function, over a pipe. It speaks the wire
// format: a question is echoed with its answers after it.
type fakeDNS struct {
	mu     sync.Mutex
	asked  []string
	answer func(name string, times int) []netip.Addr // nil: the name does not exist
	block  chan struct{}                             // not nil: no answer until it is closed
}

func (d *fakeDNS) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go d.serve(theirs)
		return ours, nil
	}}
}

func (d *fakeDNS) serve(c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte // a pipe is no packet connection: messages have their length before them, as over TCP
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		if d.block != nil {
			<-d.block
			return
		}
		reply := d.reply(query)
		c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	}
}

func (d *fakeDNS) reply(query []byte) []byte {
	name, end := "", 12
	for query[end] != 0 {
		n := int(query[end])
		name += string(query[end+1:end+1+n]) + "."
		end += 1 + n
	}
	kind := binary.BigEndian.Uint16(query[end+1:])
	d.mu.Lock()
	times := 0
	for _, n := range d.asked {
		if n == name {
			times++
		}
	}
	d.asked = append(d.asked, name)
	addrs := d.answer(name, times/2) // A and AAAA are asked together
	d.mu.Unlock()

	head := slices.Clone(query[:12])
	head[2], head[3] = 0x84|head[2]&1, 0
	binary.BigEndian.PutUint64(head[4:], 1<<48) // one question, nothing else yet
	body := slices.Clone(query[12 : end+5])
	if addrs == nil {
		head[3] = 3 // NXDOMAIN
	}
	count := uint16(0)
	for _, a := range addrs {
		if (kind == 1) != a.Is4() {
			continue
		}
		count++
		body = append(body, 0xc0, 12) // the question's name
		body = binary.BigEndian.AppendUint16(body, kind)
		body = append(body, 0, 1, 0, 0, 0, 0)
		body = binary.BigEndian.AppendUint16(body, uint16(a.BitLen()/8))
		body = append(body, a.AsSlice()...)
	}
	binary.BigEndian.PutUint16(head[6:], count)
	return append(head, body...)
}

func addrs(list ...string) []netip.Addr {
	out := make([]netip.Addr, len(list))
	for i, a := range list {
		out[i] = netip.MustParseAddr(a)
	}
	return out
}

func always(list ...string) func(string, int) []netip.Addr {
	return func(string, int) []netip.Addr { return addrs(list...) }
}

func TestCheckURLResolves(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(string, int) []netip.Addr
		says   string
	}{
		{"public", always("8.8.8.8", "2606:4700::1"), ""},
		{"loopback", always("127.0.0.1"), "loopback"},
		{"private IPv6", always("fd00::1"), "private"},
		{"one of several", always("8.8.8.8", "10.0.0.1"), "10.0.0.1"},
		{"metadata", always("169.254.169.254"), "metadata"},
		{"IPv4 in an AAAA record", always("::ffff:8.8.8.8"), ""}, // dialled as IPv4
		{"private IPv4 in an AAAA record", always("::ffff:10.0.0.1"), "private"},
		{"not there yet", func(string, int) []netip.Addr { return nil }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dns := &fakeDNS{answer: tc.answer}
			p := policy(t, PolicyOptions{Resolver: dns.resolver()})
			msg := p.CheckURL(context.Background(), "https://hooks.test/x?token=abc")
			if (msg == "") != (tc.says == "") || !strings.Contains(msg, tc.says) {
				t.Errorf("CheckURL = %q, want it to say %q", msg, tc.says)
			}
			if len(dns.asked) == 0 {
				t.Error("no name server was asked")
			}
		})
	}
}

// A name server that does not answer must not hold a registration up.
func TestCheckURLGivesUpOnASlowName(t *testing.T) {
	dns := &fakeDNS{block: make(chan struct{})}
	defer close(dns.block)
	p := policy(t, PolicyOptions{Resolver: dns.resolver()})
	ctx, cancel := context.WithTimeout(context.Background(), tiny) // shorter than lookupTime: the test's patience
	defer cancel()
	if msg := p.CheckURL(ctx, "https://hooks.test/"); msg != "" {
		t.Errorf("CheckURL = %q", msg)
	}
}

// The name is public when it is registered and this machine when it is dialled.
func TestNameThatChangesBetweenCheckAndDial(t *testing.T) {
	var hits int
	srv := receive(t, func(http.ResponseWriter, *http.Request) { hits++ })
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	dns := &fakeDNS{answer: func(_ string, times int) []netip.Addr {
		if times == 0 {
			return addrs("8.8.8.8")
		}
		return addrs("127.0.0.1")
	}}
	p := policy(t, PolicyOptions{AllowHTTP: true, Resolver: dns.resolver()})
	url := "http://rebind.test:" + port + "/hook"
	if msg := p.CheckURL(context.Background(), url); msg != "" {
		t.Fatalf("CheckURL = %q", msg)
	}
	s := newSender(t, func(o *Options) { o.Policy = p })
	a := send(t, s, newRequest(t, url))
	wantCode(t, a, webhook.ErrorRefusedAddress, "loopback")
	if hits != 0 || a.RemoteAddr != "" {
		t.Errorf("%d requests arrived, remote %q", hits, a.RemoteAddr)
	}
}

func TestNameIsResolvedAndDialled(t *testing.T) {
	var host string
	srv := receive(t, func(_ http.ResponseWriter, r *http.Request) { host = r.Host })
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	dns := &fakeDNS{answer: always("127.0.0.1")}
	s := newSender(t, func(o *Options) {
		opts := openPolicy()
		opts.Resolver = dns.resolver()
		o.Policy = policy(t, opts)
	})
	a := send(t, s, newRequest(t, "http://hooks.test:"+port+"/hook"))
	wantCode(t, a, webhook.ErrorNone, "")
	if a.Timing.DNS == nil || a.Timing.Connect == nil || a.Timing.TLS != nil || a.Timing.FirstByte == nil {
		t.Errorf("timing = %+v", a.Timing)
	}
	if a.RemoteAddr != "127.0.0.1:"+port {
		t.Errorf("remote = %q", a.RemoteAddr)
	}
	if host != "hooks.test:"+port {
		t.Errorf("Host header = %q: the final dot is for the resolver only", host)
	}
	if slices.ContainsFunc(dns.asked, func(n string) bool { return n != "hooks.test." }) {
		t.Errorf("asked for %q", dns.asked)
	}
}

// Names reach the resolver as absolute, so no search domain of this machine is tried.
func TestNamesAreAbsolute(t *testing.T) {
	d := newDialer(Options{Policy: policy(t, openPolicy())})
	var dialled []string
	d.raw = func(_ context.Context, _, addr string) (net.Conn, error) {
		dialled = append(dialled, addr)
		return nil, errors.New("not in this test")
	}
	ctx := context.WithValue(t.Context(), progressKey{}, &progress{deadline: time.Now().Add(time.Minute)})
	for _, addr := range []string{"intranet:443", "LocalHost:443", "127.0.0.1:443", "[::1]:443"} {
		if _, err := d.dial(ctx, "tcp", addr); err == nil {
			t.Fatal("dialled")
		}
	}
	if want := []string{"intranet.:443", "LocalHost:443", "127.0.0.1:443", "[::1]:443"}; !slices.Equal(dialled, want) {
		t.Errorf("dialled %q, want %q", dialled, want)
	}
}

func TestDNSFailures(t *testing.T) {
	t.Run("no such name", func(t *testing.T) {
		dns := &fakeDNS{answer: func(string, int) []netip.Addr { return nil }}
		s := newSender(t, func(o *Options) { o.Policy = policy(t, PolicyOptions{Resolver: dns.resolver()}) })
		a := send(t, s, newRequest(t, "https://nowhere.test/?token=abc"))
		wantCode(t, a, webhook.ErrorDNS, "nowhere.test does not exist")
		if a.Timing.DNS == nil || a.Timing.Connect != nil || a.RemoteAddr != "" || strings.Contains(a.Error.Message, "abc") {
			t.Errorf("attempt = %+v, %q", a, a.Error.Message)
		}
	})
	t.Run("name servers silent", func(t *testing.T) {
		dns := &fakeDNS{block: make(chan struct{})}
		defer close(dns.block)
		s := newSender(t, func(o *Options) { o.Policy = policy(t, PolicyOptions{Resolver: dns.resolver()}) })
		r := newRequest(t, "https://slow.test/")
		r.Timeout = tiny
		wantCode(t, send(t, s, r), webhook.ErrorTimeout, "name servers")
	})
}

// An address that the policy forbids is not dialled, at an IP literal either:
// the URL may have been registered under another policy.
func TestRefusedLiteralIsNotDialled(t *testing.T) {
	var hits int
	srv := receive(t, func(http.ResponseWriter, *http.Request) { hits++ })
	s := newSender(t, func(o *Options) { o.Policy = policy(t, PolicyOptions{AllowHTTP: true}) })
	a := send(t, s, newRequest(t, srv.URL+"/?token=abc"))
	wantCode(t, a, webhook.ErrorRefusedAddress, "CARTEIRO_ALLOW_NETWORKS")
	if hits != 0 || strings.Contains(a.Error.Message, "abc") {
		t.Errorf("%d requests arrived; %q", hits, a.Error.Message)
	}
	own := openPolicy()
	own.OwnAddrs = []netip.AddrPort{netip.MustParseAddrPort(srv.Listener.Addr().String())}
	s = newSender(t, func(o *Options) { o.Policy = policy(t, own) })
	wantCode(t, send(t, s, newRequest(t, srv.URL)), webhook.ErrorRefusedAddress, "Carteiro itself")
	if hits != 0 {
		t.Error("our own listener was dialled")
	}
}

// A test's dial gets every literal judged first, so nothing is opened by it.
func TestReplacedDialIsJudgedToo(t *testing.T) {
	var dialled []string
	s := newSender(t, func(o *Options) {
		o.Policy = policy(t, PolicyOptions{})
		o.Dial = func(_ context.Context, _, addr string) (net.Conn, error) {
			dialled = append(dialled, addr)
			return nil, errors.New("no network in this test")
		}
	})
	wantCode(t, send(t, s, newRequest(t, "https://[fd00::1]/")), webhook.ErrorRefusedAddress, "fd00::1")
	wantCode(t, send(t, s, newRequest(t, "https://8.8.8.8/")), webhook.ErrorConnect, "8.8.8.8")
	wantCode(t, send(t, s, newRequest(t, "https://hooks.test/")), webhook.ErrorConnect, "hooks.test")
	if want := []string{"8.8.8.8:443", "hooks.test:443"}; !slices.Equal(dialled, want) {
		t.Errorf("dialled %q, want %q", dialled, want)
	}
}

func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	a := send(t, newSender(t), newRequest(t, "http://"+addr+"/"))
	wantCode(t, a, webhook.ErrorConnect, "Nothing listens at "+addr)
	if a.RemoteAddr != addr || a.Timing.Connect != nil || a.Status != 0 {
		t.Errorf("attempt = %+v", a)
	}
}

// A dial that hangs ends with its exchange, not when the system gives up.
func TestDialEndsAtTheDeadline(t *testing.T) {
	ended := make(chan error, 1)
	s := newSender(t, func(o *Options) {
		o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		}
	})
	r := newRequest(t, "http://127.0.0.1:9/")
	r.Timeout = tiny
	wantCode(t, send(t, s, r), webhook.ErrorTimeout, "did not take the connection")
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the dial ended with %v", err)
	}
}

// Close ends dials whose exchange was stopped before them.
func TestCloseEndsDials(t *testing.T) {
	dialling, ended := make(chan struct{}), make(chan error, 1)
	s := newSender(t, func(o *Options) {
		o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			close(dialling)
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-dialling; cancel() }()
	a := s.Send(ctx, newRequest(t, "http://127.0.0.1:9/"))
	wantCode(t, a, webhook.ErrorShutdown, "stopped")
	s.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the dial ended with %v: it ran on to its deadline", err)
	}
}
