package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Options of New. URL is needed.
type Options struct {
	URL       string // of the server, such as http://127.0.0.1:8080
	Key       string // the API key; "": none is sent
	UserAgent string
	// Waiting is told when a busy server is asked again after a while. nil: nobody.
	Waiting func(again time.Duration, why error)
}

// Client calls one server.
type Client struct {
	o    Options
	base string
	http *http.Client
	wait func(ctx context.Context, d time.Duration) error
}

// Limits of a call.
const (
	defaultTimeout = 60 * time.Second // above the server's own limits
	maxAnswer      = 256 << 20        // bytes; the receipt of 20,000 pages is the largest answer
	tries          = 4                // while the server is busy
	mostWait       = 15 * time.Second // between two of them
)

// New makes a client. It does not call yet.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.URL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.RawQuery != "" || base.User != nil {
		return nil, fmt.Errorf("%q is no address of a server; one looks like http://127.0.0.1:8080", o.URL)
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{}
	}
	return &Client{
		o: o, base: strings.TrimSuffix(o.URL, "/"), wait: pause,
		http: &http.Client{
			Transport: transport.Clone(),
			// A key goes where it was meant to go, and nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// URL is the server's address.
func (c *Client) URL() string { return c.base }

// Key is the key that is sent. It is for no output.
func (c *Client) Key() string { return c.o.Key }

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Request is one call. Method and Path are needed.
type Request struct {
	Method string
	Path   string // with its parts escaped; see [Path]
	Query  url.Values
	Body   any    // []byte as it is, anything else as JSON; nil: none
	Type   string // of Body; "": application/json
	Accept string
	Lang   string // Accept-Language
	// Keyed sends an Idempotency-Key, so that the call may be repeated: one
	// that creates something must not be without. Key is the key; "": a new one.
	Keyed   bool
	Key     string
	Once    bool          // a busy server is not asked again
	Timeout time.Duration // 0: a minute
}

// Answer is what the server said, 2xx.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Path fills ids into a path, each as one part of it: %s for each.
func Path(form string, ids ...string) string {
	parts := make([]any, len(ids))
	for i, id := range ids {
		parts[i] = url.PathEscape(id)
	}
	return fmt.Sprintf(form, parts...)
}

// Do makes a call. A server that is busy (429, 503) is asked again a few times
// where that does nothing twice. Every failure is an *Error, unless ctx ended.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	body, err := r.body()
	if err != nil {
		return nil, err
	}
	if r.Keyed && r.Key == "" {
		r.Key = uuid.NewString()
	}
	for n := 1; ; n++ {
		answer, err := c.try(ctx, r, body)
		var e *Error
		if err == nil || n == tries || !errors.As(err, &e) || e.RetryAfter == 0 || !r.repeatable() {
			return answer, err
		}
		again := min(e.RetryAfter, mostWait)
		if c.o.Waiting != nil {
			c.o.Waiting(again, err)
		}
		if err := c.wait(ctx, again); err != nil {
			return nil, err
		}
	}
}

// repeatable tells whether doing it twice is the same as once.
func (r Request) repeatable() bool { return !r.Once && (r.Method != http.MethodPost || r.Keyed) }

func (r Request) body() ([]byte, error) {
	switch b := r.Body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return b, nil
	case json.RawMessage:
		return b, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r.Body); err != nil {
		return nil, fmt.Errorf("write the request's body: %w", err)
	}
	return b.Bytes(), nil
}

func (c *Client) try(ctx context.Context, r Request, body []byte) (*Answer, error) {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := c.request(bounded, r, body)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, c.unreached(ctx, err)
	}
	if res.StatusCode/100 != 2 {
		return nil, c.refusal(res, text)
	}
	return &Answer{Status: res.StatusCode, Header: res.Header, Body: text}, nil
}

func (c *Client) request(ctx context.Context, r Request, body []byte) (*http.Request, error) {
	target := c.base + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s is no request: %w", r.Method, r.Path, err)
	}
	set := func(name, value string) {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if body != nil {
		set("Content-Type", "application/json")
		set("Content-Type", r.Type)
	}
	if c.o.Key != "" {
		set("Authorization", "Bearer "+c.o.Key)
	}
	set("User-Agent", c.o.UserAgent)
	set("Accept", r.Accept)
	set("Accept-Language", r.Lang)
	if r.Keyed {
		set("Idempotency-Key", r.Key)
	}
	return req, nil
}

// retryAfter is the wait that an answer asks for; 0: it does not help to ask again.
func retryAfter(res *http.Response) time.Duration {
	if res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		return time.Second
	}
	return time.Duration(seconds) * time.Second
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
