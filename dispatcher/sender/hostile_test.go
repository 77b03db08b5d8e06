package sender

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
	"github.com/google/go-cmp/cmp"
)

// Answers that are no answer: what each does to the attempt. The receiver
// echoes the static header's value wherever it can; no message may repeat it.
func TestHostileAnswers(t *testing.T) {
	const key = "k3y-value"
	for _, tc := range []struct {
		name, answer string
		code         webhook.ErrorCode
		says         string
		status       int
	}{
		{"malformed status line", "HELLO " + key + "\r\n\r\n", webhook.ErrorProtocol, "could not be read as HTTP", 0},
		{"status that is no number", "HTTP/1.1 abc " + key + "\r\n\r\n", webhook.ErrorProtocol, "could not be read", 0},
		{"status of two digits", "HTTP/1.1 20 " + key + "\r\n\r\n", webhook.ErrorProtocol, "could not be read", 0},
		{"status 000", "HTTP/1.1 000 " + key + "\r\nContent-Length: 0\r\n\r\n", webhook.ErrorProtocol, "status 0", 0},
		{"status 099", "HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n", webhook.ErrorProtocol, "status 99", 99},
		{"status 600", "HTTP/1.1 600 x\r\nContent-Length: 0\r\n\r\n", webhook.ErrorProtocol, "status 600", 600},
		{"status 999", "HTTP/1.1 999 " + key + "\r\nContent-Length: 0\r\n\r\n", webhook.ErrorProtocol, "status 999", 999},
		{"switching protocols", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", webhook.ErrorProtocol, "another protocol", 101},
		{"switching to nothing", "HTTP/1.1 101 Switching Protocols\r\n\r\n", webhook.ErrorProtocol, "another protocol", 101},
		{"reason with a secret", "HTTP/1.1 503 " + key + "\r\nContent-Length: 0\r\n\r\n", webhook.ErrorStatus, "503 Service Unavailable", 503},
		{"malformed header", "HTTP/1.1 200 OK\r\n" + key + "\r\n\r\n", webhook.ErrorProtocol, "could not be read", 0},
		{"huge header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 80<<10) + "\r\n\r\n", webhook.ErrorProtocol, "64 KiB", 0},
		{"many headers", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: yyyyyyyyyy\r\n", 8<<10) + "\r\n", webhook.ErrorProtocol, "64 KiB", 0},
		{"informational flood", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 4<<10), webhook.ErrorProtocol, "64 KiB", 0},
		{"another protocol's greeting", "SSH-2.0-OpenSSH_9.9\r\n", webhook.ErrorProtocol, "could not be read", 0},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", webhook.ErrorProtocol, "could not be read", 0},
		{"the other protocol", "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\r\n\r\n", webhook.ErrorProtocol, "could not be read", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := answering(t, tc.answer)
			r := newRequest(t, srv.URL+"/?token=t0ken")
			r.Headers = map[string]string{"X-Key": key}
			a := send(t, newSender(t), r)
			wantCode(t, a, tc.code, tc.says)
			if a.Status != tc.status {
				t.Errorf("status = %d, want %d", a.Status, tc.status)
			}
			if strings.Contains(a.Error.Message, key) || strings.Contains(a.Error.Message, "t0ken") {
				t.Errorf("message %q repeats a secret", a.Error.Message)
			}
			if n, _ := srv.seen(); n != 1 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

// A few informational answers are in order.
func TestInformationalAnswersAreSkipped(t *testing.T) {
	srv := answering(t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	a := send(t, newSender(t), newRequest(t, srv.URL))
	wantCode(t, a, webhook.ErrorNone, "")
	if a.Status != 200 {
		t.Errorf("status = %d", a.Status)
	}
}

// A receiver that stays silent, at each point before the status line is read.
func TestSilentReceivers(t *testing.T) {
	for _, tc := range []struct{ name, answer, says string }{
		{"never answers", "", "did not answer"},
		{"half a status line", "HTTP/1.", "began an answer"},
		{"half the headers", "HTTP/1.1 200 OK\r\nX-Slow: ", "began an answer"},
		{"only informational ones", "HTTP/1.1 103 Early Hints\r\n\r\n", "began an answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRequest(t, answering(t, tc.answer).URL)
			r.Timeout = tiny
			a := send(t, newSender(t), r)
			wantCode(t, a, webhook.ErrorTimeout, tc.says)
			if !strings.Contains(a.Error.Message, "within 200ms") || a.Status != 0 || a.Duration < tiny {
				t.Errorf("status %d after %v: %q", a.Status, a.Duration, a.Error.Message)
			}
		})
	}
}

// A receiver that does not read: the request is larger than what the sockets hold.
func TestReceiverThatDoesNotRead(t *testing.T) {
	srv := receiveRaw(t, func(_ *rawServer, c net.Conn) {
		c.(*net.TCPConn).SetReadBuffer(4 << 10)
		c.Read(make([]byte, 1))
		<-t.Context().Done()
	})
	r := newRequest(t, srv.URL)
	r.Body = make([]byte, 16<<20)
	r.Timeout = tiny
	wantCode(t, send(t, newSender(t), r), webhook.ErrorTimeout, "did not read the whole request")
}

// A receiver that accepts and hangs up, before and after reading.
func TestReceiverThatHangsUp(t *testing.T) {
	for name, serve := range map[string]func(*rawServer, net.Conn){
		"after the request": func(s *rawServer, c net.Conn) { s.read(bufio.NewReader(c)) },
		"reset after the request": func(s *rawServer, c net.Conn) {
			s.read(bufio.NewReader(c))
			c.(*net.TCPConn).SetLinger(0)
		},
		"in the headers": func(s *rawServer, c net.Conn) {
			s.read(bufio.NewReader(c))
			io.WriteString(c, "HTTP/1.1 200 OK\r\nA: b")
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := receiveRaw(t, serve)
			a := send(t, newSender(t), newRequest(t, srv.URL))
			wantCode(t, a, webhook.ErrorProtocol, "connection broke before an answer")
			if requests, conns := srv.seen(); requests != 1 || conns != 1 {
				t.Errorf("%d requests on %d connections", requests, conns)
			}
		})
	}
}

// Once an acknowledging status line was read, nothing that the body does takes
// the acknowledgement back, unless the subscription requires a body.
func TestBodiesThatDoNotEnd(t *testing.T) {
	stalled := "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":"
	endless := func(s *rawServer, c net.Conn) {
		s.read(bufio.NewReader(c))
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
		for chunk := make([]byte, 4096); ; {
			if _, err := c.Write(chunk); err != nil {
				return
			}
		}
	}
	reset := func(s *rawServer, c net.Conn) {
		s.read(bufio.NewReader(c))
		io.WriteString(c, stalled)
		c.(*net.TCPConn).CloseWrite()
	}
	incomplete := []string{webhook.WarningBodyIncomplete}
	for _, tc := range []struct {
		name     string
		serve    func(*rawServer, net.Conn)
		require  webhook.ErrorCode // what the same answer means when a body is required
		says     string
		warnings []string
	}{
		{"stalled", func(s *rawServer, c net.Conn) {
			s.read(bufio.NewReader(c))
			io.WriteString(c, stalled)
			io.Copy(io.Discard, c)
		}, webhook.ErrorTimeout, "did not finish", incomplete},
		{"broken off", reset, webhook.ErrorProtocol, "required body", incomplete},
		{"malformed chunks", func(s *rawServer, c net.Conn) {
			s.read(bufio.NewReader(c))
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
		}, webhook.ErrorProtocol, "required body", incomplete},
		{"endless", endless, webhook.ErrorBodyTooLarge, "too large", []string{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := receiveRaw(t, tc.serve)
			s := newSender(t)
			r := newRequest(t, srv.URL)
			r.Timeout = tiny
			a := send(t, s, r)
			wantCode(t, a, webhook.ErrorNone, "")
			if diff := cmp.Diff(tc.warnings, a.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if a.Status != 200 || a.ResponseTruncated != (tc.name == "endless") {
				t.Errorf("status %d, truncated %v", a.Status, a.ResponseTruncated)
			}
			r.Ack.Body, r.Ack.RequireBody = []byte(received), true
			a = send(t, s, r)
			wantCode(t, a, tc.require, tc.says)
			if a.Status != 200 || len(a.Warnings) != 0 {
				t.Errorf("status %d, warnings %q", a.Status, a.Warnings)
			}
		})
	}
}
