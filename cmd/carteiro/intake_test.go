package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/guard"
)

// raw sends bytes to the program and returns all that comes back until it
// hangs up.
func (p *process) raw(request string) string {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		p.t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(conn, request) }() // it may hang up in the middle
	got, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		p.t.Fatalf("%.200q: after %.200q: %v", request, got, err)
	}
	return string(got)
}

// head is the head of a request with the key.
func (p *process) head(line string, more ...string) string {
	return line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + p.key + "\r\n" + strings.Join(more, "") + "\r\n"
}

func (p *process) posted(path, body string) string {
	return p.head("POST "+path, fmt.Sprintf("Content-Length: %d\r\n", len(body))) + body
}

// intakeCase is a request on a real connection, and the problem that answers it.
type intakeCase struct{ name, request, status, code string }

// intakeCases are what callers send by mistake or out of malice.
func intakeCases(p *process) []intakeCase {
	put := func(slug string) { p.call("PUT", "/v1/event-types/"+slug, `{"name":"Any","envelope":"none"}`, nil) }
	put("any")
	event := func(data string) string { return `{"type":"any","client_id":"acme","data":` + data + `}` }
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	events := func(n int) string {
		return `{"events":[` + strings.TrimSuffix(strings.Repeat(event("1")+",", n), ",") + `]}`
	}
	fill := func(size int) string { return event(`"` + strings.Repeat("x", size-len(event(`""`))) + `"`) }
	return []intakeCase{
		{"an event", p.posted("/v1/events", event("1")), "202", ""},
		{"the largest body", p.posted("/v1/events", fill(guard.MaxBody)), "202", ""},
		{"a body too large", p.posted("/v1/events", fill(guard.MaxBody+1)), "413", "body_too_large"},
		{"chunks too large", p.head("POST /v1/events", "Transfer-Encoding: chunked\r\n") + fmt.Sprintf("%x\r\n", guard.MaxBody+1) + fill(guard.MaxBody+1) + "\r\n0\r\n\r\n", "413", "body_too_large"},
		{"too large, and asks first", p.head("POST /v1/events", "Expect: 100-continue\r\nContent-Length: 999999999\r\n"), "413", "body_too_large"},
		{"without a key, and asks first", "POST /v1/events HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", "401", "unauthorized"},
		{"the deepest", p.posted("/v1/events", event(nested(guard.MaxDepth-1))), "202", ""},
		{"too deep", p.posted("/v1/events", event(nested(guard.MaxDepth))), "422", "invalid_request"},
		{"very deep", p.posted("/v1/events", event(nested(400_000))), "422", "invalid_request"},
		{"very deep and open", p.posted("/v1/events", strings.Repeat("[", 1_000_000)), "422", "invalid_request"},
		{"the largest batch", p.posted("/v1/events/batch", events(guard.MaxEvents)), "202", ""},
		{"a batch too large", p.posted("/v1/events/batch", events(guard.MaxEvents+1)), "422", "invalid_request"},
		{"a name twice", p.posted("/v1/events", `{"type":"any","type":"any","client_id":"acme","data":1}`), "422", "invalid_request"},
		{"a name twice, one of them in escapes", p.posted("/v1/events", event(`{"a":1,"\u0061":2}`)), "422", "invalid_request"},
		{"a number beyond all types", p.posted("/v1/events", event("1e999")), "202", ""}, // it is not read, only sent on
		{"a limit beyond all types", p.posted("/v1/subscriptions", `{"client_id":"a","url":"http://127.0.0.1:9","event_types":["*"],"rate_limit":1e999}`), "422", "invalid_request"},
		{"no number", p.posted("/v1/events", event("NaN")), "400", "malformed_json"},
		{"a byte order mark", p.posted("/v1/events", "\ufeff"+event("1")), "400", "malformed_json"},
		{"UTF-16", p.posted("/v1/events", "\xff\xfe{\x00}\x00"), "400", "malformed_json"},
		{"not UTF-8", p.posted("/v1/events", event("\"\xff\"")), "400", "malformed_json"},
		{"half of a pair", p.posted("/v1/events", `{"type":"\ud800","client_id":"acme","data":1}`), "422", "invalid_request"},
		{"a NUL in a text", p.posted("/v1/events", `{"type":"any","client_id":"a\u0000b","data":1}`), "422", "invalid_request"},
		{"a raw NUL", p.posted("/v1/events", event("\"a\x00b\"")), "400", "malformed_json"},
		{"nothing", p.posted("/v1/events", ""), "400", "malformed_json"},
		{"compressed", p.head("POST /v1/events", "Content-Encoding: gzip\r\nContent-Length: 3\r\n") + "\x1f\x8b\x08", "415", "unsupported_content_encoding"},
		{"a body cut off by its chunks", p.head("POST /v1/events", "Transfer-Encoding: chunked\r\n") + "5\r\n{}\r\n0\r\n\r\n", "400", "incomplete_body"},
		{"a path with a NUL", p.head("GET /v1/clients/a%00b"), "400", "malformed_path"},
		{"a long query", p.head("GET /v1/events?type=" + strings.Repeat("a", guard.MaxURL)), "414", "url_too_long"},
		{"a query with a NUL", p.head("GET /v1/events?client_id=%00"), "422", "invalid_request"},
		{"a query that is broken", p.head("GET /v1/events?client_id=%zz"), "400", "malformed_query"},
		{"many headers", p.head("GET /v1/events", strings.Repeat("A: b\r\n", guard.MaxHeaders)), "431", "too_many_headers"},
		{"a long key", p.head("POST /v1/events", "Idempotency-Key: "+strings.Repeat("k", guard.MaxIdempotencyKey+1)+"\r\nContent-Length: 2\r\n") + "{}", "422", "invalid_request"},
		{"two keys", "GET /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + p.key + "\r\nAuthorization: Bearer " + p.key + "\r\n\r\n", "401", "unauthorized"},
		{"another site's page", p.head("POST /v1/events", "Origin: https://evil.example\r\nContent-Length: 2\r\n") + "{}", "403", "cross_origin"},
		{"an absolute form of another host", p.head("GET http://evil.example/v1/stats"), "200", ""}, // no answer depends on it
		{"a method that nobody knows", p.head("BREW /v1/events"), "405", "method_not_allowed"},
		{"a tunnel", "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "401", "unauthorized"},
		{"the server's options", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "401", "unauthorized"},
		{"HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n", "200", ""},
		{"dots in the path", p.head("GET /v1/../v1/clients"), "404", "not_found"},
	}
}

// TestIntakeOnARealConnection: what is wrong gets a clear answer of the 4xx, in
// the form of a problem, and the program lives on.
func TestIntakeOnARealConnection(t *testing.T) {
	p := start(t, t.TempDir(), []string{"CARTEIRO_LOG_LEVEL=debug"}, "serve")
	for _, c := range intakeCases(p) {
		began := time.Now()
		got := p.raw(c.request)
		if d := time.Since(began); d > guard.ReadTimeout/2 {
			t.Errorf("%s: the connection was held for %s", c.name, d)
		}
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status) && !strings.HasPrefix(got, "HTTP/1.0 "+c.status) {
			t.Errorf("%s: want %s: %.400s", c.name, c.status, got)
			continue
		}
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		if !strings.Contains(head, "X-Content-Type-Options: nosniff") || !strings.Contains(head, "Content-Security-Policy: default-src 'none'") || !strings.Contains(head, "Cache-Control: no-store") {
			t.Errorf("%s: headers are missing: %s", c.name, head)
		}
		var problem struct{ Code string }
		if err := json.Unmarshal([]byte(body), &problem); err != nil && c.code != "" || problem.Code != c.code {
			t.Errorf("%s: want %s: %v %.400s", c.name, c.code, err, body)
		}
	}
	if code := p.call("GET", "/healthz", "", nil); code != 200 {
		t.Errorf("afterwards it answers %d", code)
	}
	if log := p.logged(); strings.Contains(log, "panic") || strings.Contains(log, "fault of ours") {
		t.Errorf("a fault is in the log:\n%s", log)
	}
}
