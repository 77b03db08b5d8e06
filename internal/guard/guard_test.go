package guard

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve runs the real server around a face.
func serve(t *testing.T, face http.HandlerFunc, change func(*http.Server)) (addr string) {
	t.Helper()
	server := Server(face, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if change != nil {
		change(server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-done
	})
	return l.Addr().String()
}

// send writes bytes and returns what comes back until the server hangs up.
func send(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(conn, request) }() // the server may hang up in the middle
	got, err := io.ReadAll(bufio.NewReader(conn))
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("after %q: %v", got, err)
	}
	return string(got)
}

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func TestEveryAnswerHasTheHeaders(t *testing.T) {
	want := map[string]string{
		"Content-Security-Policy": policyJSON, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		"Cache-Control": "no-store",
	}
	for name, change := range map[string]func(*http.Request){
		"an answer of the face": func(*http.Request) {},
		"a refusal":             func(r *http.Request) { r.Method, r.Header = "POST", http.Header{"Origin": {"https://evil.example"}} },
	} {
		r := httptest.NewRequest("GET", "/", nil)
		change(r)
		w := httptest.NewRecorder()
		Handler(http.HandlerFunc(ok)).ServeHTTP(w, r)
		for header, value := range want {
			if got := w.Header().Get(header); got != value {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		if got, there := w.Header()["Strict-Transport-Security"]; there {
			t.Errorf("%s: %v without TLS", name, got)
		}
	}
}

func TestStrictTransportOnlyBehindTLS(t *testing.T) {
	for proto, want := range map[string]string{"https": "max-age=31536000", "HTTPS": "max-age=31536000", "http": "", "": ""} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Forwarded-Proto", proto)
		w := httptest.NewRecorder()
		Handler(http.HandlerFunc(ok)).ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security"); got != want {
			t.Errorf("%q: %q", proto, got)
		}
	}
	w := httptest.NewRecorder()
	Handler(http.HandlerFunc(ok)).ServeHTTP(w, httptest.NewRequest("GET", "https://x/", nil)) // httptest sets r.TLS
	if w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("not over TLS")
	}
}

func TestAPageMayLoadItsOwn(t *testing.T) {
	w := httptest.NewRecorder()
	Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { Page(w.Header()) })).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "script-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Error(policy)
	}
}

// TestOtherOriginsCannotPost: what a browser was made to send by another site
// does not reach a face, and what a program sends does.
func TestOtherOriginsCannotPost(t *testing.T) {
	addr := serve(t, ok, nil)
	for _, c := range []struct {
		name, method string
		headers      string
		status       string
	}{
		{"a program", "POST", "", "204"},
		{"the console's own page", "POST", "Sec-Fetch-Site: same-origin\r\n", "204"},
		{"the console's own page, old browser", "POST", "Origin: http://" + addr + "\r\n", "204"},
		{"typed into the browser", "GET", "Sec-Fetch-Site: none\r\n", "204"},
		{"a link from elsewhere", "GET", "Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n", "204"},
		{"another site's form", "POST", "Sec-Fetch-Site: cross-site\r\n", "403"},
		{"another name of the same site", "POST", "Sec-Fetch-Site: same-site\r\n", "403"},
		{"another site, old browser", "POST", "Origin: https://evil.example\r\n", "403"},
		{"a sandboxed frame", "POST", "Origin: null\r\n", "403"},
		{"the same host on another port", "DELETE", "Origin: http://127.0.0.1:1\r\n", "403"},
		{"another site's script", "PUT", "Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n", "403"},
	} {
		got := send(t, addr, c.method+" /console/x HTTP/1.1\r\nHost: "+addr+"\r\n"+c.headers+"Connection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status) && !strings.HasPrefix(got, "HTTP/1.0 "+c.status) {
			t.Errorf("%s: %s", c.name, got)
		}
		if c.status == "403" {
			wantProblem(t, c.name, got, "cross_origin")
		}
	}
}

func wantProblem(t *testing.T, name, answer, code string) {
	t.Helper()
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Code != code || p.Type != "about:blank" || p.Title == "" || p.Detail == "" ||
		!strings.Contains(head, "application/problem+json") || !strings.HasPrefix(head, "HTTP/1.1 ") || p.Status < 400 {
		t.Errorf("%s: want the problem %s: %v %s", name, code, err, answer)
	}
}

func TestLineAndHeaders(t *testing.T) {
	addr := serve(t, ok, nil)
	const host = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	for _, c := range []struct{ name, request, status, code string }{
		{"as many headers as may be", "GET /" + host + strings.Repeat("A: b\r\n", MaxHeaders-1) + "\r\n", "204", ""}, // Host is none of r.Header
		{"one header too many", "GET /" + host + strings.Repeat("A: b\r\n", MaxHeaders) + "\r\n", "431", "too_many_headers"},
		{"headers too large", "GET /" + host + "A: " + strings.Repeat("b", MaxHeaderBytes+8<<10) + "\r\n\r\n", "431", ""},
		{"the longest query", "GET /?" + strings.Repeat("q", MaxURL-1) + host + "\r\n", "204", ""},
		{"a query too long", "GET /?" + strings.Repeat("q", MaxURL) + host + "\r\n", "414", "url_too_long"},
		{"a path too long", "GET /" + strings.Repeat("q", MaxURL) + host + "\r\n", "414", "url_too_long"},
		{"NUL in the path", "GET /a%00b" + host + "\r\n", "400", "malformed_path"},
		{"a line break in the path", "GET /a%0d%0aX:y" + host + "\r\n", "400", "malformed_path"},
		{"a path that is not UTF-8", "GET /a%ffb" + host + "\r\n", "400", "malformed_path"},
		{"a raw NUL in the line", "GET /a\x00b" + host + "\r\n", "400", ""},
		{"a NUL in a header", "GET /" + host + "A: b\x00c\r\n\r\n", "400", ""},
		{"no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400", ""},
		{"two hosts", "GET /" + host + "Host: y\r\n\r\n", "400", ""},
		{"a host that is none", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", "400", ""},
		{"the absolute form", "GET http://other.example/x" + host + "\r\n", "204", ""}, // RFC 9112, section 3.2.2
		{"all of the server", "OPTIONS *" + host + "\r\n", "204", ""},                  // the face answers, not net/http
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "204", ""},
		{"HTTP/3.0", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505", ""},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", "http_version"},
		{"no version", "GET /\r\n\r\n", "400", ""},
		{"a space before the colon", "GET /" + host + "A : b\r\n\r\n", "400", ""},
		{"a folded header", "GET /" + host + "A: b\r\n c\r\n\r\n", "204", ""}, // read as a space, RFC 9112, section 5.2
		{"an expectation that is none", "GET /" + host + "Expect: tea\r\n\r\n", "417", ""},
		{"TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", "400", ""},
	} {
		got := send(t, addr, c.request)
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status) && !strings.HasPrefix(got, "HTTP/1.0 "+c.status) {
			t.Errorf("%s: want %s: %.300s", c.name, c.status, got)
		}
		if c.code != "" {
			wantProblem(t, c.name, got, c.code)
		}
	}
}

// TestFraming: a request's end is either clear or the request is refused, and
// nothing behind an unclear end is taken for a second request.
func TestFraming(t *testing.T) {
	var bodies []string
	came := make(chan string, 10)
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			came <- "broken"
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		came <- string(b)
		w.WriteHeader(http.StatusNoContent)
	}, nil)
	const chunk, second = "5\r\nhello\r\n0\r\n\r\n", "GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for _, c := range []struct{ name, headers, body, status, read string }{
		{"a length", "Content-Length: 5\r\nConnection: close", "hello", "204", "hello"},
		{"chunks", "Transfer-Encoding: chunked", chunk, "204", "hello"},
		{"both: chunks count, and the connection ends", "Content-Length: 3\r\nTransfer-Encoding: chunked", chunk + second, "204", "hello"},
		{"the same length twice", "Content-Length: 5\r\nContent-Length: 5\r\nConnection: close", "hello", "204", "hello"}, // RFC 9112, section 6.3
		{"two lengths", "Content-Length: 5\r\nContent-Length: 6", "hello!" + second, "400", ""},
		{"a list of lengths", "Content-Length: 5, 6", "hello!" + second, "400", ""},
		{"a signed length", "Content-Length: +5", "hello" + second, "400", ""},
		{"a length below zero", "Content-Length: -5", "hello" + second, "400", ""},
		{"a length with letters", "Content-Length: 0x5", "hello" + second, "400", ""},
		{"a length beyond 64 bits", "Content-Length: 99999999999999999999", "hello" + second, "400", ""},
		{"twice chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", chunk + second, "501", ""},
		{"twice chunked in one", "Transfer-Encoding: chunked, chunked", chunk + second, "501", ""},
		{"identity, chunked", "Transfer-Encoding: identity, chunked", chunk + second, "501", ""},
		{"identity", "Transfer-Encoding: identity", "hello" + second, "501", ""},
		{"gzip", "Transfer-Encoding: gzip, chunked", chunk + second, "501", ""},
		{"chunked in odd letters", "Transfer-Encoding: xchunked", chunk + second, "501", ""},
		{"chunked behind a tab", "Transfer-Encoding:\tchunked", chunk, "204", "hello"},
		{"chunked and a vertical tab", "Transfer-Encoding: \vchunked", chunk + second, "400", ""},
		{"a space before the colon", "Transfer-Encoding : chunked", chunk + second, "400", ""},
		{"folded", "Transfer-Encoding:\r\n chunked", chunk, "204", "hello"},
		{"chunk extensions", "Transfer-Encoding: chunked", "5;a=b\r\nhello\r\n0;c\r\n\r\n", "204", "hello"},
		{"endless chunk extensions", "Transfer-Encoding: chunked", "5;a=" + strings.Repeat("b", 8<<10) + "\r\nhello\r\n0\r\n\r\n", "400", "broken"},
		{"chunks of one byte with long extensions", "Transfer-Encoding: chunked", strings.Repeat("1;"+strings.Repeat("e", 2<<10)+"\r\nx\r\n", 100) + "0\r\n\r\n", "400", "broken"},
		{"a trailer", "Transfer-Encoding: chunked\r\nTrailer: A", "5\r\nhello\r\n0\r\nA: b\r\n\r\n", "204", "hello"},
		{"an endless trailer", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n" + strings.Repeat("A: "+strings.Repeat("b", 100)+"\r\n", 10_000) + "\r\n", "400", "broken"},
		{"a chunk's size that is none", "Transfer-Encoding: chunked", "5g\r\nhello\r\n0\r\n\r\n", "400", "broken"},
		{"a chunk's size beyond 64 bits", "Transfer-Encoding: chunked", "fffffffffffffffff\r\nhello\r\n0\r\n\r\n", "400", "broken"},
		{"a chunk longer than it says", "Transfer-Encoding: chunked", "4\r\nhello\r\n0\r\n\r\n", "400", "broken"},
		{"a bare line feed in the chunks", "Transfer-Encoding: chunked", "5\nhello\n0\n\n", "400", "broken"},
	} {
		got := send(t, addr, "POST /first HTTP/1.1\r\nHost: x\r\n"+c.headers+"\r\n\r\n"+c.body)
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status) || strings.Count(got, "HTTP/1.1 ") != 1 {
			t.Errorf("%s: want one %s: %.300s", c.name, c.status, got)
		}
		bodies = bodies[:0]
		for len(came) > 0 {
			bodies = append(bodies, <-came)
		}
		if read := strings.Join(bodies, "|"); read != c.read {
			t.Errorf("%s: the face read %q", c.name, read)
		}
	}
	got := send(t, addr, "POST /first HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"+chunk+second)
	if strings.Count(got, "HTTP/1.") != 1 || <-came != "" {
		t.Errorf("chunks in HTTP/1.0: %s", got)
	}
	got = send(t, addr, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\naPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nb")
	if strings.Count(got, "HTTP/1.1 204") != 2 || <-came+<-came != "ab" {
		t.Errorf("two requests in one write: %s", got)
	}
}

// TestSlowCallersAreCutOff with the times of the real server, made short.
func TestSlowCallersAreCutOff(t *testing.T) {
	real := Server(nil, slog.Default())
	if real.ReadHeaderTimeout != 10*time.Second || real.ReadTimeout != time.Minute || real.WriteTimeout != 2*time.Minute || real.IdleTimeout != 2*time.Minute {
		t.Errorf("%+v", real)
	}
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}, func(s *http.Server) {
		// A busy machine has read by then what was sent.
		s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout = 2*time.Second, 3*time.Second, 2*time.Second
	})
	for name, c := range map[string]struct{ request, want string }{
		"headers that do not end":   {"GET / HTTP/1.1\r\nHost: x\r\nA: ", ""},
		"nothing at all":            {"", ""},
		"a body that does not come": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel", "HTTP/1.1 408"},
		"chunks that do not end":    {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "HTTP/1.1 408"},
		"an idle connection":        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := send(t, addr, c.request); !strings.HasPrefix(got, c.want) || (c.want == "" && got != "") {
				t.Errorf("got %q", got)
			}
		})
	}
}
