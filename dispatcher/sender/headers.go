package sender

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Names of the headers that go on the wire, in the form that net/http keeps
// them in; HTTP does not tell upper case from lower.
const (
	HeaderID         = "Webhook-Id"
	HeaderTimestamp  = "Webhook-Timestamp"
	HeaderSignature  = "Webhook-Signature"
	HeaderDeliveryID = "Carteiro-Delivery-Id"
	HeaderAttempt    = "Carteiro-Attempt"
	HeaderEventType  = "Carteiro-Event-Type"
	HeaderRunID      = "Carteiro-Run-Id"
	HeaderPage       = "Carteiro-Page"
	HeaderPages      = "Carteiro-Pages"
	HeaderTest       = "Carteiro-Test" // "true" on a sample that an operator sent, absent otherwise
)

// Headers builds the headers that go on the wire, signed for the given time.
// The values of the subscription's static headers are in it: it is not for a log.
func (s *Sender) Headers(r *Request, at time.Time) http.Header {
	count := 8 + len(r.Headers) // exactly: a map of 8 is much cheaper than one of 9
	if r.RunID != "" {
		count += 3
	}
	if r.Test {
		count++
	}
	h := make(http.Header, count)
	for name, value := range r.Headers {
		if !repeats(name) {
			h.Set(name, value)
		}
	}
	// Ours come last: nothing of a subscription replaces them. One array holds
	// all values, instead of one slice each.
	values := make([]string, 0, 12)
	set := func(name, value string) {
		if value == "" {
			return
		}
		values = append(values, value)
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	set("Content-Type", "application/json")
	set("User-Agent", s.userAgent)
	set(HeaderID, string(r.MessageID))
	set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
	set(HeaderSignature, Sign(r.Secrets, r.MessageID, at, r.Body))
	set(HeaderDeliveryID, string(r.DeliveryID))
	set(HeaderAttempt, strconv.Itoa(r.Number))
	set(HeaderEventType, string(r.EventType))
	if r.RunID != "" {
		set(HeaderRunID, string(r.RunID))
		set(HeaderPage, strconv.Itoa(r.Page))
		set(HeaderPages, strconv.Itoa(r.Pages))
	}
	if r.Test {
		set(HeaderTest, "true")
	}
	return h
}

// repeats tells whether a header makes net/http send a request again by
// itself. Registration refuses both; a row that has one all the same must not
// break "at most once".
func repeats(name string) bool {
	return strings.EqualFold(name, "Idempotency-Key") || strings.EqualFold(name, "X-Idempotency-Key")
}

// storedRequestHeaders is what the log keeps of what was sent: every name, and
// no value of a static header.
func storedRequestHeaders(sent http.Header, static webhook.StaticHeaders) map[string]string {
	out := make(map[string]string, len(sent))
	for name, values := range sent {
		out[name] = values[0]
	}
	for name := range static {
		name = http.CanonicalHeaderKey(name)
		if _, ok := out[name]; ok {
			out[name] = webhook.Redacted
		}
	}
	return out
}

// storedResponseHeaders is what the log keeps of an answer's headers. It
// changes h, which belongs to the answer that was just read.
func storedResponseHeaders(h http.Header, static webhook.StaticHeaders) map[string][]string {
	size, count := 0, 0
	hidden := hiddenTexts(static)
	for name, values := range h {
		for i, value := range values {
			values[i] = storable(name, value, hidden)
			size += len(name) + len(values[i])
			count++
		}
	}
	if size <= maxStoredHeaderBytes && count <= maxStoredHeaders {
		return h
	}
	return firstHeaders(h)
}

// firstHeaders keeps what fits, in the order of the names, so that the same
// answer leaves the same record.
func firstHeaders(h http.Header) map[string][]string {
	out := map[string][]string{}
	size, count := 0, 0
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			grown := size + len(name) + len(value)
			if count == maxStoredHeaders || grown > maxStoredHeaderBytes {
				continue
			}
			size, count = grown, count+1
			out[name] = append(out[name], value)
		}
	}
	return out
}

// storable makes one value of an answer fit to be kept: without secrets, and
// text that every database and terminal takes.
func storable(name, value string, hidden []string) string {
	if isSecretHeader(name) {
		return webhook.Redacted
	}
	for _, secret := range hidden {
		if strings.Contains(value, secret) {
			return webhook.Redacted // the receiver sent it back
		}
	}
	if isPlain(value) || utf8.ValidString(value) && !strings.ContainsFunc(value, isControl) {
		return value
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return unicode.ReplacementChar
		}
		return r // strings.Map reads an invalid byte as the replacement character
	}, value)
}

// isPlain tells whether a value is printable ASCII, as nearly all are.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func isControl(r rune) bool { return r != '\t' && unicode.IsControl(r) }

func isSecretHeader(name string) bool {
	switch name {
	case "Set-Cookie", "Set-Cookie2", "Cookie", "Authorization", "Proxy-Authorization",
		"Www-Authenticate", "Proxy-Authenticate", "Authentication-Info", "Proxy-Authentication-Info",
		"X-Api-Key", "X-Auth-Token", "X-Csrf-Token", "X-Amz-Security-Token":
		return true
	}
	return false
}
