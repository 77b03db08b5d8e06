package sender

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
	"github.com/google/go-cmp/cmp"
)

// What goes on the wire: these headers, these bytes, and nothing else.
func TestWireFormat(t *testing.T) {
	var got *http.Request
	var body []byte
	srv := receive(t, func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	})
	now := time.Now()
	s := newSender(t, func(o *Options) {
		o.UserAgent = "Carteiro/1.2.3 (+https://example.test/docs)"
		o.Now = func() time.Time { return now }
	})
	r := newRequest(t, srv.URL+"/hook?token=abc%2F")
	r.Method, r.Number = http.MethodPut, 3
	r.RunID, r.Page, r.Pages = "run_06f2", 2, 7
	r.Headers = map[string]string{"x-key": "s3cr3t", "Authorization": "Bearer t0ken"}
	a := send(t, s, r)
	wantCode(t, a, webhook.ErrorNone, "")

	if err := verify(t, r.Secrets[0], body, got.Header); err != nil {
		t.Errorf("the signature does not verify: %v", err)
	}
	want := http.Header{
		"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(r.Body))},
		"User-Agent": {"Carteiro/1.2.3 (+https://example.test/docs)"},
		"Webhook-Id": {"evt_06f0"}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
		"Webhook-Signature":    {Sign(r.Secrets, r.MessageID, now, r.Body)},
		"Carteiro-Delivery-Id": {"dlv_06f1"}, "Carteiro-Attempt": {"3"}, "Carteiro-Event-Type": {"shop.product.redemption"},
		"Carteiro-Run-Id": {"run_06f2"}, "Carteiro-Page": {"2"}, "Carteiro-Pages": {"7"},
		"X-Key": {"s3cr3t"}, "Authorization": {"Bearer t0ken"},
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if got.Method != http.MethodPut || got.RequestURI != "/hook?token=abc%2F" || string(body) != string(r.Body) || got.Proto != "HTTP/1.1" {
		t.Errorf("%s %s %s, body %q", got.Method, got.RequestURI, got.Proto, body)
	}

	// The record: the same names, and no value of a static header.
	stored := map[string]string{}
	for name, values := range want {
		stored[name] = values[0]
	}
	delete(stored, "Content-Length") // net/http's own
	stored["X-Key"], stored["Authorization"] = webhook.Redacted, webhook.Redacted
	if diff := cmp.Diff(stored, a.RequestHeaders); diff != "" {
		t.Errorf("stored headers (-want +got):\n%s", diff)
	}
	if a.Number != 3 || a.Trigger != webhook.TriggerAutomatic || a.URL != r.URL || !a.StartedAt.Equal(now.Truncate(time.Microsecond)) {
		t.Errorf("attempt = %+v", a)
	}
}

// Without a page there are no page headers, and an empty body is sent as such.
func TestWireFormatOfAnEvent(t *testing.T) {
	got := make(chan *http.Request, 1)
	srv := receive(t, func(_ http.ResponseWriter, r *http.Request) { got <- r })
	r := newRequest(t, srv.URL)
	r.Body, r.Method = nil, ""
	wantCode(t, send(t, newSender(t), r), webhook.ErrorNone, "")
	req := <-got
	for _, name := range []string{"Carteiro-Run-Id", "Carteiro-Page", "Carteiro-Pages", "Accept-Encoding", "Traceparent", "Expect", "Cookie"} {
		if v, ok := req.Header[name]; ok {
			t.Errorf("%s: %q was sent", name, v)
		}
	}
	if req.Method != http.MethodPost || req.ContentLength != 0 || req.Header.Get("User-Agent") != DefaultUserAgent {
		t.Errorf("%s, %d bytes, from %q", req.Method, req.ContentLength, req.Header.Get("User-Agent"))
	}
}

// Static headers cannot replace ours, and one that makes net/http repeat a
// request is left out.
func TestStaticHeadersAreBounded(t *testing.T) {
	s := newSender(t)
	r := newRequest(t, "https://hooks.test/")
	r.Headers = map[string]string{"webhook-id": "forged", "idempotency-key": "k", "X-Idempotency-Key": "k", "x-key": "v"}
	h := s.Headers(r, time.Now())
	if h.Get("Webhook-Id") != "evt_06f0" || len(h["Webhook-Id"]) != 1 || h.Get("X-Key") != "v" {
		t.Errorf("headers = %v", h)
	}
	stored := storedRequestHeaders(h, r.Headers)
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if _, ok := stored[name]; ok || h.Get(name) != "" {
			t.Errorf("%s was sent, or is said to have been", name)
		}
	}
}

func TestStatusRules(t *testing.T) {
	for _, tc := range []struct {
		status int
		rule   webhook.AckStatus
		code   webhook.ErrorCode
		says   string
	}{
		{200, webhook.Ack200, webhook.ErrorNone, ""},
		{200, webhook.Ack2xx, webhook.ErrorNone, ""},
		{201, webhook.Ack200, webhook.ErrorStatus, "200 only"},
		{204, webhook.Ack200, webhook.ErrorStatus, "204 No Content"},
		{204, webhook.Ack2xx, webhook.ErrorNone, ""},
		{299, webhook.Ack2xx, webhook.ErrorNone, ""},
		{300, webhook.Ack2xx, webhook.ErrorRedirect, "never followed"},
		{304, webhook.Ack2xx, webhook.ErrorRedirect, "304 Not Modified"},
		{308, webhook.Ack200, webhook.ErrorRedirect, "Location"},
		{400, webhook.Ack2xx, webhook.ErrorStatus, "400 Bad Request"},
		{401, webhook.Ack200, webhook.ErrorStatus, "credentials"},
		{404, webhook.Ack200, webhook.ErrorStatus, "path"},
		{405, webhook.Ack200, webhook.ErrorStatus, "method"},
		{410, webhook.Ack200, webhook.ErrorStatus, "gone for good"},
		{413, webhook.Ack200, webhook.ErrorStatus, "smaller"},
		{429, webhook.Ack200, webhook.ErrorStatus, "rate_limit"},
		{503, webhook.Ack200, webhook.ErrorStatus, "503 Service Unavailable. The fault is on the receiver's side"},
		{599, webhook.Ack2xx, webhook.ErrorStatus, "599"},
	} {
		srv := receive(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(tc.status)
		})
		r := newRequest(t, srv.URL)
		r.Ack.Status = tc.rule
		a := send(t, newSender(t), r)
		wantCode(t, a, tc.code, tc.says)
		if a.Status != tc.status || a.ResponseHeaders["Retry-After"][0] != "120" {
			t.Errorf("%d under %s: status %d, headers %v", tc.status, tc.rule, a.Status, a.ResponseHeaders)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var hits atomic.Int32
		srv := receive(t, func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			http.Redirect(w, r, r.URL.Path+"?token=abc", status) // to itself: a loop
		})
		a := send(t, newSender(t), newRequest(t, srv.URL+"/loop"))
		wantCode(t, a, webhook.ErrorRedirect, strconv.Itoa(status))
		if hits.Load() != 1 || strings.Contains(a.Error.Message, "abc") {
			t.Errorf("%d: %d requests, %q", status, hits.Load(), a.Error.Message)
		}
	}
}

func TestProxiesOfTheEnvironmentAreIgnored(t *testing.T) {
	var proxied atomic.Int32
	proxy := receive(t, func(http.ResponseWriter, *http.Request) { proxied.Add(1) })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	s := newSender(t)
	// net/http reads the environment once and never proxies loopback, so look at the setting too.
	if s.transport.Proxy != nil {
		t.Error("the transport has a proxy function")
	}
	srv := receive(t, func(http.ResponseWriter, *http.Request) {})
	wantCode(t, send(t, s, newRequest(t, srv.URL)), webhook.ErrorNone, "")
	if proxied.Load() != 0 {
		t.Error("the proxy was used")
	}
}

func TestOnlyPostAndPut(t *testing.T) {
	var hits atomic.Int32
	srv := receive(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	for _, method := range []string{"GET", "HEAD", "DELETE", "post"} {
		r := newRequest(t, srv.URL)
		r.Method = method
		wantCode(t, send(t, newSender(t), r), webhook.ErrorProtocol, "POST or PUT")
	}
	if hits.Load() != 0 {
		t.Errorf("%d requests arrived", hits.Load())
	}
}

// A target is judged at every exchange: what was registered may be forbidden by now.
func TestFormIsJudgedAgain(t *testing.T) {
	s := newSender(t, func(o *Options) { o.Policy = policy(t, PolicyOptions{}) })
	for raw, says := range map[string]string{"http://hooks.test/": "CARTEIRO_ALLOW_HTTP", "https://0x7f.1/": "four decimal", "": "empty"} {
		wantCode(t, send(t, s, newRequest(t, raw)), webhook.ErrorRefusedAddress, says)
	}
}

func TestHeaderThatCannotBeWritten(t *testing.T) {
	var hits atomic.Int32
	srv := receive(t, func(http.ResponseWriter, *http.Request) { hits.Add(1) })
	r := newRequest(t, srv.URL)
	r.Headers = map[string]string{"X-Key": "s3cr3t\r\nInjected: yes"}
	a := send(t, newSender(t), r)
	wantCode(t, a, webhook.ErrorProtocol, "could not be written")
	if hits.Load() != 0 || strings.Contains(a.Error.Message, "s3cr3t") {
		t.Errorf("%d requests; %q", hits.Load(), a.Error.Message)
	}
}

// A second exchange takes the connection of the first, and has no steps of making one.
func TestTimingAndReuse(t *testing.T) {
	srv := receive(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"status":"received"}`) })
	s := newSender(t)
	first, second := send(t, s, newRequest(t, srv.URL)), send(t, s, newRequest(t, srv.URL))
	if first.Timing.Connect == nil || first.Timing.DNS != nil || first.Timing.TLS != nil || first.Timing.FirstByte == nil {
		t.Errorf("first: %+v", first.Timing)
	}
	if second.Timing.Connect != nil || second.Timing.DNS != nil || second.Timing.TLS != nil || second.Timing.FirstByte == nil {
		t.Errorf("second: %+v", second.Timing)
	}
	addr := srv.Listener.Addr().String()
	if first.RemoteAddr != addr || second.RemoteAddr != addr {
		t.Errorf("remote addresses %q and %q, want %q", first.RemoteAddr, second.RemoteAddr, addr)
	}
	if *first.Timing.Connect+*first.Timing.FirstByte > first.Duration {
		t.Errorf("the steps %+v are longer than the whole, %v", first.Timing, first.Duration)
	}
}

func TestIPv6Literal(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6 loopback")
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	a := send(t, newSender(t), newRequest(t, "http://"+l.Addr().String()+"/"))
	wantCode(t, a, webhook.ErrorNone, "")
	if a.RemoteAddr != l.Addr().String() {
		t.Errorf("remote = %q", a.RemoteAddr)
	}
}

// Our own stop is told apart from the deadline, whoever set that.
func TestShutdownAndDeadline(t *testing.T) {
	arrived := make(chan struct{})
	srv := receiveRaw(t, func(_ *rawServer, c net.Conn) {
		c.Read(make([]byte, 1))
		arrived <- struct{}{}
		io.Copy(io.Discard, c)
	})
	s := newSender(t)

	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-arrived; cancel() }()
	wantCode(t, s.Send(ctx, newRequest(t, srv.URL)), webhook.ErrorShutdown, "stopped")
	wantCode(t, s.Send(ctx, newRequest(t, srv.URL)), webhook.ErrorShutdown, "stopped") // before it began

	ctx, cancel = context.WithTimeout(context.Background(), tiny)
	defer cancel()
	go func() { <-arrived }()
	wantCode(t, s.Send(ctx, newRequest(t, srv.URL)), webhook.ErrorTimeout, "No answer within")
}

// Limits that only a look at the transport can tell.
func TestTransportSettings(t *testing.T) {
	tr := newSender(t).transport
	if !tr.DisableCompression || tr.MaxConnsPerHost != 0 || tr.MaxIdleConns == 0 || tr.MaxIdleConnsPerHost != DefaultMaxIdlePerHost ||
		tr.IdleConnTimeout >= 5*time.Second || tr.IdleConnTimeout <= 0 || tr.MaxResponseHeaderBytes != 64<<10 ||
		tr.Protocols.HTTP2() || tr.Protocols.UnencryptedHTTP2() || tr.DisableKeepAlives {
		t.Errorf("transport = %+v", tr)
	}
	x := begin(t.Context(), time.Minute)
	defer x.end()
	if httptrace.ContextClientTrace(x.traced()).Got1xxResponse != nil {
		t.Error("a hook looks at informational answers, which lifts the limit on them")
	}
}

func TestNewNeedsAPolicy(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a sender without a policy was made")
		}
	}()
	New(Options{})
}
