package sender

import (
	"crypto/tls"
	"net/http"
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
		MinVersion:         minTLS,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(sessionCache),
	}
}
