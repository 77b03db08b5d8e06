package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// SubscriptionBody is a subscription as it is registered, and a merge patch of
// one (RFC 7396): each field knows whether it was given. (Exported because huma describes
// embedded fields of exported types only.)
type SubscriptionBody struct {
	ClientID    webhook.ClientID  `json:"client_id" doc:"whose events; * for every client's"`
	URL         string            `json:"url" doc:"where requests go"`
	EventTypes  []webhook.Pattern `json:"event_types" nullable:"false" doc:"exact slugs, a prefix with .*, or *"`
	Description string            `json:"description,omitempty" doc:"for people"`
	Method      string            `json:"method,omitempty" enum:"POST,PUT" doc:"POST when nothing is given"`
	Headers     map[string]string `json:"headers,omitempty" doc:"static headers of each request; the values are secret, and shown as [redacted]"`
	Auth        authBody          `json:"auth,omitzero" doc:"credentials for the receiver: basic with username and password, or bearer with token; null: none"`
	Signing     webhook.Signing   `json:"signing,omitempty" enum:"hmac,ed25519" doc:"how messages are signed (Standard Webhooks); hmac when nothing is given; rotate-secret changes it"`
	Ack         ackBody           `json:"ack,omitzero" doc:"what counts as an acknowledgement"`
	Timeout     webhook.Duration  `json:"timeout,omitempty" doc:"of one attempt, from 1s to 30s; 0s, or nothing: the server's setting"`
	RateLimit   int               `json:"rate_limit,omitempty" doc:"requests a second; 0: no limit"`
	MaxInFlight int               `json:"max_in_flight,omitempty" doc:"attempts at once in one process; 64 when nothing is given"`
	SendEmpty   bool              `json:"send_empty_exports,omitempty" doc:"an export without records is sent as an empty page"`

	fields  map[string]presence
	headers []webhook.HeaderChange
}

// ackBody is webhook.Ack as it is given.
type ackBody struct {
	Status      webhook.AckStatus `json:"status,omitempty" enum:"200,2xx" doc:"200 when nothing is given"`
	Body        any               `json:"body,omitempty" doc:"the expected answer; another one is flagged"`
	RequireBody bool              `json:"require_body,omitempty" doc:"another answer than body fails the attempt"`

	body   []byte
	fields map[string]presence
}

func (b *SubscriptionBody) decode(o *object) {
	b.fields = map[string]presence{
		"client_id":   text(o, "client_id", &b.ClientID),
		"url":         text(o, "url", &b.URL),
		"description": text(o, "description", &b.Description),
		"method":      filled(o, "method", &b.Method),
		"timeout":     o.duration("timeout", &b.Timeout),
	}
	b.fields["event_types"] = o.list("event_types", webhook.MaxEventTypes, func(raw []byte, path string) {
		if kind := kindOf(raw); kind != "a string" {
			o.faults.Add(path, "must be a string, but is %s", kind)
			return
		}
		s, fault := unquote(raw)
		if fault != "" {
			o.faults.Add(path, "%s", fault)
		}
		b.EventTypes = append(b.EventTypes, webhook.Pattern(s))
	})
	b.fields["headers"] = b.decodeHeaders(o)
	b.fields["auth"] = o.object("auth", &b.Auth)
	b.fields["signing"] = filled(o, "signing", &b.Signing)
	b.fields["ack"] = o.object("ack", &b.Ack)
	b.fields["rate_limit"] = o.integer("rate_limit", 0, &b.RateLimit)
	b.fields["max_in_flight"] = o.integer("max_in_flight", 1, &b.MaxInFlight)
	b.fields["send_empty_exports"] = o.boolean("send_empty_exports", &b.SendEmpty)
}

func (b *SubscriptionBody) decodeHeaders(o *object) presence {
	raw, p := o.typed("headers", "an object")
	if p != given {
		return p
	}
	for _, m := range members(raw) {
		c := webhook.HeaderChange{Name: m.name, Path: o.at("headers") + "/" + webhook.PointerEscape(clip(m.name))}
		switch kind := kindOf(m.value); kind {
		case "a string":
			s, fault := unquote(m.value)
			if fault != "" {
				o.faults.Add(c.Path, "%s", fault)
			}
			c.Value = &s
		case "null":
		default:
			o.faults.Add(c.Path, "must be a string, but is %s", kind)
		}
		b.headers = append(b.headers, c)
	}
	return given
}

func (b *ackBody) decode(o *object) {
	b.fields = map[string]presence{
		"status":       filled(o, "status", &b.Status),
		"body":         o.raw("body", &b.body),
		"require_body": o.boolean("require_body", &b.RequireBody),
	}
}

// subscription is the subscription that a whole body registers.
func (b *SubscriptionBody) subscription() webhook.Subscription {
	sub := webhook.Subscription{ClientID: b.ClientID, Headers: webhook.StaticHeaders{}}
	b.apply(&sub)
	sub.Signing = b.Signing
	for _, c := range b.headers {
		if c.Value != nil {
			sub.Headers[c.Name] = *c.Value
		}
	}
	return sub
}

// apply puts the given fields on a subscription, the headers apart; null gives
// a field its default.
func (b *SubscriptionBody) apply(sub *webhook.Subscription) {
	set(b.fields["url"], &sub.URL, b.URL, "")
	set(b.fields["event_types"], &sub.EventTypes, b.EventTypes, nil)
	set(b.fields["description"], &sub.Description, b.Description, "")
	set(b.fields["method"], &sub.Method, b.Method, http.MethodPost)
	set(b.fields["timeout"], &sub.Timeout, b.Timeout, 0)
	set(b.fields["rate_limit"], &sub.RateLimit, b.RateLimit, 0)
	set(b.fields["max_in_flight"], &sub.MaxInFlight, b.MaxInFlight, webhook.DefaultMaxInFlight)
	set(b.fields["send_empty_exports"], &sub.SendEmpty, b.SendEmpty, false)
	b.Auth.apply(b.fields["auth"], sub)
	if b.fields["ack"] == null {
		sub.Ack = webhook.Ack{Status: webhook.Ack200}
	}
	set(b.Ack.fields["status"], &sub.Ack.Status, b.Ack.Status, webhook.Ack200)
	set(b.Ack.fields["body"], &sub.Ack.Body, json.RawMessage(b.Ack.body), nil)
	set(b.Ack.fields["require_body"], &sub.Ack.RequireBody, b.Ack.RequireBody, false)
}

func set[T any](p presence, into *T, value, otherwise T) {
	switch p {
	case given:
		*into = value
	case null:
		*into = otherwise
	}
}

// mergeHeaders puts the changes on a subscription's headers.
func (b *SubscriptionBody) mergeHeaders(sub *webhook.Subscription, f *webhook.Faults) {
	stored := sub.Headers
	if b.fields["headers"] == null {
		stored = nil
	}
	sub.Headers = stored.Merge(b.headers, f)
}

// newSubscription is the body that registers one.
type newSubscription struct{ SubscriptionBody }

func (b *newSubscription) decode(o *object) {
	b.SubscriptionBody.decode(o)
	o.need("client_id", "url", "event_types")
	for _, c := range b.headers {
		if c.Value != nil && *c.Value == webhook.Redacted {
			o.faults.Add(c.Path, "%s is what stands for a hidden value; give the value itself", webhook.Redacted)
		}
	}
	b.Auth.mustBeWhole(o.faults)
}

// subscriptionPatch is the body that changes one.
type subscriptionPatch struct{ SubscriptionBody }

// unchangeable are the fields of a subscription that a patch cannot change.
var unchangeable = []string{"id", "state", "created_at", "updated_at", "secret"}

func (b *subscriptionPatch) decode(o *object) {
	b.SubscriptionBody.decode(o)
	for i := range o.members {
		m := &o.members[i]
		if !slices.Contains(unchangeable, m.name) {
			continue
		}
		m.taken = true
		o.fault(m.name, "cannot be changed here; pause and resume change the state, rotate-secret the secret")
	}
}

// TransformSchema describes a patch: nothing is required, of credentials
// neither.
func (b *subscriptionPatch) TransformSchema(registry huma.Registry, s *huma.Schema) *huma.Schema {
	s.Required = nil
	whole := registry.Schema(reflect.TypeFor[authBody](), false, "")
	s.Properties["auth"] = &huma.Schema{
		Description: s.Properties["auth"].Description, Type: huma.TypeObject, Properties: whole.Properties, AdditionalProperties: false,
	}
	return s
}

func (b *subscriptionPatch) bodyRules() bodyRules { return bodyRules{limit: maxBody, mergePatch: true} }

type changeSubscription struct {
	ID      webhook.SubscriptionID      `path:"id"`
	Content jsonBody[subscriptionPatch] `json:"-"`
}

func (a *api) changeSubscription(ctx context.Context, in *changeSubscription) (*reply[webhook.Subscription], error) {
	return onSubscription(ctx, in.ID, func(ctx context.Context, id webhook.SubscriptionID) (*webhook.Subscription, error) {
		return a.o.Subscriptions.Update(ctx, id, in.Content.value.change)
	})
}

// change puts the patch on a subscription. It may run more than once.
func (b *subscriptionPatch) change(sub *webhook.Subscription) error {
	var f webhook.Faults
	if p := b.fields["client_id"]; p == null || (p == given && b.ClientID != sub.ClientID) {
		f.Add("/client_id", "cannot be changed: a subscription belongs to its client. Register another one.")
	}
	if p := b.fields["signing"]; p == null || (p == given && b.Signing != sub.Signing) {
		f.Add("/signing", "cannot be changed here: it takes a new key. POST …/rotate-secret with {\"signing\":…} makes one, with an overlap.")
	}
	b.Auth.check(sub, &f)
	b.apply(sub)
	b.mergeHeaders(sub, &f)
	return f.Err()
}
