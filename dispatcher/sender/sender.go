package sender

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// DefaultUserAgent names the program and where a client's engineer who finds
// it in a log can read what it is.
const DefaultUserAgent = "Carteiro (+https://github.com/carteiro-webhooks/carteiro)"

// Options of [New].
type Options struct {
	Policy         *Policy          // which addresses may be dialled; required
	Timeout        time.Duration    // default of one attempt, the body's reading included; 0: 15 s
	UserAgent      string           // "": DefaultUserAgent; the program passes one with its version
	Now            func() time.Time // the clock that stamps and signs; nil: time.Now
	MaxIdlePerHost int              // idle connections kept per host; 0: 128
	RootCAs        *x509.CertPool   // who may sign a server's certificate; nil: the system's

	// Dial replaces the raw dial, for tests only. It gets the host and port
	// as the URL has them: no name is resolved, and of the policy only what
	// can be judged without resolving (the form, an IP literal) is applied.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Sender makes exchanges. It is safe for concurrent use and meant to be
// shared: its idle connections are what makes it fast.
type Sender struct {
	policy    *Policy
	timeout   time.Duration
	userAgent string
	now       func() time.Time
	dialer    *dialer
	transport *http.Transport
	targets   targetCache
	buffers   sync.Pool // *[readLimit]byte, for the answers' bodies
}

// New returns a sender. It panics without a policy: there is no safe default
// that a caller could mean by leaving it out.
func New(o Options) *Sender {
	if o.Policy == nil {
		panic("sender: Options.Policy is required")
	}
	s := &Sender{policy: o.Policy, timeout: o.Timeout, userAgent: o.UserAgent, now: o.Now}
	if s.timeout <= 0 {
		s.timeout = DefaultTimeout
	}
	if s.userAgent == "" {
		s.userAgent = DefaultUserAgent
	}
	if s.now == nil {
		s.now = time.Now
	}
	if o.MaxIdlePerHost <= 0 {
		o.MaxIdlePerHost = DefaultMaxIdlePerHost
	}
	s.buffers.New = func() any { return new([readLimit]byte) }
	s.dialer = newDialer(o)
	s.transport = newTransport(s.dialer, o.MaxIdlePerHost)
	return s
}

// Close ends idle connections, and dials that no exchange waits for any more.
// Call it after the last Send has returned.
func (s *Sender) Close() { s.transport.CloseIdleConnections() }

// Request is all that one exchange needs.
type Request struct {
	DeliveryID webhook.DeliveryID
	MessageID  webhook.MessageID // the webhook-id header
	EventType  webhook.Slug
	Number     int                   // of the attempt, from 1
	Trigger    webhook.Trigger       //
	URL        string                // where it goes
	Method     string                // POST or PUT; "": POST
	Body       []byte                // exactly what goes on the wire; not changed and not kept
	Headers    webhook.StaticHeaders // what the subscription adds, its credentials too; the values are secret
	Secrets    []webhook.Secret      // the current one first; each signs
	Ack        webhook.Ack           // what acknowledges
	// ExpectBody is the answer that is expected when Ack.Body is not set; another
	// one is flagged. An export page expects {"status":"received"}. nil: anything.
	ExpectBody json.RawMessage
	Timeout    time.Duration // of this exchange; 0: the sender's
	RunID      webhook.RunID // of an export page, else ""
	Page       int           // counted from 1; 0 when it is no page
	Pages      int           // how many the run has for this client; 0 when it is no page
	Test       bool          // a sample that an operator sends: the receiver is told
}

// Send makes the one exchange and returns what came of it. It never returns an
// error: what went wrong is in the attempt. It sends at most one request.
func (s *Sender) Send(ctx context.Context, r *Request) *webhook.Attempt {
	began := time.Now() // its monotonic part measures; s.now may be a test's
	a := &webhook.Attempt{
		Number:    r.Number,
		Trigger:   r.Trigger,
		StartedAt: s.now().UTC().Truncate(time.Microsecond),
		URL:       r.URL,
		Warnings:  []string{},
	}
	a.Error = s.exchange(ctx, r, a)
	if a.ResponseHeaders == nil {
		a.ResponseHeaders = map[string][]string{}
	}
	a.Duration = time.Since(began)
	return a
}

// exchange fills the attempt and returns why it failed, or nil.
func (s *Sender) exchange(ctx context.Context, r *Request, a *webhook.Attempt) *webhook.AttemptError {
	header := s.Headers(r, a.StartedAt)
	a.RequestHeaders = storedRequestHeaders(header, r.Headers)
	target, fault := s.targets.get(r.URL, s.policy.allowHTTP)
	if fault != "" {
		return failed(webhook.ErrorRefusedAddress, "Not sent. "+fault)
	}
	method := r.Method
	switch method {
	case "":
		method = http.MethodPost
	case http.MethodPost, http.MethodPut:
	default: // GET and its like would be sent again by net/http itself
		return failed(webhook.ErrorProtocol, msgMethod)
	}

	x := begin(ctx, cmp.Or(r.Timeout, s.timeout))
	defer x.end()
	req := (&http.Request{
		Method:        method,
		URL:           target.url,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          io.NopCloser(bytes.NewReader(r.Body)),
		ContentLength: int64(len(r.Body)),
		// net/http asks for the body again in one case only: it took a kept
		// connection that turned out closed before a single byte was written.
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil },
	}).WithContext(x.traced())
	if len(r.Body) == 0 {
		req.Body, req.GetBody = http.NoBody, nil
	}

	// The transport itself, not an http.Client: no redirect can be followed,
	// no cookie kept and no header added, because nothing is there to do it.
	resp, err := s.transport.RoundTrip(req)
	defer x.fill(a)
	if err != nil {
		return x.failure(err, target.host)
	}
	defer resp.Body.Close()
	defer func() { a.ResponseBody = withoutEchoes(a.ResponseBody, r.Headers, a.ResponseTruncated) }()
	return s.judge(x, resp, r, a)
}
