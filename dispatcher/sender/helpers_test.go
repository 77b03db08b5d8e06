package sender

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestMain(m *testing.M) {
	if code, ran := testserver.Alone(); ran { // addresses that must not be dialled are tried here
		os.Exit(code)
	}
	os.Exit(testserver.RunWithoutLeaks(m))
}

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// tiny is the deadline of exchanges that are meant to run into it.
const tiny = 200 * time.Millisecond

func secret(t testing.TB, text string) webhook.Secret {
	t.Helper()
	s, err := webhook.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func policy(t testing.TB, o PolicyOptions) *Policy {
	t.Helper()
	p, err := NewPolicy(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// openPolicy lets tests reach their receivers on this machine.
func openPolicy() PolicyOptions {
	return PolicyOptions{
		AllowHTTP:     true,
		AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	}
}

// newSender returns a sender that may dial this machine, closed with the test.
func newSender(t testing.TB, change ...func(*Options)) *Sender {
	t.Helper()
	o := Options{Policy: policy(t, openPolicy()), Timeout: 10 * time.Second}
	for _, f := range change {
		f(&o)
	}
	s := New(o)
	t.Cleanup(s.Close)
	return s
}

// newRequest returns a plain request, as a redemption's first attempt makes it.
func newRequest(t testing.TB, url string) *Request {
	t.Helper()
	return &Request{
		DeliveryID: "dlv_06f1", MessageID: "evt_06f0", EventType: "shop.product.redemption",
		Number: 1, Trigger: webhook.TriggerAutomatic,
		URL: url, Method: http.MethodPost, Body: []byte(`{"event":{},"data":{}}`),
		Secrets: []webhook.Secret{secret(t, testSecret)}, Ack: webhook.Ack{Status: webhook.Ack200},
	}
}

// receive starts an HTTP receiver.
func receive(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// rawServer is a receiver that speaks bytes, so that it can misbehave.
type rawServer struct {
	URL string

	mu       sync.Mutex
	requests int
	conns    []net.Conn
	wg       sync.WaitGroup
}

// receiveRaw starts one; serve has the connection to itself and may block on
// reading it: it is closed when the test ends.
func receiveRaw(t testing.TB, serve func(s *rawServer, c net.Conn)) *rawServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{URL: "http://" + l.Addr().String() + "/hook"}
	s.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			s.wg.Go(func() { defer c.Close(); serve(s, c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return s
}

// answering is a receiver that reads a request, writes text and then waits for
// the sender to hang up.
func answering(t testing.TB, text string) *rawServer {
	return receiveRaw(t, func(s *rawServer, c net.Conn) {
		if s.read(bufio.NewReader(c)) == nil {
			io.WriteString(c, text)
			io.Copy(io.Discard, c)
		}
	})
}

// read reads one whole request, counts it, and returns why it could not.
func (s *rawServer) read(r *bufio.Reader) error {
	req, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	if _, err = io.Copy(io.Discard, req.Body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	return nil
}

func (s *rawServer) seen() (requests, conns int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, len(s.conns)
}

// wantCode fails the test unless the attempt failed for that cause, with a
// message that says something and keeps what is not to be said.
func wantCode(t *testing.T, a *webhook.Attempt, code webhook.ErrorCode, says string) {
	t.Helper()
	if a.ErrorCode() != code {
		t.Fatalf("error = %+v (status %d), want code %q", a.Error, a.Status, code)
	}
	if code == webhook.ErrorNone {
		return
	}
	if !strings.Contains(a.Error.Message, says) {
		t.Errorf("message %q does not say %q", a.Error.Message, says)
	}
	if !strings.HasSuffix(a.Error.Message, ".") {
		t.Errorf("message %q is no sentence", a.Error.Message)
	}
}

func send(t *testing.T, s *Sender, r *Request) *webhook.Attempt {
	t.Helper()
	a := s.Send(context.Background(), r)
	if a.Warnings == nil || a.RequestHeaders == nil || a.ResponseHeaders == nil {
		t.Errorf("a list of the attempt is nil: %+v", a)
	}
	if a.Duration <= 0 {
		t.Errorf("duration = %v", a.Duration)
	}
	return a
}
