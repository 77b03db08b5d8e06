package apiclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// Kind is the family of an error; a program's exit code follows from it.
type Kind int

// The families of errors.
const (
	Failed      Kind = iota // the server is at fault, or speaks another language
	NotFound                // there is no such thing
	Refused                 // no key, an unknown one, or one that may not do this
	Invalid                 // the request is wrong, or does not go with the state of the thing
	Unavailable             // nobody answers, or the server has no time
)

// Error is a call that did not do what was asked.
type Error struct {
	Kind       Kind
	Status     int    // of the answer; 0: there was none
	Code       string // the problem's, for programs
	Detail     string // what happened
	Faults     []Fault
	Next       string        // what to do; "": Detail says it
	RetryAfter time.Duration // when to ask again; 0: it does not help
	Body       []byte        // of the answer; nil: there was none
}

// Fault is one wrong field.
type Fault struct {
	Path    string `json:"path"` // a JSON pointer into the body, or a parameter's name
	Message string `json:"message"`
}

// Error tells all, over several lines where there are faults.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Detail)
	for _, f := range e.Faults {
		b.WriteString("\n  " + f.Path + ": " + f.Message)
	}
	if e.Next != "" {
		b.WriteString("\n" + e.Next)
	}
	return b.String()
}

// Is tells whether an error is of a family.
func Is(err error, k Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}

// What to do about errors whose detail cannot know it: it does not know the
// command line.
const (
	nextKey   = "Set CARTEIRO_API_KEY, or name a file that holds the key with --api-key-file. Beside the server, its data directory has an admin's key in admin.key."
	nextURL   = "Is it running? \"carteiro serve\" starts a server; --api-url or CARTEIRO_API_URL names another address."
	nextNoAPI = "Does --api-url or CARTEIRO_API_URL name a Carteiro?"
)

// unreached is a call that got no answer.
func (c *Client) unreached(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err() // interrupted
	}
	var wrap *url.Error
	if errors.As(err, &wrap) {
		err = wrap.Err // its text repeats the whole URL
	}
	e := &Error{Kind: Unavailable, Code: "unreached", Next: nextURL}
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Detail = "Nothing listens at " + c.base + "."
	case errors.As(err, &dns):
		e.Detail = fmt.Sprintf("The host of %s cannot be found: %v.", c.base, dns)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		e.Detail, e.Next = "The server at "+c.base+" did not answer in time; whether it did what was asked is not known.", ""
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF):
		e.Detail, e.Next = "The server at "+c.base+" ended the connection before it answered; whether it did what was asked is not known.", ""
	default:
		e.Detail = fmt.Sprintf("The server at %s cannot be reached: %v.", c.base, err)
	}
	return e
}

// refusal is an answer other than 2xx.
func (c *Client) refusal(res *http.Response, body []byte) error {
	e := &Error{Kind: kindOf(res.StatusCode), Status: res.StatusCode, RetryAfter: retryAfter(res), Body: body}
	var p struct {
		Detail    string  `json:"detail"`
		Code      string  `json:"code"`
		Errors    []Fault `json:"errors"`
		RequestID string  `json:"request_id"`
	}
	if json.Unmarshal(body, &p) != nil || p.Detail == "" {
		e.Detail = fmt.Sprintf("%s answered %s, and no problem of Carteiro's.", c.base, res.Status)
		if to := res.Header.Get("Location"); to != "" && res.StatusCode/100 == 3 {
			e.Detail = fmt.Sprintf("%s answered %s and points to %s; a key is not sent on.", c.base, res.Status, to)
		}
		e.Next = nextNoAPI
		return e
	}
	e.Detail, e.Code, e.Faults = p.Detail, p.Code, p.Errors
	if p.RequestID != "" {
		e.Detail += " request_id " + p.RequestID + "."
	}
	if res.StatusCode == http.StatusUnauthorized {
		e.Next = nextKey
	}
	return e
}

func kindOf(status int) Kind {
	switch status {
	case http.StatusNotFound:
		return NotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return Refused
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Unavailable
	}
	if status/100 == 4 {
		return Invalid
	}
	return Failed
}
