package sender

import (
	"crypto/tls"
	"net/http"
	"time"
)

// Limits of the transport, each with its reason.
const (
	// idleTimeout: common servers close a kept connection after 5 s without a
	// request (Node's default). Whoever writes to one at that moment loses the
	// attempt, so ours go first.
	idleTimeout = 4 * time.Second
	// maxIdleConns bounds what idle connections cost in all: with buffers,
	// goroutines and TLS state some 30 to 50 KiB each.
	maxIdleConns = 1024
	// maxHeaderBytes bounds the answer's headers, those of informational
	// answers included: net/http counts them together as long as no hook looks
	// at the informational ones, so no hook does.
	maxHeaderBytes = 64 << 10
	// sessionCache is for how many hosts TLS sessions are kept: connections are
	// short-lived here, and resuming one saves most of a handshake's work.
	sessionCache = 1024
)

// newTransport is the one place where net/http is set up.
func newTransport(d *dialer, maxIdlePerHost int) *http.Transport {
	var http1 http.Protocols
	http1.SetHTTP1(true)
	return &http.Transport{
		// A proxy from the environment would dial in our place, unchecked.
		Proxy: nil,
		// Both dial through the policy; the second also makes the TLS handshake,
		// so that it is under the exchange's deadline and not one of its own.
		DialContext:    d.dial,
		DialTLSContext: d.dialTLS,
		// HTTP/1.1 only. With h2 all exchanges with a host share one connection:
		// one that hangs takes all along. Its client also repeats requests by
		// itself (GOAWAY, REFUSED_STREAM), and for small POSTs it is slower.
		Protocols: &http1,
		// Without this, answers would be asked for in gzip and unpacked here: a
		// compressed bomb's job. Unasked-for compression stays packed.
		DisableCompression: true,
		// No limit per host: waiting inside for a connection would eat the
		// attempt's deadline. The dispatcher caps what is in flight.
		MaxConnsPerHost:        0,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		MaxIdleConns:           max(maxIdleConns, maxIdlePerHost),
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		// "Expect: 100-continue" is never sent; TLSHandshakeTimeout and
		// ResponseHeaderTimeout stay off: there is one deadline over all.
	}
}

// newTLSConfig is the client's side of TLS; the server's name is set per dial.
func newTLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12, // 1.0 and 1.1 are withdrawn (RFC 8996)
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(sessionCache),
	}
}
