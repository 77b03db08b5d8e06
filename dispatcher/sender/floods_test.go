package sender

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Answers that HTTP/1.1 parsers read differently, and versions that are none.
func TestAnswersThatAreAmbiguous(t *testing.T) {
	for _, tc := range []struct {
		name, answer string
		code         webhook.ErrorCode
		status       int
	}{
		{"HTTP/0.9", "<html><title>Welcome</title></html>\r\n", webhook.ErrorProtocol, 0},
		{"HTTP/0.9 by name", "HTTP/0.9 200 OK\r\n\r\n", webhook.ErrorNone, 200}, // a status line all the same
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", webhook.ErrorNone, 200},
		{"ICY", "ICY 200 OK\r\n\r\n", webhook.ErrorProtocol, 0},
		{"no version", "HTTP/ 200 OK\r\n\r\n", webhook.ErrorProtocol, 0},
		{"status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", webhook.ErrorProtocol, 0},
		{"negative status", "HTTP/1.1 -20 OK\r\nContent-Length: 0\r\n\r\n", webhook.ErrorProtocol, 0},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", webhook.ErrorProtocol, 0},
		{"length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: 0x10\r\n\r\n", webhook.ErrorProtocol, 0},
		{"length beyond all bounds", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", webhook.ErrorProtocol, 0},
		{"unknown transfer encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", webhook.ErrorProtocol, 0},
		{"transfer encodings", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n", webhook.ErrorProtocol, 0},
		{"space before the colon", "HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n", webhook.ErrorNone, 200}, // its name has a space, and means nothing
		{"no name", "HTTP/1.1 200 OK\r\n: b\r\n\r\n", webhook.ErrorProtocol, 0},
		{"a zero byte in a name", "HTTP/1.1 200 OK\r\nX-\x00A: b\r\n\r\n", webhook.ErrorProtocol, 0},
		{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", webhook.ErrorNone, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := receiveRaw(t, func(s *rawServer, c net.Conn) {
				if s.read(bufio.NewReader(c)) == nil {
					io.WriteString(c, tc.answer)
				}
			})
			a := send(t, newSender(t), newRequest(t, srv.URL))
			wantCode(t, a, tc.code, "could not be read")
			if a.Status != tc.status {
				t.Errorf("status = %d, want %d", a.Status, tc.status)
			}
		})
	}
}

// What stands behind an answer ends the connection: it is not the next one's
// answer. (net/http has a window of microseconds before it looks, in which the
// next exchange can take the connection. So a receiver can forge an answer to
// itself, as it can by answering; it cannot to another host and port.)
func TestNothingBehindAnAnswerCounts(t *testing.T) {
	const smuggled = "HTTP/1.1 500 Smuggled\r\nContent-Length: 8\r\n\r\nsmuggled"
	for name, answer := range map[string]string{
		"two answers":         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + smuggled,
		"length and chunks":   "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"chunks and length":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + smuggled,
		"a body for a 204":    "HTTP/1.1 204 No Content\r\nContent-Length: 8\r\n\r\n" + smuggled,
		"line breaks in it":   "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 0\r\n\r\n\r\n\r\n" + smuggled,
		"a folded header":     "HTTP/1.1 200 OK\r\nX-A: b\r\n Content-Length: 500\r\nContent-Length: 0\r\n\r\n" + smuggled,
		"a lone line feed":    "HTTP/1.1 200 OK\r\nX-A: b\nContent-Length: 0\r\n\r\n" + smuggled,
		"a length in a value": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: b\r\n\r\n" + smuggled,
	} {
		t.Run(name, func(t *testing.T) {
			hungUp := make(chan struct{}, 2)
			srv := receiveRaw(t, func(s *rawServer, c net.Conn) {
				for r := bufio.NewReader(c); s.read(r) == nil; {
					io.WriteString(c, answer)
				}
				hungUp <- struct{}{}
			})
			s := newSender(t)
			for range 2 {
				r := newRequest(t, srv.URL)
				r.Ack.Status = webhook.Ack2xx
				a := send(t, s, r)
				wantCode(t, a, webhook.ErrorNone, "")
				if a.Status >= 300 || strings.Contains(string(a.ResponseBody), "smuggled") {
					t.Errorf("status %d, body %q", a.Status, a.ResponseBody)
				}
				select { // not by Close: the sender is still open
				case <-hungUp:
				case <-time.After(idleTimeout / 2):
					t.Error("the connection is kept, with the stray bytes in it")
				}
			}
			if requests, conns := srv.seen(); requests != 2 || conns != 2 {
				t.Errorf("%d requests on %d connections", requests, conns)
			}
		})
	}
}

// Bodies that flood in what surrounds the data: each costs bounded time and memory.
func TestFloodsAroundTheBody(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, serve := range map[string]func(w io.Writer) error{
		"chunk extension": func(w io.Writer) error { _, err := io.WriteString(w, "1;"+strings.Repeat("x", 4096)); return err },
		"many extensions": func(w io.Writer) error {
			_, err := io.WriteString(w, "1;"+strings.Repeat("x", 1000)+"\r\na\r\n")
			return err
		},
		"chunk size": func(w io.Writer) error { _, err := io.WriteString(w, strings.Repeat("0", 4096)); return err },
		"huge chunk": func(w io.Writer) error {
			_, err := io.WriteString(w, "7fffffffffffffff\r\n"+strings.Repeat("x", 4096))
			return err
		},
		"tiny chunks":   func(w io.Writer) error { _, err := io.WriteString(w, strings.Repeat("1\r\na\r\n", 1000)); return err },
		"trailers":      flood("0\r\n", "X-Trailer: "+strings.Repeat("y", 200)+"\r\n"),
		"one trailer":   flood("0\r\nX-Trailer: ", strings.Repeat("y", 4096)),
		"no line break": flood("", strings.Repeat("0", 4096)),
	} {
		t.Run(name, func(t *testing.T) {
			hungUp := make(chan struct{})
			srv := receiveRaw(t, func(s *rawServer, c net.Conn) {
				defer close(hungUp)
				if s.read(bufio.NewReader(c)) != nil {
					return
				}
				for _, err := io.WriteString(c, head); err == nil; {
					err = serve(c)
				}
			})
			r := newRequest(t, srv.URL)
			r.Timeout = 5 * time.Second
			a := send(t, newSender(t), r)
			wantCode(t, a, webhook.ErrorNone, "") // the status line was read
			if len(a.ResponseBody) > webhook.MaxStoredBody || a.Duration >= 5*time.Second {
				t.Errorf("kept %d bytes after %v", len(a.ResponseBody), a.Duration)
			}
			select {
			case <-hungUp:
			case <-time.After(5 * time.Second):
				t.Error("the connection of a flood stays open")
			}
		})
	}
}

// flood writes the beginning once, and the rest for ever.
func flood(begin, rest string) func(io.Writer) error {
	begun := false
	return func(w io.Writer) error {
		text := rest
		if !begun {
			begun, text = true, begin+rest
		}
		_, err := io.WriteString(w, text)
		return err
	}
}

// A receiver that is never silent and never done: one byte at a time. The
// deadline is over the whole exchange, not over each read.
func TestDrippingReceivers(t *testing.T) {
	for _, tc := range []struct {
		name, head string
		code       webhook.ErrorCode
	}{
		{"status line", "", webhook.ErrorTimeout},
		{"headers", "HTTP/1.1 200 OK\r\nX-Slow: ", webhook.ErrorTimeout},
		{"body", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", webhook.ErrorNone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := receiveRaw(t, func(s *rawServer, c net.Conn) {
				s.read(bufio.NewReader(c))
				tick := time.NewTicker(tiny / 20)
				defer tick.Stop()
				text := tc.head
				if text == "" {
					text = "H"
				}
				for _, err := io.WriteString(c, text); err == nil; <-tick.C {
					if _, err = io.WriteString(c, " "); err != nil {
						return
					}
				}
			})
			r := newRequest(t, srv.URL)
			r.Timeout = tiny
			a := send(t, newSender(t), r)
			wantCode(t, a, tc.code, "did not finish")
			if a.Duration < tiny || a.Duration > 20*tiny {
				t.Errorf("after %v", a.Duration)
			}
		})
	}
}

// A receiver that answers before it has read the request counts as having
// answered; the connection, with half a request in it, is not used again.
func TestAnswerBeforeTheRequestIsRead(t *testing.T) {
	srv := receiveRaw(t, func(_ *rawServer, c net.Conn) {
		c.(*net.TCPConn).SetReadBuffer(4 << 10)
		c.Read(make([]byte, 100))
		io.WriteString(c, okAnswer)
		c.Read(make([]byte, 1)) // and nothing more until it is over
		<-t.Context().Done()
	})
	s := newSender(t)
	for range 2 {
		r := newRequest(t, srv.URL)
		r.Body, r.Timeout = make([]byte, 16<<20), 5*time.Second
		a := send(t, s, r)
		wantCode(t, a, webhook.ErrorNone, "")
		if a.Timing.Connect == nil || a.Status != 200 || a.Duration >= 5*time.Second {
			t.Errorf("attempt = %+v after %v", a.Timing, a.Duration)
		}
	}
}

// A reset in the middle of a body: a real one, not an orderly end.
func TestResetInTheBody(t *testing.T) {
	for _, require := range []bool{false, true} {
		srv := receiveRaw(t, func(s *rawServer, c net.Conn) {
			s.read(bufio.NewReader(c))
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":")
			c.(*net.TCPConn).SetLinger(0)
		})
		r := newRequest(t, srv.URL)
		r.Ack.Body, r.Ack.RequireBody = []byte(received), require
		a := send(t, newSender(t), r)
		// The reset may overtake the answer; then there was none.
		if a.Status == 0 {
			wantCode(t, a, webhook.ErrorProtocol, "connection broke")
			continue
		}
		if require {
			wantCode(t, a, webhook.ErrorProtocol, "required body")
		} else {
			wantCode(t, a, webhook.ErrorNone, "")
		}
	}
}

// Whatever a receiver did, its connection is given up or kept idle, and Close
// ends what is idle: nothing stays open. (The package's tests end with a look
// for goroutines that were left behind.)
func TestNoConnectionIsLeftOpen(t *testing.T) {
	for name, answer := range map[string]string{
		"good":                  okAnswer,
		"silent":                "",
		"half the headers":      "HTTP/1.1 200 OK\r\nX-A: ",
		"half the body":         "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
		"malformed":             "HELLO\r\n\r\n",
		"malformed chunks":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"huge header":           "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n",
		"informational flood":   strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 4<<10),
		"switching protocols":   "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
		"redirect":              "HTTP/1.1 302 Found\r\nLocation: /hook\r\nContent-Length: 0\r\n\r\n",
		"large body":            "HTTP/1.1 500 Oops\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1_000_000),
		"an answer too many":    okAnswer + okAnswer,
		"a 204 with a body":     "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc",
		"close, but stays open": "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			hungUp := make(chan struct{})
			srv := receiveRaw(t, func(s *rawServer, c net.Conn) {
				defer close(hungUp)
				if s.read(bufio.NewReader(c)) == nil {
					io.WriteString(c, answer)
					io.Copy(io.Discard, c)
				}
			})
			s := newSender(t)
			r := newRequest(t, srv.URL)
			r.Timeout = tiny
			send(t, s, r)
			s.Close()
			select {
			case <-hungUp:
			case <-time.After(5 * time.Second):
				t.Error("the connection stays open")
			}
		})
	}
}
