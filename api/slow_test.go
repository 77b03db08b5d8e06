package api

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/guard"
)

// TestASlowBody on the real server, whose time for a request is made short.
func TestASlowBody(t *testing.T) {
	h := newHouse(t, 0)
	server := guard.Server(h.handler, slog.New(slog.DiscardHandler))
	server.ReadTimeout = 2 * time.Second // a busy machine has read the headers by then
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		must(t, server.Close())
		<-done
	})
	line := `{"_id":"1","updatedAt":"2025-06-15T18:00:00Z"}` + "\n"
	for name, request := range map[string]string{
		"a length": "POST /v1/events HTTP/1.1\r\nContent-Length: 100\r\n<head>\r\n{",
		"chunks":   "POST /v1/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n<head>\r\n1\r\n{\r\n",
		"records":  "PUT /v1/records/ingressos?client_id=acme HTTP/1.1\r\nContent-Length: 9999\r\n<head>\r\n" + line + line,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", l.Addr().String())
			must(t, err)
			_, err = io.WriteString(conn, strings.Replace(request, "<head>", "Host: x\r\nAuthorization: Bearer "+testKey+"\r\n", 1))
			must(t, err)
			got, err := io.ReadAll(conn)
			must(t, err)
			must(t, conn.Close())
			if !strings.HasPrefix(string(got), "HTTP/1.1 408") || !strings.Contains(string(got), `"code":"slow_body"`) {
				t.Errorf("%s", got)
			}
			if name == "records" && !strings.Contains(string(got), `"next_line":3`) {
				t.Errorf("what was kept is not told: %s", got)
			}
		})
	}
}
