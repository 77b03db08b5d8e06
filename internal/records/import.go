package records

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

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Import sends a stream of records to a server's API. What was sent before is
// unchanged there, so an import that stopped is simply run again.
type Import struct {
	Server      string // its address, such as http://127.0.0.1:8080
	Key         string // an API key with the role producer
	Dataset     string
	ClientID    string // whose the records are; or
	ClientField string // the field of each record that tells
	HTTP        *http.Client
	// Progress is told after each call. nil: nobody.
	Progress func(Summary)
	// Refused is told of each record that was not taken, with its place in the
	// whole stream. nil: nobody.
	Refused func(Refused)

	wait    func(ctx context.Context, d time.Duration) error // nil: real time
	sum     Summary
	reached bool // the server has answered before
}

// Summary is how far an import has come.
type Summary struct {
	Read      int // records
	Accepted  int // new or changed
	Unchanged int
	Refused   int
	Bytes     int64 // of the records that were read
}

// Refused is a record that was not taken.
type Refused struct {
	Line   int    `json:"line"` // in the stream, or its number in the array
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

// The size of a call. The server takes ten thousand records; a call is held in
// memory so that it can be sent again.
const (
	callRecords = 10_000
	callBytes   = 8 << 20
)

// call is what one request carries.
type call struct {
	body  bytes.Buffer
	lines []int // the place of each record in the whole stream
	array bool
}

func (c *call) add(raw []byte, line int) {
	switch {
	case !c.array && c.body.Len() > 0:
		c.body.WriteByte('\n')
	case c.array && len(c.lines) == 0:
		c.body.WriteByte('[')
	case c.array:
		c.body.WriteByte(',')
	}
	c.body.Write(raw)
	c.lines = append(c.lines, line)
}

// Run sends everything. The summary is right whatever the error is; a
// *BrokenError says that the stream breaks off, and what came before it was
// sent.
func (i *Import) Run(ctx context.Context, src io.Reader) (Summary, error) {
	r := NewReader(src, Detect, webhook.MaxRecord)
	c := &call{}
	for {
		raw, err := r.Next()
		switch {
		case err == nil:
			c.array = r.format == Array
			c.add(raw, r.Line())
			i.sum.Read++
			i.sum.Bytes += int64(len(raw))
		case errors.Is(err, ErrTooLong):
			i.sum.Read++
			i.refuse(Refused{Line: r.Line(), Reason: "is larger than 256 KiB, the limit of one record"})
			continue
		case err == io.EOF:
			return i.sum, i.send(ctx, c)
		default:
			if sendErr := i.send(ctx, c); sendErr != nil {
				return i.sum, sendErr
			}
			return i.sum, err
		}
		if len(c.lines) < callRecords && c.body.Len() < callBytes {
			continue
		}
		if err := i.send(ctx, c); err != nil {
			return i.sum, err
		}
	}
}

func (i *Import) refuse(r Refused) {
	i.sum.Refused++
	if i.Refused != nil {
		i.Refused(r)
	}
}

// tries is how often a call is sent while the server cannot take it.
const tries = 6

// send sends what was gathered and empties the call.
func (i *Import) send(ctx context.Context, c *call) error {
	if len(c.lines) == 0 {
		return nil
	}
	if c.array {
		c.body.WriteByte(']')
	}
	var done *answer
	for n := 1; ; n++ {
		var again time.Duration
		var err error
		if done, again, err = i.try(ctx, c); err == nil {
			break
		}
		if again == 0 || n == tries {
			return fmt.Errorf("records %d to %d: %w", i.sum.Read-len(c.lines)+1, i.sum.Read, err)
		}
		if err := i.pause(ctx, again<<(n-1)); err != nil {
			return err
		}
	}
	i.sum.Accepted += done.Accepted
	i.sum.Unchanged += done.Unchanged
	for _, r := range done.Refused {
		if r.Line >= 1 && r.Line <= len(c.lines) {
			r.Line = c.lines[r.Line-1]
		}
		i.refuse(r)
	}
	c.body.Reset()
	c.lines = c.lines[:0]
	if i.Progress != nil {
		i.Progress(i.sum)
	}
	return nil
}

// answer is what the API says to a call.
type answer struct {
	Accepted  int       `json:"accepted"`
	Unchanged int       `json:"unchanged"`
	Refused   []Refused `json:"refused"`
}

// How long to wait before a call is sent again: the server's word, or a second,
// and twice as long each time.
const (
	firstWait = time.Second
	mostWait  = 30 * time.Second
)

// try sends a call once. again is when it may help to send it again; 0: never.
func (i *Import) try(ctx context.Context, c *call) (done *answer, again time.Duration, err error) {
	query := url.Values{}
	if i.ClientID != "" {
		query.Set("client_id", i.ClientID)
	}
	if i.ClientField != "" {
		query.Set("client_field", i.ClientField)
	}
	target := strings.TrimSuffix(i.Server, "/") + "/v1/records/" + url.PathEscape(i.Dataset) + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, target, bytes.NewReader(c.body.Bytes()))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+i.Key)
	req.Header.Set("Content-Type", "application/x-ndjson")
	if c.array {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := i.HTTP.Do(req)
	if err != nil && !i.reached {
		return nil, 0, err // a wrong address does not get better
	} else if err != nil {
		return nil, firstWait, err
	}
	i.reached = true
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return nil, firstWait, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, retryAfter(res), problem(res, body)
	}
	done = &answer{}
	if err := json.Unmarshal(body, done); err != nil {
		return nil, 0, fmt.Errorf("the server's answer cannot be read: %w; is %s a Carteiro?", err, i.Server)
	}
	return done, 0, nil
}

// maxAnswer is above the longest answer: each record of a call refused.
const maxAnswer = 32 << 20

func retryAfter(res *http.Response) time.Duration {
	if res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusTooManyRequests {
		return 0
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		return firstWait
	}
	return time.Duration(seconds) * time.Second
}

// problem makes an error of a problem document.
func problem(res *http.Response, body []byte) error {
	var p struct {
		Detail string `json:"detail"`
		Errors []struct{ Path, Message string }
	}
	if json.Unmarshal(body, &p) != nil || p.Detail == "" {
		return fmt.Errorf("the server answered %s", res.Status)
	}
	for _, e := range p.Errors {
		p.Detail += " " + e.Path + ": " + e.Message + "."
	}
	return fmt.Errorf("the server answered %s: %s", res.Status, p.Detail)
}

func (i *Import) pause(ctx context.Context, d time.Duration) error {
	d = min(d, mostWait)
	if i.wait != nil {
		return i.wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
