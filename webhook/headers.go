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

// HeaderChange is a change of one static header; without a value, the header
// goes.
type HeaderChange struct {
	Name  string
	Path  string // where it was given, for a fault
	Value *string
}

// Merge returns the headers with the changes put on. A name counts in any case,
// as in HTTP; [Redacted] keeps the value that is stored, so that what was shown
// can be sent back.
func (h StaticHeaders) Merge(changes []HeaderChange, f *Faults) StaticHeaders {
	merged := StaticHeaders{}
	maps.Copy(merged, h)
	for _, c := range changes {
		old, there := merged.take(c.Name)
		switch {
		case c.Value == nil:
		case *c.Value != Redacted:
			merged[c.Name] = *c.Value
		case there:
			merged[c.Name] = old
		default:
			f.Add(c.Path, "%s stands for a stored value, but there is none under this name", Redacted)
		}
	}
	return merged
}

// take removes a header, whatever the case of its name, and returns its value.
func (h StaticHeaders) take(name string) (value string, there bool) {
	for other := range h {
		if strings.EqualFold(other, name) {
			value, there = h[other], true
			delete(h, other)
		}
	}
	return value, there
}

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
