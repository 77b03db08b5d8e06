package sender

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// judge reads the answer into the attempt and returns why it does not
// acknowledge, or nil. The status line decides alone, unless the subscription
// requires a body too.
func (s *Sender) judge(x *exchange, resp *http.Response, r *Request, a *webhook.Attempt) *webhook.AttemptError {
	a.Status = resp.StatusCode
	a.ResponseHeaders = storedResponseHeaders(resp.Header, r.Headers)
	verdict := judgeStatus(resp.StatusCode, r.Ack.Status)
	expected := r.Ack.Body
	if len(expected) == 0 {
		expected = r.ExpectBody
	}
	require := r.Ack.RequireBody && len(expected) > 0
	if verdict != nil && verdict.Code == webhook.ErrorProtocol {
		return verdict // what follows such a status is no body
	}
	if verdict != nil || !require {
		x.settle()
	}
	err := s.readBody(x, resp, a)
	switch {
	case verdict != nil:
		return verdict
	case require:
		return x.judgeRequired(err, expected, a)
	}
	if err != nil {
		a.Warnings = append(a.Warnings, webhook.WarningBodyIncomplete)
	}
	if len(expected) > 0 && (a.ResponseTruncated || !sameBody(expected, a.ResponseBody)) {
		a.Warnings = append(a.Warnings, webhook.WarningUnexpectedBody)
	}
	return nil
}

// judgeRequired judges the body of an acknowledging status when the
// subscription requires one.
func (x *exchange) judgeRequired(err error, expected []byte, a *webhook.Attempt) *webhook.AttemptError {
	switch {
	case a.ResponseTruncated:
		return failed(webhook.ErrorBodyTooLarge, msgBodyTooLarge)
	case err != nil && x.ctx.Err() != nil:
		return x.ended()
	case err != nil:
		return failed(webhook.ErrorProtocol, msgBodyBroken)
	case !sameBody(expected, a.ResponseBody):
		return failed(webhook.ErrorStatus, statusText(a.Status)+msgBodyOther)
	}
	return nil
}

// readBody keeps the first part of an answer's body and drains a little more.
// It returns why the body did not come to its end, or nil; a body that is
// merely too long is marked as truncated.
func (s *Sender) readBody(x *exchange, resp *http.Response, a *webhook.Attempt) error {
	buf := s.buffers.Get().(*[readLimit]byte)
	defer s.buffers.Put(buf)
	n, err := readUpTo(resp.Body, buf[:])
	if n == readLimit {
		a.ResponseTruncated = true
		n = webhook.MaxStoredBody
	}
	if n > 0 {
		a.ResponseBody = bytes.Clone(buf[:n])
	}
	if err == nil && resp.ContentLength <= readLimit+drainLimit {
		x.settle()
		_, err = io.CopyN(io.Discard, resp.Body, drainLimit)
	}
	if errors.Is(err, io.EOF) { // not io.ErrUnexpectedEOF: that is another error
		return nil
	}
	return err
}

// readUpTo fills buf as far as it can: nil means that it is full, io.EOF that
// the body ended. (io.ReadFull tells an end apart from a broken body badly.)
func readUpTo(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// sameBody tells whether an answer is the expected one: the same value when
// both are JSON, else the same bytes.
func sameBody(expected, got []byte) bool {
	if bytes.Equal(expected, got) {
		return true
	}
	want, ok := jsonValue(expected)
	if !ok {
		return false
	}
	have, ok := jsonValue(got)
	return ok && reflect.DeepEqual(want, have)
}

// jsonValue reads one JSON value. Numbers stay as they are written: a long id
// must not become equal to its neighbour by rounding.
func jsonValue(text []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, errors.Is(err, io.EOF)
}
