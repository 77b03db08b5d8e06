package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/carteiro-webhooks/carteiro/internal/guard"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// reply is a handler's answer.
type reply[T any] struct {
	Status   int              // 0: the first of the route's
	Location string           // of what was created
	Value    T                // becomes the body, unless Raw is set
	Raw      []byte           // the body, where its bytes count; Value then only tells its shape
	Replayed bool             // the answer to an earlier request with the same Idempotency-Key
	Language webhook.Language // of its sentences, where Accept-Language decides; "": it does not
}

// Shapes of bodies that are not ours to encode.
type (
	rawJSON   struct{} // bytes of JSON as they are stored
	plainText struct{} // UTF-8 text
	nothing   struct{} // no body

	htmlPage   struct{} // a page that loads nothing but its own style
	styleSheet struct{}
)

func (rawJSON) contentType() string   { return contentJSON }
func (plainText) contentType() string { return "text/plain; charset=utf-8" }

func (htmlPage) contentType() string   { return "text/html; charset=utf-8" }
func (styleSheet) contentType() string { return "text/css; charset=utf-8" }

const (
	contentJSON    = "application/json"
	contentForm    = "application/x-www-form-urlencoded" // what curl says of -d
	contentProblem = "application/problem+json"
)

// output is what huma writes.
type output struct {
	Status      int
	ContentType string `header:"Content-Type" hidden:"true"`
	Location    string `header:"Location" hidden:"true"`
	Replayed    string `header:"Idempotency-Replayed" hidden:"true"`
	Language    string `header:"Content-Language" hidden:"true"`
	Vary        string `header:"Vary" hidden:"true"`
	Policy      string `header:"Content-Security-Policy" hidden:"true"`
	Body        []byte
}

func (r *reply[T]) encode(status int) (*output, error) {
	out := &output{Status: status, ContentType: contentJSON, Location: r.Location, Body: r.Raw}
	if r.Status != 0 {
		out.Status = r.Status
	}
	if r.Replayed {
		out.Replayed = "true"
	}
	if r.Language != "" {
		out.Language, out.Vary = string(r.Language), "Accept-Language"
	}
	if t, ok := any(r.Value).(interface{ contentType() string }); ok {
		out.ContentType = t.contentType()
	}
	if _, page := any(r.Value).(htmlPage); page {
		h := http.Header{}
		guard.Page(h)
		out.Policy = h.Get("Content-Security-Policy")
	}
	if out.Status == http.StatusNoContent {
		out.ContentType = ""
		return out, nil
	}
	if out.Body != nil {
		return out, nil
	}
	var err error
	out.Body, err = encodeJSON(r.Value)
	return out, err
}

// encodeJSON writes a value as people would: "é", "&" and "<" stay.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// appendText appends a JSON string. Ids and slugs, which are most of what it
// gets, need no escapes.
func appendText[S ~string](b []byte, s S) []byte {
	if !slices.ContainsFunc([]byte(s), needsEscape) {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	text, err := encodeJSON(string(s))
	if err != nil {
		return append(b, `""`...) // a string always encodes
	}
	return append(b, text...)
}

func needsEscape(c byte) bool { return c < 0x20 || c >= 0x7f || c == '"' || c == '\\' }
