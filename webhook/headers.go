package webhook

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// StaticHeaders are the headers that a subscription adds to each request. The
// values are secret: it shows the names only, in every form of printing.
type StaticHeaders map[string]string

// Redacted returns a copy that may be shown: each value is [Redacted].
func (h StaticHeaders) Redacted() map[string]string {
	out := make(map[string]string, len(h))
	for name := range h {
		out[name] = Redacted
	}
	return out
}

func (h StaticHeaders) String() string { return fmt.Sprint(h.Redacted()) }

// Format keeps every verb of fmt from showing the values.
func (h StaticHeaders) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(h.String())) }

// LogValue keeps log/slog from showing the values.
func (h StaticHeaders) LogValue() slog.Value { return slog.AnyValue(h.Redacted()) }

// MarshalJSON keeps JSON from showing the values.
func (h StaticHeaders) MarshalJSON() ([]byte, error) { return json.Marshal(h.Redacted()) }

// reservedHeaders are set by the sender, or change how HTTP itself works.
// An idempotency key would make Go's client repeat a POST by itself.
var reservedHeaders = []string{
	"connection", "content-length", "content-type", "content-encoding", "expect", "host", "http2-settings",
	"idempotency-key", "x-idempotency-key", "keep-alive", "proxy-authorization", "proxy-connection",
	"te", "trailer", "transfer-encoding", "upgrade", "user-agent", "accept-encoding",
}

func (s *Subscription) validateHeaders(f *Faults) {
	if len(s.Headers) > MaxHeaders {
		f.Add("/headers", "has %d entries; at most %d are allowed", len(s.Headers), MaxHeaders)
		return
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		path := "/headers/" + PointerEscape(name)
		low := strings.ToLower(name)
		switch {
		case !isToken(name):
			f.Add(path, "is no HTTP header name")
		case slices.Contains(reservedHeaders, low), strings.HasPrefix(low, "webhook-"), strings.HasPrefix(low, "carteiro-"):
			f.Add(path, "is set by Carteiro or by HTTP itself and cannot be given")
		case seen[low]:
			f.Add(path, "is given twice, in another case")
		}
		seen[low] = true
		if value := s.Headers[name]; !isHeaderValue(value) {
			f.Add(path, "has a value with control characters or spaces at its ends")
		} else if len(name)+len(value) > MaxHeaderBytes {
			f.Add(path, "is longer than %d bytes", MaxHeaderBytes)
		}
	}
}

func isToken(s string) bool {
	const extra = "!#$%&'*+-.^_`|~" // RFC 9110, section 5.6.2
	for _, r := range s {
		if r > unicode.MaxASCII || (!unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(extra, r)) {
			return false
		}
	}
	return s != ""
}

func isHeaderValue(s string) bool {
	if !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) })
}
