package store

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// attemptDetail is the part of an attempt that no statement looks into.
type attemptDetail struct {
	URL             string              `json:"url"`
	RemoteAddr      string              `json:"remote,omitempty"`
	DNS             *time.Duration      `json:"dns,omitempty"`
	Connect         *time.Duration      `json:"connect,omitempty"`
	TLS             *time.Duration      `json:"tls,omitempty"`
	FirstByte       *time.Duration      `json:"first_byte,omitempty"`
	Error           string              `json:"error,omitempty"`
	RequestHeaders  map[string]string   `json:"request,omitempty"`
	ResponseHeaders map[string][]string `json:"response,omitempty"`
	Truncated       bool                `json:"truncated,omitempty"`
	Warnings        []string            `json:"warnings,omitempty"`
	Late            *time.Duration      `json:"late,omitempty"`
	Waited          bool                `json:"waited,omitempty"`
}

// appendDetail writes an attemptDetail as encoding/json would, but for the order
// of the headers. It is written by hand because each attempt has one: sorting
// and reflection cost more than all else in a result's row.
func appendDetail(b []byte, a *webhook.Attempt) []byte {
	b = appendJSON(append(b, `{"url":`...), a.URL)
	b = appendField(b, "remote", a.RemoteAddr)
	b = appendSpan(b, "dns", a.Timing.DNS)
	b = appendSpan(b, "connect", a.Timing.Connect)
	b = appendSpan(b, "tls", a.Timing.TLS)
	b = appendSpan(b, "first_byte", a.Timing.FirstByte)
	if a.Error != nil {
		b = appendField(b, "error", a.Error.Message)
	}
	if len(a.RequestHeaders) > 0 {
		b = append(b, `,"request":{`...)
		for name, value := range a.RequestHeaders {
			b = appendJSON(b, name)
			b = appendJSON(append(b, ':'), value)
			b = append(b, ',')
		}
		b[len(b)-1] = '}'
	}
	if len(a.ResponseHeaders) > 0 {
		b = append(b, `,"response":{`...)
		for name, values := range a.ResponseHeaders {
			b = appendJSON(b, name)
			b = appendList(append(b, ':'), values)
			b = append(b, ',')
		}
		b[len(b)-1] = '}'
	}
	if a.ResponseTruncated {
		b = append(b, `,"truncated":true`...)
	}
	if len(a.Warnings) > 0 {
		b = appendList(append(b, `,"warnings":`...), a.Warnings)
	}
	b = appendSpan(b, "late", a.Late)
	if a.Waited {
		b = append(b, `,"waited":true`...)
	}
	return append(b, '}')
}

// appendField writes a field behind another one, unless it is empty.
func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return appendJSON(b, value)
}

func appendSpan(b []byte, name string, d *time.Duration) []byte {
	if d == nil {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return strconv.AppendInt(b, int64(*d), 10)
}

func appendList(b []byte, values []string) []byte {
	b = append(b, '[')
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, value)
	}
	return append(b, ']')
}

// appendJSON writes a string.
func appendJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always can be
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
