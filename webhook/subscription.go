package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// SubscriptionState tells whether a subscription's deliveries are sent.
type SubscriptionState string

const (
	// SubscriptionActive sends.
	SubscriptionActive SubscriptionState = "active"
	// SubscriptionPaused holds its deliveries: nothing is sent, nothing is lost.
	SubscriptionPaused SubscriptionState = "paused"
)

// Subscription is a client's wish to receive some event types at a URL.
type Subscription struct {
	ID          SubscriptionID    `json:"id"`
	ClientID    ClientID          `json:"client_id"`          // "*" is every client (for the platform itself)
	URL         string            `json:"url"`                // where requests go; https unless plain http is allowed
	EventTypes  []Pattern         `json:"event_types"`        // which events; never empty
	Description string            `json:"description"`        // for people
	Method      string            `json:"method"`             // POST, or PUT
	Headers     StaticHeaders     `json:"headers"`            // static headers of each request; the values are secret
	Auth        *Auth             `json:"auth"`               // credentials for the receiver; nil: none
	Signing     Signing           `json:"signing"`            // the kind of Secrets.Current
	Ack         Ack               `json:"ack"`                // what counts as an acknowledgement
	Timeout     Duration          `json:"timeout"`            // one attempt, the body's reading included; 0: the server's setting
	RateLimit   int               `json:"rate_limit"`         // requests a second over all workers; 0: no limit
	MaxInFlight int               `json:"max_in_flight"`      // attempts at once in one process
	SendEmpty   bool              `json:"send_empty_exports"` // an export with no records is sent as an empty page
	State       SubscriptionState `json:"state"`              //
	CreatedAt   time.Time         `json:"created_at"`         // UTC
	UpdatedAt   time.Time         `json:"updated_at"`         // UTC
	Secrets     SigningSecrets    `json:"-"`                  // sign each request
	Version     int64             `json:"-"`                  // grows with each change
}

// AckStatus names the HTTP statuses that acknowledge.
type AckStatus string

const (
	// Ack200 is the contracts' rule: exactly 200.
	Ack200 AckStatus = "200"
	// Ack2xx widens one subscription to any status from 200 to 299.
	Ack2xx AckStatus = "2xx"
)

// Ack says what counts as an acknowledgement of one subscription.
type Ack struct {
	Status      AckStatus       `json:"status"`         // "200" or "2xx"
	Body        json.RawMessage `json:"body,omitempty"` // expected answer; another one is flagged
	RequireBody bool            `json:"require_body"`   // another answer than Body fails the attempt
}

// Accepts tells whether an HTTP status acknowledges.
func (a AckStatus) Accepts(status int) bool {
	if a == Ack2xx {
		return status >= 200 && status <= 299
	}
	return status == http.StatusOK
}

// Limits and defaults of a subscription.
const (
	DefaultMaxInFlight = 64
	LimitMaxInFlight   = 1000
	LimitRate          = 10_000 // requests a second
	MinTimeout         = 1 * time.Second
	MaxTimeout         = 30 * time.Second
	MaxURL             = 2048 // bytes
	MaxEventTypes      = 100
	MaxHeaders         = 20
	MaxHeaderBytes     = 4096 // name and value of one header
	MaxAckBody         = 4096 // bytes
)

// SetDefaults fills what was left out of a new subscription.
func (s *Subscription) SetDefaults() {
	if s.Method == "" {
		s.Method = http.MethodPost
	}
	if s.Ack.Status == "" {
		s.Ack.Status = Ack200
	}
	if s.MaxInFlight == 0 {
		s.MaxInFlight = DefaultMaxInFlight
	}
	if s.Headers == nil {
		s.Headers = StaticHeaders{}
	}
	if s.Signing == "" {
		s.Signing = SigningHMAC
	}
	if s.State == "" {
		s.State = SubscriptionActive
	}
}

// Validate notes what is wrong with the subscription, the URL apart: its form
// and its address are judged by the sender's policy.
func (s *Subscription) Validate(f *Faults) {
	if s.ClientID != AllClients {
		if msg := s.ClientID.Fault(); msg != "" {
			f.Add("/client_id", "%s", msg)
		}
	}
	s.validateEventTypes(f)
	if len(s.Description) > 1000 {
		f.Add("/description", "is %d bytes long; at most 1000 are allowed", len(s.Description))
	}
	plainText(f, "/description", s.Description)
	plainText(f, "/ack/body", string(s.Ack.Body))
	if s.Method != http.MethodPost && s.Method != http.MethodPut {
		f.Add("/method", "%q is not allowed: POST or PUT", clip(s.Method))
	}
	s.validateHeaders(f)
	s.validateAuth(f)
	if msg := s.Signing.Fault(); msg != "" {
		f.Add("/signing", "%q %s", clip(string(s.Signing)), msg)
	}
	s.Ack.validate(f)
	if t := time.Duration(s.Timeout); t != 0 && (t < MinTimeout || t > MaxTimeout) {
		f.Add("/timeout", "%s is not allowed: from %s to %s", s.Timeout, Duration(MinTimeout), Duration(MaxTimeout))
	}
	if s.RateLimit < 0 || s.RateLimit > LimitRate {
		f.Add("/rate_limit", "%d is not allowed: 1 to %d requests a second, or 0 for no limit", s.RateLimit, LimitRate)
	}
	if s.MaxInFlight < 1 || s.MaxInFlight > LimitMaxInFlight {
		f.Add("/max_in_flight", "%d is not allowed: 1 to %d", s.MaxInFlight, LimitMaxInFlight)
	}
}

func (s *Subscription) validateEventTypes(f *Faults) {
	if len(s.EventTypes) == 0 {
		f.Add("/event_types", "must name at least one event type, such as \"shop.*\" or \"*\"")
	}
	if len(s.EventTypes) > MaxEventTypes {
		f.Add("/event_types", "has %d entries; at most %d are allowed", len(s.EventTypes), MaxEventTypes)
		return
	}
	for i, p := range s.EventTypes {
		if msg := p.Fault(); msg != "" {
			f.Add(fmt.Sprintf("/event_types/%d", i), "%q %s", clip(string(p)), msg)
		}
	}
}

func (a *Ack) validate(f *Faults) {
	if a.Status != Ack200 && a.Status != Ack2xx {
		f.Add("/ack/status", "%q is not allowed: \"200\" or \"2xx\"", clip(string(a.Status)))
	}
	if len(a.Body) > MaxAckBody {
		f.Add("/ack/body", "is longer than %d bytes", MaxAckBody)
	}
	if a.RequireBody && len(a.Body) == 0 {
		f.Add("/ack/require_body", "needs ack.body: there is no body to require")
	}
}

// Wants tells whether the subscription selects an event type of a client. It
// does not look at the state: a paused subscription's deliveries are held.
func (s *Subscription) Wants(client ClientID, t Slug) bool {
	if s.ClientID != AllClients && s.ClientID != client {
		return false
	}
	return slices.ContainsFunc(s.EventTypes, func(p Pattern) bool { return p.Matches(t) })
}

// PointerEscape writes a name as one step of a JSON pointer (RFC 6901).
func PointerEscape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
