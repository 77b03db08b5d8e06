package sender

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

// A kept connection that the server closes when the second request has
// arrived: the attempt fails, and the request is not sent again.
func TestStaleConnectionIsNotResent(t *testing.T) {
	srv := receiveRaw(t, func(s *rawServer, c net.Conn) {
		r := bufio.NewReader(c)
		if s.read(r) == nil {
			io.WriteString(c, okAnswer)
			s.read(r) // the second request is taken, and never answered
		}
	})
	for _, headers := range []map[string]string{nil, {"Idempotency-Key": "k"}, {"x-idempotency-key": "k"}} {
		before, connsBefore := srv.seen()
		s := newSender(t)
		r := newRequest(t, srv.URL)
		r.Headers = headers
		wantCode(t, send(t, s, r), webhook.ErrorNone, "")
		a := send(t, s, r)
		wantCode(t, a, webhook.ErrorProtocol, "kept connection")
		requests, conns := srv.seen()
		if requests-before != 2 || conns-connsBefore != 1 {
			t.Errorf("with %v: two sends made %d requests on %d connections", headers, requests-before, conns-connsBefore)
		}
		if a.Timing.Connect != nil || a.RemoteAddr == "" {
			t.Errorf("attempt = %+v", a)
		}
	}
}

// The one case in which net/http takes another connection by itself: not one
// byte of the request was written on the kept one. The receiver sees one request.
func TestNothingWrittenIsSentOnce(t *testing.T) {
	srv := receiveRaw(t, func(s *rawServer, c net.Conn) {
		for r := bufio.NewReader(c); s.read(r) == nil; {
			io.WriteString(c, okAnswer)
		}
	})
	var broken atomic.Bool
	s := newSender(t, func(o *Options) {
		o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &breakable{Conn: c, broken: &broken}, err
		}
	})
	r := newRequest(t, srv.URL)
	wantCode(t, send(t, s, r), webhook.ErrorNone, "")
	broken.Store(true)
	a := send(t, s, r)
	wantCode(t, a, webhook.ErrorNone, "")
	if requests, conns := srv.seen(); requests != 2 || conns != 2 {
		t.Errorf("two sends made %d requests on %d connections", requests, conns)
	}
	if a.Timing.Connect == nil {
		t.Error("the second attempt does not show its new connection")
	}
}

// breakable is a connection whose next write fails before its first byte.
type breakable struct {
	net.Conn
	broken *atomic.Bool
}

func (b *breakable) Write(p []byte) (int, error) {
	if b.broken.CompareAndSwap(true, false) {
		return 0, errors.New("gone")
	}
	return b.Conn.Write(p)
}
