package sender

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
	"github.com/google/go-cmp/cmp"
)

const received = `{"status":"received"}`

// What an answer's body means, by what the subscription says about it.
func TestBodyRules(t *testing.T) {
	html := "<!doctype html><title>Welcome</title>"
	big := strings.Repeat(" ", webhook.MaxStoredBody) + received
	for _, tc := range []struct {
		name, got string
		ack       string // ack.body
		expect    string // of an export page
		require   bool
		code      webhook.ErrorCode
		says      string
		warn      []string
	}{
		{name: "nothing expected", got: html},
		{name: "export, as expected", got: received, expect: received},
		{name: "export, other spacing", got: " { \"status\" :\n\"received\" } \n", expect: received},
		{name: "export, a page of HTML", got: html, expect: received, warn: []string{webhook.WarningUnexpectedBody}},
		{name: "export, empty", got: "", expect: received, warn: []string{webhook.WarningUnexpectedBody}},
		{name: "export, more after it", got: received + received, expect: received, warn: []string{webhook.WarningUnexpectedBody}},
		{name: "export, too long", got: big, expect: received, warn: []string{webhook.WarningUnexpectedBody}},
		{name: "ack.body goes before the export's", got: `"ok"`, ack: `"ok"`, expect: received},
		{name: "ack.body, another", got: received, ack: `"ok"`, expect: received, warn: []string{webhook.WarningUnexpectedBody}},
		{name: "key order", got: `{"b":[1,2],"a":{"x":null}}`, ack: `{"a":{"x":null},"b":[1,2]}`, require: true},
		{name: "list order", got: `[2,1]`, ack: `[1,2]`, require: true, code: webhook.ErrorStatus, says: "200 OK, which acknowledges, but its body"},
		{name: "long numbers are not rounded", got: `12345678901234567891`, ack: `12345678901234567890`, require: true, code: webhook.ErrorStatus},
		{name: "not JSON, the same bytes", got: "OK", ack: "OK", require: true},
		{name: "not JSON, other bytes", got: "OK\n", ack: "OK", require: true, code: webhook.ErrorStatus},
		{name: "required and a page of HTML", got: html, ack: received, require: true, code: webhook.ErrorStatus, says: "require_body"},
		{name: "required and too large", got: big, ack: received, require: true, code: webhook.ErrorBodyTooLarge, says: "too large"},
		{name: "required, the export's", got: "no", expect: received, require: true, code: webhook.ErrorStatus},
		{name: "required, but nothing named", got: html, require: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := receive(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, tc.got) })
			r := newRequest(t, srv.URL)
			r.Ack.Body, r.Ack.RequireBody, r.ExpectBody = []byte(tc.ack), tc.require, []byte(tc.expect)
			a := send(t, newSender(t), r)
			wantCode(t, a, tc.code, tc.says)
			if diff := cmp.Diff(append([]string{}, tc.warn...), a.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			kept := tc.got[:min(len(tc.got), webhook.MaxStoredBody)]
			if string(a.ResponseBody) != kept || a.ResponseTruncated != (len(tc.got) > webhook.MaxStoredBody) {
				t.Errorf("kept %d bytes of %d, truncated %v", len(a.ResponseBody), len(tc.got), a.ResponseTruncated)
			}
		})
	}
}

// A body rule never rescues or changes the verdict of a status.
func TestBodyDoesNotRescueAStatus(t *testing.T) {
	srv := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, received)
	})
	for _, require := range []bool{false, true} {
		r := newRequest(t, srv.URL)
		r.Ack.Body, r.Ack.RequireBody = []byte(received), require
		a := send(t, newSender(t), r)
		wantCode(t, a, webhook.ErrorStatus, "500")
		if len(a.Warnings) != 0 || string(a.ResponseBody) != received {
			t.Errorf("warnings %q, body %q", a.Warnings, a.ResponseBody)
		}
	}
}

// The last byte that is kept, and the first that is not; what is drained so
// that the connection lives, and what is not.
func TestBodyLimits(t *testing.T) {
	for _, tc := range []struct {
		size             int
		truncated, keeps bool
	}{
		{webhook.MaxStoredBody - 1, false, true},
		{webhook.MaxStoredBody, false, true},
		{webhook.MaxStoredBody + 1, true, true},
		{webhook.MaxStoredBody + drainLimit/2, true, true},
		{webhook.MaxStoredBody + 4*drainLimit, true, false},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, chunked %v", tc.size, chunked), func(t *testing.T) {
				srv := receive(t, func(w http.ResponseWriter, _ *http.Request) {
					if chunked {
						w.(http.Flusher).Flush()
					}
					w.Write(bytes.Repeat([]byte("x"), tc.size))
				})
				s := newSender(t)
				a := send(t, s, newRequest(t, srv.URL))
				wantCode(t, a, webhook.ErrorNone, "")
				if a.ResponseTruncated != tc.truncated || len(a.ResponseBody) != min(tc.size, webhook.MaxStoredBody) || len(a.Warnings) != 0 {
					t.Errorf("kept %d, truncated %v, warnings %q", len(a.ResponseBody), a.ResponseTruncated, a.Warnings)
				}
				reused := send(t, s, newRequest(t, srv.URL)).Timing.Connect == nil
				if reused != tc.keeps {
					t.Errorf("connection reused = %v, want %v", reused, tc.keeps)
				}
			})
		}
	}
}

// An answer that was not asked to be compressed is kept as it came: nothing
// unpacks a bomb.
func TestCompressedBombStaysPacked(t *testing.T) {
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	z.Write(make([]byte, 8<<20))
	z.Close()
	srv := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	})
	a := send(t, newSender(t), newRequest(t, srv.URL))
	wantCode(t, a, webhook.ErrorNone, "")
	if want := bomb.Bytes()[:min(bomb.Len(), webhook.MaxStoredBody)]; !bytes.Equal(a.ResponseBody, want) {
		t.Errorf("kept %d bytes that are not the packed ones", len(a.ResponseBody))
	}
	if got := a.ResponseHeaders["Content-Encoding"]; !cmp.Equal(got, []string{"gzip"}) {
		t.Errorf("Content-Encoding = %q", got)
	}
}

// The pool's buffers are shared; what an attempt keeps is its own.
func TestBodiesAreNotShared(t *testing.T) {
	srv := receive(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) })
	s := newSender(t)
	first := send(t, s, newRequest(t, srv.URL+"/first"))
	for range 100 { // until the pool has handed the same buffer out again
		send(t, s, newRequest(t, srv.URL+"/other"))
	}
	if string(first.ResponseBody) != "/first" {
		t.Errorf("the first answer became %q", first.ResponseBody)
	}
}

func TestStoredResponseHeaders(t *testing.T) {
	srv := answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: session=c00kie\r\nSet-Cookie: b=2\r\n"+
		"WWW-Authenticate: Basic realm=x\r\nX-Echo: you sent k3y-value\r\nX-Bytes: a\xffb\u009bc\td\r\nX-Plain: olá\r\n\r\n")
	r := newRequest(t, srv.URL)
	r.Headers = map[string]string{"X-Key": "k3y-value", "X-Empty": ""}
	a := send(t, newSender(t), r)
	wantCode(t, a, webhook.ErrorNone, "")
	want := map[string][]string{
		"Content-Length": {"0"}, "Set-Cookie": {webhook.Redacted, webhook.Redacted}, "Www-Authenticate": {webhook.Redacted},
		"X-Echo": {webhook.Redacted}, "X-Bytes": {"a\ufffdb\ufffdc\td"}, "X-Plain": {"olá"},
	}
	if diff := cmp.Diff(want, a.ResponseHeaders); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// A receiver that shows its callers what they sent: the record has none of it.
func TestEchoedCredentialsAreNotKept(t *testing.T) {
	sub := webhook.Subscription{
		Headers: webhook.StaticHeaders{"X-Key": "k3y-of-the-header", "X-Short": "on"},
		Auth:    &webhook.Auth{Type: webhook.AuthBasic, Username: "acme", Password: webhook.Hide("pa55w0rd-pa55")},
	}
	bearer := webhook.Subscription{Auth: &webhook.Auth{Type: webhook.AuthBearer, Token: webhook.Hide("t0ken-t0ken-t0ken")}}
	srv := receive(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		w.Header().Set("X-Token", "you sent "+token)
		w.Header().Set("X-Password", "and "+password)
		fmt.Fprintf(w, "on %s: %s %s, %s:%s, %s", r.Header.Get("X-Short"), scheme, token, user, password, r.Header.Get("X-Key"))
	})
	for _, tc := range []struct {
		sub  *webhook.Subscription
		body string
	}{
		{&sub, "on on: [redacted], acme:[redacted], [redacted]"},
		{&bearer, "on : [redacted], :, "},
	} {
		r := newRequest(t, srv.URL)
		r.Headers = tc.sub.SentHeaders()
		a := send(t, newSender(t), r)
		wantCode(t, a, webhook.ErrorNone, "")
		if string(a.ResponseBody) != tc.body {
			t.Errorf("kept %q, want %q", a.ResponseBody, tc.body)
		}
		kept := fmt.Sprint(a.RequestHeaders, a.ResponseHeaders)
		for _, secret := range []string{"pa55w0rd", "t0ken", base64.StdEncoding.EncodeToString([]byte("acme:pa55w0rd-pa55")), "k3y"} {
			if strings.Contains(kept, secret) {
				t.Errorf("%s is kept in %s", secret, kept)
			}
		}
		if a.RequestHeaders["Authorization"] != webhook.Redacted {
			t.Errorf("Authorization is kept as %q", a.RequestHeaders["Authorization"])
		}
	}
}

func TestStoredResponseHeadersAreBounded(t *testing.T) {
	for name, h := range map[string]http.Header{
		"many":      func() http.Header { h := http.Header{}; fill(h, 500, 10); return h }(),
		"large":     func() http.Header { h := http.Header{}; fill(h, 30, 2000); return h }(),
		"one large": {"Y": {strings.Repeat("x", 20<<10)}, "Z": {"kept"}},
		"one name":  {"X": make([]string, 100)},
	} {
		got := storedResponseHeaders(h.Clone(), nil)
		size, count := 0, 0
		for name, values := range got {
			for _, v := range values {
				size += len(name) + len(v)
				count++
			}
		}
		if size > maxStoredHeaderBytes || count > maxStoredHeaders || count == 0 {
			t.Errorf("%s: kept %d headers of %d bytes", name, count, size)
		}
		if diff := cmp.Diff(got, storedResponseHeaders(h.Clone(), nil)); diff != "" {
			t.Errorf("%s: the same answer leaves two records:\n%s", name, diff)
		}
	}
}

func fill(h http.Header, count, size int) {
	for i := range count {
		h.Set(fmt.Sprintf("X-%03d", i), strings.Repeat("x", size))
	}
}
