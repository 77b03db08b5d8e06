package sender

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"syscall"

	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
)

// dialer opens connections for the transport. The address policy is asked in
// the socket's control hook, that is after the name was resolved and before
// the first packet: nothing can change in between.
type dialer struct {
	policy  *Policy
	tls     *tls.Config
	raw     func(ctx context.Context, network, addr string) (net.Conn, error)
	replace bool // raw is a test's
}

func newDialer(o Options) *dialer {
	d := &dialer{policy: o.Policy, tls: newTLSConfig(), raw: o.Dial, replace: o.Dial != nil}
	d.tls.RootCAs = o.RootCAs
	if !d.replace {
		d.raw = (&net.Dialer{
			Resolver:       o.Policy.resolver,
			ControlContext: d.control,
			KeepAlive:      -1, // no connection is quiet for long enough to need it
		}).DialContext
	}
	return d
}

// control judges the address of a socket that is about to connect.
func (d *dialer) control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	addr, err := netip.ParseAddrPort(address)
	if err != nil {
		return &refusal{reason: "it is not an IP address and a port"}
	}
	if err := d.policy.Check(addr); err != nil {
		return err
	}
	progressOf(ctx).dialling(address)
	return nil
}

// dial opens a TCP connection to a host and port of a URL. The transport
// detaches dials from the request that started them, so that another request
// can take the connection: the exchange's deadline is put on it again here.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	p := progressOf(ctx)
	ctx, cancel := context.WithDeadline(ctx, p.deadline)
	defer cancel()
	return d.connect(ctx, p, network, addr)
}

// dialTLS opens a TLS session to a host and port of a URL, under one deadline
// for both handshakes.
func (d *dialer) dialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	p := progressOf(ctx)
	ctx, cancel := context.WithDeadline(ctx, p.deadline)
	defer cancel()
	conn, err := d.connect(ctx, p, network, addr)
	if err != nil {
		return nil, err
	}
	cfg := d.tls.Clone()
	cfg.ServerName, _, _ = net.SplitHostPort(addr) // connect has split it already
	session := tls.Client(conn, cfg)
	p.tlsStart()
	err = session.HandshakeContext(ctx)
	p.tlsDone()
	if err != nil {
		conn.Close()
		return nil, &tlsError{err}
	}
	return session, nil
}

// connect opens the connection; its errors are all a *dialError.
func (d *dialer) connect(ctx context.Context, p *progress, network, addr string) (net.Conn, error) {
	conn, err := d.connectRaw(ctx, p, network, addr)
	if err != nil {
		return nil, &dialError{err}
	}
	return failpoint.Conn(conn, failpoint.RequestWritten), nil
}

func (d *dialer) connectRaw(ctx context.Context, p *progress, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	p.dialStart()
	literal, err := netip.ParseAddr(host)
	named := err != nil
	if d.replace {
		return d.connectReplaced(ctx, p, addr, literal)
	}
	if named {
		addr = net.JoinHostPort(absolute(host), port)
	}
	return d.raw(httptrace.WithClientTrace(ctx, p.dialTrace()), network, addr)
}

// absolute is a name as the resolver gets it: with the final dot it leaves the
// machine's search domains alone. Host header and TLS name stay as the URL has
// them. "localhost" goes without: it is in /etc/hosts and in no DNS, and Go
// finds a word with a dot behind it in DNS only.
func absolute(host string) string {
	if strings.EqualFold(host, "localhost") {
		return host
	}
	return host + "."
}

// connectReplaced uses a test's dial, which opens no socket that control could judge.
func (d *dialer) connectReplaced(ctx context.Context, p *progress, addr string, literal netip.Addr) (net.Conn, error) {
	if literal.IsValid() {
		if err := d.control(ctx, "tcp", addr, nil); err != nil {
			return nil, err
		}
	}
	p.dialling(addr)
	conn, err := d.raw(ctx, "tcp", addr)
	if err == nil {
		p.connected()
	}
	return conn, err
}

// dialError marks an error of the way up to the TCP connection.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// tlsError marks an error of the TLS handshake.
type tlsError struct{ err error }

func (e *tlsError) Error() string { return "tls handshake: " + e.err.Error() }
func (e *tlsError) Unwrap() error { return e.err }
