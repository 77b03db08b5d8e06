package webhook

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

// Slug is the name of an event type in programs: "shop.product.redemption".
type Slug string

var slugForm = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)*$`)

// MaxSlug is the longest event type slug, in bytes.
const MaxSlug = 128

// Fault returns what is wrong with the slug, or "".
func (s Slug) Fault() string {
	switch {
	case s == "":
		return "must not be empty"
	case len(s) > MaxSlug:
		return "is longer than 128 bytes"
	case !slugForm.MatchString(string(s)):
		return "must be lower-case words of letters, digits or '_', joined by dots, such as shop.product.redemption"
	}
	return ""
}

// Reserved returns why no event of this type can be posted, or "": Carteiro
// itself makes what is sent under it (wire-contracts, sections 1 and 3).
func (s Slug) Reserved() string {
	switch s {
	case "cadastro_export", "venda_export", "ingresso_export", "financeiro_export":
		return "is the type of an export's pages, which Carteiro makes of the records at their time, and cannot be posted as an event"
	case SlugVerificationCompleted, SlugVerificationFailed:
		return "is what a verification's callback gets when the verification ends, and cannot be posted as an event"
	}
	return ""
}

// Envelope says what is put around the platform's data.
type Envelope string

const (
	// EnvelopeEventData is the contract of redemption-event.md:
	// {"event":{"name","slug","send_at"},"data":…}.
	EnvelopeEventData Envelope = "event_data"
	// EnvelopeNone sends the data as it came.
	EnvelopeNone Envelope = "none"
)

// EventType is an entry of the catalogue: what a kind of event is called, how
// its body is built and what its data must look like.
type EventType struct {
	Slug        Slug            `json:"slug"`                // unique
	Name        string          `json:"name"`                // goes on the wire in the event_data envelope
	Description string          `json:"description"`         // for people
	Envelope    Envelope        `json:"envelope"`            // event_data or none
	Schema      json.RawMessage `json:"schema,omitempty"`    // JSON Schema 2020-12 of data; none: any JSON value
	Example     json.RawMessage `json:"example,omitempty"`   // a sample of data that meets the schema
	Deprecated  bool            `json:"deprecated"`          // still accepted, shown as such
	CreatedAt   time.Time       `json:"created_at,omitzero"` // UTC
	UpdatedAt   time.Time       `json:"updated_at,omitzero"` // UTC
}

// Validate notes what is wrong with the event type, its schema's content
// apart: that needs a schema compiler, which is the dispatcher's.
func (t *EventType) Validate(f *Faults) {
	if msg := t.Slug.Fault(); msg != "" {
		f.Add("/slug", "%s", msg)
	}
	if t.Name == "" || len(t.Name) > 200 {
		f.Add("/name", "must be 1 to 200 bytes long: it goes on the wire")
	}
	if len(t.Description) > 2000 {
		f.Add("/description", "is %d bytes long; at most 2000 are allowed", len(t.Description))
	}
	plainText(f, "/name", t.Name)
	plainText(f, "/description", t.Description)
	if t.Envelope != EnvelopeEventData && t.Envelope != EnvelopeNone {
		f.Add("/envelope", "%q is no envelope: event_data or none", clip(string(t.Envelope)))
	}
}

// Pattern selects event types: an exact slug, a prefix with ".*", or "*".
type Pattern string

// Fault returns what is wrong with the pattern, or "".
func (p Pattern) Fault() string {
	if p == "*" {
		return ""
	}
	if msg := Slug(strings.TrimSuffix(string(p), ".*")).Fault(); msg != "" {
		return "is no pattern: an exact slug, a prefix followed by \".*\", or \"*\""
	}
	return ""
}

// Matches tells whether the pattern selects the event type.
func (p Pattern) Matches(s Slug) bool {
	if p == "*" {
		return true
	}
	if prefix, ok := strings.CutSuffix(string(p), "*"); ok {
		return strings.HasPrefix(string(s), prefix)
	}
	return string(p) == string(s)
}

// Prefix returns the beginning that all of the pattern's event types have; open
// tells that any ending may follow. An exact slug is its own beginning.
func (p Pattern) Prefix() (prefix string, open bool) { return strings.CutSuffix(string(p), "*") }
