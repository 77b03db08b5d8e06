package sender

import (
	"crypto/tls"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Every limit of an exchange, each with its reason. What net/http has of its
// own and is left off stands in newTransport, with the reason too.

// Time.
const (
	// DefaultTimeout is one deadline over everything from the name lookup to the
	// last byte of the answer. Partial time-outs would add up to more.
	DefaultTimeout = 15 * time.Second
	// bodyGrace is how long an answer's body may take once the attempt's outcome
	// is known from the status line. Waiting on serves two small ends, the log
	// and keeping the connection; a slot held for a stalled body to the full
	// deadline would be taken from deliveries that are still to be made.
	bodyGrace = 5 * time.Second
	// lookupTime is how long CheckURL waits for a name: somebody is at the other
	// end of the registration.
	lookupTime = 2 * time.Second
	// idleTimeout: common servers close a kept connection after 5 s without a
	// request (Node's default). Whoever writes to one at that moment loses the
	// attempt, so ours go first.
	idleTimeout = 4 * time.Second
)

// What a receiver can make us read and keep.
const (
	// maxHeaderBytes bounds the answer's headers, those of informational
	// answers included: net/http counts them together as long as no hook looks
	// at the informational ones, so no hook does.
	maxHeaderBytes = 64 << 10
	// maxStoredHeaders and maxStoredHeaderBytes bound what of them is kept: a
	// row of the log is read by people.
	maxStoredHeaders     = 64
	maxStoredHeaderBytes = 16 << 10
	// readLimit is one byte more of the body than is kept, to know whether
	// there was more.
	readLimit = webhook.MaxStoredBody + 1
	// drainLimit is how much more of a body is read and thrown away so that the
	// connection can be kept. Reading more costs more than a new connection.
	drainLimit = 64 << 10
	// minTLS: 1.0 and 1.1 are withdrawn (RFC 8996).
	minTLS = tls.VersionTLS12
)

// What is kept between exchanges.
const (
	// DefaultMaxIdlePerHost is twice the default of a subscription's attempts
	// in flight, so that two of them to one host do not close each other's.
	DefaultMaxIdlePerHost = 128
	// maxIdleConns bounds what idle connections cost in all: with buffers,
	// goroutines and TLS state some 30 to 50 KiB each.
	maxIdleConns = 1024
	// sessionCache is for how many hosts TLS sessions are kept: connections are
	// short-lived here, and resuming one saves most of a handshake's work.
	sessionCache = 1024
	// maxTargets bounds the cache of parsed URLs; a full one is emptied, which
	// costs one parse per URL.
	maxTargets = 4096
)
