package sender

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Inspect goes the way to a URL as [Sender.Send] does, with the same policy and
// the same dialer, and tells what it met: the name, its addresses, the
// connection, the TLS session. It sends no request and keeps no connection.
func (s *Sender) Inspect(ctx context.Context, rawURL string, timeout time.Duration) webhook.Inspection {
	t, fault := s.targets.get(rawURL, s.policy.allowHTTP)
	if fault != "" {
		return webhook.Inspection{Error: failed(webhook.ErrorRefusedAddress, "Not sent. "+fault)}
	}
	x := begin(ctx, timeout)
	defer x.end()
	i := webhook.Inspection{Host: t.host, Literal: t.literal.IsValid(), Plain: t.url.Scheme == "http"}
	if err := s.lookUp(x.ctx, t, &i); err != nil {
		i.Error = x.failure(&dialError{err}, t.host)
		return i
	}
	conn, err := s.connectTo(x, t, &i)
	if err != nil {
		i.Error = x.failure(err, t.host)
		return i
	}
	conn.Close() // nothing was sent on it
	return i
}

// lookUp notes the target's addresses, and which of them are refused. An error
// is that of the lookup.
func (s *Sender) lookUp(ctx context.Context, t *target, i *webhook.Inspection) error {
	addrs := []netip.Addr{t.literal}
	if !i.Literal {
		began := time.Now()
		var err error
		if addrs, err = s.policy.resolver.LookupNetIP(ctx, "ip", absolute(t.host)); err != nil {
			return err
		}
		i.Lookup = time.Since(began)
	}
	for _, addr := range addrs {
		addr = addr.Unmap()
		i.Addresses = append(i.Addresses, addr.String())
		if s.policy.Check(netip.AddrPortFrom(addr, t.port)) != nil {
			i.Refused = append(i.Refused, addr.String())
		}
	}
	return nil
}

// connectTo opens the connection and, for https, the session. Sessions that
// were kept are not resumed: the server has to show its certificate.
func (s *Sender) connectTo(x *exchange, t *target, i *webhook.Inspection) (net.Conn, error) {
	ctx := x.traced()
	began := time.Now()
	conn, err := s.dialer.dial(ctx, "tcp", net.JoinHostPort(t.host, strconv.Itoa(int(t.port))))
	if err != nil {
		return nil, err
	}
	i.Connect, i.Remote = time.Since(began), addrText(conn.RemoteAddr())
	if i.Plain {
		return conn, nil
	}
	cfg := s.dialer.tls.Clone()
	cfg.ServerName, cfg.ClientSessionCache = t.host, nil
	session := tls.Client(conn, cfg)
	x.progress.tlsStart()
	if err = session.HandshakeContext(x.ctx); err == nil {
		state := session.ConnectionState()
		i.TLS, i.NotAfter = tls.VersionName(state.Version), firstEnd(state.PeerCertificates)
		return session, nil
	}
	conn.Close()
	var seen *tls.CertificateVerificationError
	if errors.As(err, &seen) {
		i.NotAfter = firstEnd(seen.UnverifiedCertificates)
	}
	i.TLSFault = tlsFault(err)
	return nil, &tlsError{err}
}

// firstEnd is when the first certificate of a chain ends: whoever renews by
// itself renews all of them, but a hand-made chain breaks where it ends first.
func firstEnd(chain []*x509.Certificate) (end time.Time) {
	for _, c := range chain {
		if end.IsZero() || c.NotAfter.Before(end) {
			end = c.NotAfter
		}
	}
	return end
}

// tlsFault is the kind of an error of the handshake.
func tlsFault(err error) webhook.TLSFault {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &authority):
		return webhook.TLSAuthority
	case errors.As(err, &name):
		return webhook.TLSName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return webhook.TLSExpired
	case errors.As(err, &record):
		return webhook.TLSNone
	}
	return webhook.TLSOther
}
