package sender

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// inBubble sends over pipes in virtual time: whole deadlines pass at once, and
// the moment at which something ends is exact.
func inBubble(t *testing.T, serve func(c net.Conn), check func(t *testing.T, s *Sender, r *Request)) {
	synctest.Test(t, func(t *testing.T) {
		var receivers sync.WaitGroup
		s := New(Options{
			Policy: policy(t, openPolicy()),
			Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				receivers.Go(func() { defer theirs.Close(); serve(theirs) })
				return ours, nil
			},
		})
		check(t, s, newRequest(t, "http://hooks.test/"))
		s.Close()
		receivers.Wait()
	})
}

func readRequest(c net.Conn) {
	if req, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		io.Copy(io.Discard, req.Body)
	}
}

// The default deadline holds when the request has none, and is exact.
func TestDeadlineIsExact(t *testing.T) {
	inBubble(t, func(c net.Conn) {
		readRequest(c)
		io.Copy(io.Discard, c)
	}, func(t *testing.T, s *Sender, r *Request) {
		for own, want := range map[time.Duration]time.Duration{0: 15 * time.Second, 7 * time.Second: 7 * time.Second} {
			r.Timeout = own
			a := send(t, s, r)
			wantCode(t, a, webhook.ErrorTimeout, "within "+webhook.Duration(want).String())
			if a.Duration != want {
				t.Errorf("ended after %v, want %v", a.Duration, want)
			}
		}
	})
}

// A body that drips past the deadline does not stretch it.
func TestDrippingHeadersDoNotStretchTheDeadline(t *testing.T) {
	inBubble(t, func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
		drip(c)
	}, func(t *testing.T, s *Sender, r *Request) {
		a := send(t, s, r)
		wantCode(t, a, webhook.ErrorTimeout, "began an answer")
		if a.Duration != DefaultTimeout {
			t.Errorf("ended after %v", a.Duration)
		}
	})
}

func drip(c net.Conn) {
	for tick := time.NewTicker(time.Second); ; <-tick.C {
		if _, err := c.Write([]byte("x")); err != nil {
			tick.Stop()
			return
		}
	}
}

// After the status line the body has five seconds, or what is left of the
// deadline; with a required body, the whole deadline.
func TestBodyGrace(t *testing.T) {
	for _, tc := range []struct {
		name    string
		status  string
		late    time.Duration // of the status line
		require bool
		code    webhook.ErrorCode
		want    time.Duration
	}{
		{"acknowledged", "200 OK", 0, false, webhook.ErrorNone, 5 * time.Second},
		{"acknowledged late", "200 OK", 12 * time.Second, false, webhook.ErrorNone, 15 * time.Second},
		{"failed", "500 Oops", 2 * time.Second, false, webhook.ErrorStatus, 7 * time.Second},
		{"failed, body required", "500 Oops", 0, true, webhook.ErrorStatus, 5 * time.Second},
		{"body required", "200 OK", 0, true, webhook.ErrorTimeout, 15 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inBubble(t, func(c net.Conn) {
				readRequest(c)
				time.Sleep(tc.late) // virtual: part of what is tested
				io.WriteString(c, "HTTP/1.1 "+tc.status+"\r\nContent-Length: 100\r\n\r\n")
				drip(c)
			}, func(t *testing.T, s *Sender, r *Request) {
				r.Ack.Body, r.Ack.RequireBody = []byte(received), tc.require
				a := send(t, s, r)
				wantCode(t, a, tc.code, "")
				if a.Duration != tc.want {
					t.Errorf("ended after %v, want %v", a.Duration, tc.want)
				}
			})
		})
	}
}

// Draining what is not kept is not allowed its own five seconds on top.
func TestGraceIsGivenOnce(t *testing.T) {
	inBubble(t, func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		time.Sleep(3 * time.Second)
		c.Write(make([]byte, readLimit))
		io.Copy(io.Discard, c)
	}, func(t *testing.T, s *Sender, r *Request) {
		a := send(t, s, r)
		wantCode(t, a, webhook.ErrorNone, "")
		if a.Duration != bodyGrace || !a.ResponseTruncated || len(a.Warnings) != 1 {
			t.Errorf("ended after %v, truncated %v, warnings %q", a.Duration, a.ResponseTruncated, a.Warnings)
		}
	})
}

// A stop of ours after the status line does not take the acknowledgement back.
func TestStopDuringTheBody(t *testing.T) {
	inBubble(t, func(c net.Conn) {
		readRequest(c)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
		io.Copy(io.Discard, c)
	}, func(t *testing.T, s *Sender, r *Request) {
		for _, require := range []bool{false, true} {
			r.Ack.Body, r.Ack.RequireBody = []byte(received), require
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			a := s.Send(ctx, r)
			want := webhook.ErrorNone
			if require {
				want = webhook.ErrorShutdown
			}
			wantCode(t, a, want, "")
			if a.Duration != time.Second {
				t.Errorf("ended after %v", a.Duration)
			}
		}
	})
}

// The steps' times, exact.
func TestTimingIsExact(t *testing.T) {
	inBubble(t, func(c net.Conn) {
		readRequest(c)
		time.Sleep(120 * time.Millisecond)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
		time.Sleep(30 * time.Millisecond)
		io.WriteString(c, "ok")
		io.Copy(io.Discard, c)
	}, func(t *testing.T, s *Sender, r *Request) {
		a := send(t, s, r)
		wantCode(t, a, webhook.ErrorNone, "")
		if *a.Timing.FirstByte != 120*time.Millisecond || a.Duration != 150*time.Millisecond || *a.Timing.Connect != 0 {
			t.Errorf("timing %+v, duration %v", a.Timing, a.Duration)
		}
	})
}

// Connections are let go before a common server's five seconds are over.
func TestIdleConnectionsGoInTime(t *testing.T) {
	inBubble(t, func(c net.Conn) {
		for r := bufio.NewReader(c); ; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			io.WriteString(c, okAnswer)
		}
	}, func(t *testing.T, s *Sender, r *Request) {
		for wait, reused := range map[time.Duration]bool{3 * time.Second: true, 4500 * time.Millisecond: false} {
			s.Send(t.Context(), r)
			time.Sleep(wait)
			if a := s.Send(t.Context(), r); (a.Timing.Connect == nil) != reused {
				t.Errorf("after %v: reused = %v", wait, !reused)
			}
		}
	})
}
