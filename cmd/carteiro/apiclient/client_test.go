package apiclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// serve starts a server and a client of it whose waits take no time.
func serve(t *testing.T, handle http.HandlerFunc) (c *Client, waits *[]time.Duration) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	c, err := New(Options{URL: server.URL + "/", Key: "k", UserAgent: "carteiro/test"})
	if err != nil {
		t.Fatal(err)
	}
	waits = &[]time.Duration{}
	c.wait = func(_ context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return nil
	}
	t.Cleanup(c.Close)
	return c, waits
}

func problem(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// TestABusyServerIsAskedAgain, with the same key, and only where that does
// nothing twice.
func TestABusyServerIsAskedAgain(t *testing.T) {
	var keys []string
	c, waits := serve(t, func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if len(keys) < 3 {
			w.Header().Set("Retry-After", "7")
			problem(w, 503, `{"detail":"No room.","code":"busy"}`)
			return
		}
		_, _ = io.WriteString(w, r.Header.Get("Authorization")+" "+r.Header.Get("User-Agent"))
	})
	answer, err := c.Do(t.Context(), Request{Method: "POST", Path: "/v1/events", Body: map[string]int{"a": 1}, Keyed: true})
	if err != nil || string(answer.Body) != "Bearer k carteiro/test" {
		t.Fatalf("%v %v", answer, err)
	}
	if len(keys) != 3 || keys[0] == "" || keys[0] != keys[1] || keys[1] != keys[2] || len(*waits) != 2 || (*waits)[0] != 7*time.Second {
		t.Errorf("keys %q, waits %v", keys, *waits)
	}
	for name, r := range map[string]Request{"not keyed": {Method: "POST", Path: "/"}, "once": {Method: "GET", Path: "/", Once: true}} {
		keys = nil
		if _, err := c.Do(t.Context(), r); !Is(err, Unavailable) || len(keys) != 1 {
			t.Errorf("%s: %v after %d calls", name, err, len(keys))
		}
	}
}

func TestErrorsSayWhatAndWhereAndWhatNext(t *testing.T) {
	for _, tc := range []struct {
		status int
		body   string
		kind   Kind
		says   string
	}{
		{404, `{"detail":"There is no client \"x\"."}`, NotFound, `There is no client "x".`},
		{422, `{"detail":"2 fields are not valid.","errors":[{"path":"/url","message":"must be https"},{"path":"limit","message":"is no number"}]}`, Invalid, "2 fields are not valid.\n  /url: must be https\n  limit: is no number"},
		{409, `{"detail":"It has ended."}`, Invalid, "It has ended."},
		{403, `{"detail":"The role viewer may not."}`, Refused, "The role viewer may not."},
		{401, `{"detail":"A key is needed."}`, Refused, "A key is needed.\n" + nextKey},
		{500, `{"detail":"Our fault.","request_id":"req_1"}`, Failed, "Our fault. request_id req_1."},
		{502, `<html>`, Unavailable, "502 Bad Gateway, and no problem of Carteiro's.\n" + nextNoAPI},
		{302, ``, Failed, "points to http://elsewhere.example/; a key is not sent on.\n" + nextNoAPI},
	} {
		c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.example/")
			problem(w, tc.status, tc.body)
		})
		_, err := c.Do(t.Context(), Request{Method: "GET", Path: "/v1/x", Once: true})
		if !Is(err, tc.kind) || !strings.HasSuffix(err.Error(), tc.says) {
			t.Errorf("%d: %v; want %q", tc.status, err, tc.says)
		}
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	})
	if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/"}); !Is(err, Unavailable) || !strings.Contains(err.Error(), "ended the connection") {
		t.Errorf("%v", err)
	}
	if _, err := c.Do(t.Context(), Request{Method: "GET", Path: "/slow", Timeout: time.Millisecond}); !Is(err, Unavailable) || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("%v", err)
	}
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(interrupted, Request{Method: "GET", Path: "/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for _, base := range []string{"", "localhost:8080", "ftp://x", "http://", "http://user:secret@host", "http://host?x=1"} {
		if _, err := New(Options{URL: base}); err == nil {
			t.Errorf("%q is taken for an address", base)
		}
	}
}

// TestListsComeWhole: page by page, no more than is wanted.
func TestListsComeWhole(t *testing.T) {
	var asked []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, q.Get("limit")+" "+q.Get("cursor")+" "+q.Get("state"))
		next := "null"
		if n := len(asked); n < 3 {
			next = fmt.Sprintf("%q", fmt.Sprint("c", n))
		}
		var limit int
		_, _ = fmt.Sscan(q.Get("limit"), &limit)
		_, _ = io.WriteString(w, `{"data":[`+strings.TrimSuffix(strings.Repeat("{},", limit), ",")+`],"next_cursor":`+next+`}`)
	})
	for _, tc := range []struct {
		most, got int
		more      bool
		asked     string
	}{
		{0, 1500, false, "500  failed|500 c1 failed|500 c2 failed"},
		{700, 700, true, "500  failed|200 c1 failed"},
		{3, 3, true, "3  failed"},
	} {
		asked = nil
		got := 0
		more, err := c.List(t.Context(), "/v1/deliveries", map[string][]string{"state": {"failed"}}, tc.most, func(p Page) error {
			got += len(p.Data)
			return nil
		})
		if err != nil || got != tc.got || more != tc.more || strings.Join(asked, "|") != tc.asked {
			t.Errorf("%d: got %d, more %v, asked %q, %v", tc.most, got, more, asked, err)
		}
	}
}

func TestPathsAndBodies(t *testing.T) {
	var path, body string
	c, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		path, body = r.RequestURI, string(raw)
	})
	for _, b := range []any{[]byte(`{ "a":"<" }`), json.RawMessage(`{ "a":"<" }`)} {
		if _, err := c.Do(t.Context(), Request{Method: "PUT", Path: Path("/v1/clients/%s/secret", "a/b c?"), Body: b}); err != nil {
			t.Fatal(err)
		}
		if path != "/v1/clients/a%2Fb%20c%3F/secret" || body != `{ "a":"<" }` {
			t.Errorf("%s %s", path, body)
		}
	}
	if _, err := c.Do(t.Context(), Request{Method: "PUT", Path: "/", Body: map[string]string{"a": "<é&"}}); err != nil || body != "{\"a\":\"<é&\"}\n" {
		t.Errorf("%q %v", body, err)
	}
}
