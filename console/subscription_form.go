package console

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The form of a subscription has a field for each of its fields. What may stand
// in them is judged by package webhook and by the registry; here is only how a
// form writes what JSON writes in the API.

// formOf is a form with what a subscription has. Secret values are not in it:
// a header's stands as [redacted], and credentials are left empty.
func formOf(sub *webhook.Subscription) *form {
	f := newForm("client_id", string(sub.ClientID), "url", sub.URL, "event_types", patternList(sub.EventTypes, "\n"),
		"description", sub.Description, "method", sub.Method, "signing", string(sub.Signing), "ack_status", string(sub.Ack.Status),
		"ack_body", string(sub.Ack.Body), "max_in_flight", strconv.Itoa(sub.MaxInFlight), "version", strconv.FormatInt(sub.Version, 10))
	var headers strings.Builder
	for _, name := range sortedNames(sub.Headers) {
		headers.WriteString(name + ": " + webhook.Redacted + "\n")
	}
	f.Values.Set("headers", strings.TrimSpace(headers.String()))
	if sub.Auth != nil {
		f.Values.Set("auth_type", string(sub.Auth.Type))
		f.Values.Set("auth_username", sub.Auth.Username)
	}
	if sub.Timeout > 0 {
		f.Values.Set("timeout", sub.Timeout.String())
	}
	if sub.RateLimit > 0 {
		f.Values.Set("rate_limit", strconv.Itoa(sub.RateLimit))
	}
	for name, on := range map[string]bool{"ack_require_body": sub.Ack.RequireBody, "send_empty_exports": sub.SendEmpty} {
		if on {
			f.Values.Set(name, "true")
		}
	}
	return f
}

// typedSubscription puts what was typed on a subscription, a new one or one
// that is stored, and notes what cannot be read.
func (v *visit) typedSubscription(f *form, sub *webhook.Subscription) webhook.Faults {
	var faults webhook.Faults
	sub.URL, sub.Method = f.text("url"), f.text("method")
	sub.Description = strings.TrimSpace(lines(f.Get("description")))
	sub.EventTypes = nil
	for _, p := range strings.FieldsFunc(f.Get("event_types"), func(r rune) bool { return r == ',' || r <= ' ' }) {
		sub.EventTypes = append(sub.EventTypes, webhook.Pattern(p))
	}
	sub.Headers = sub.Headers.Merge(v.typedHeaders(f, sub.Headers, &faults), &faults)
	sub.Auth = v.typedAuth(f, sub.Auth, &faults)
	sub.Ack = webhook.Ack{Status: webhook.AckStatus(f.text("ack_status")), RequireBody: f.Get("ack_require_body") == "true"}
	sub.Ack.Body = v.typedJSON(f, "ack_body", "/ack/body", &faults)
	sub.Timeout = 0
	if text := f.text("timeout"); text != "" {
		if err := sub.Timeout.UnmarshalText([]byte(text)); err != nil {
			faults.Add("/timeout", "%s", err)
		}
	}
	sub.RateLimit = v.typedNumber(f, numberField{"rate_limit", 0, 0}, &faults)
	sub.MaxInFlight = v.typedNumber(f, numberField{"max_in_flight", webhook.DefaultMaxInFlight, 1}, &faults)
	sub.SendEmpty = f.Get("send_empty_exports") == "true"
	return faults
}

// typedHeaders reads a header a line. Those that are stored and not typed go.
func (v *visit) typedHeaders(f *form, stored webhook.StaticHeaders, faults *webhook.Faults) []webhook.HeaderChange {
	var out []webhook.HeaderChange
	typed := func(name string) bool {
		return slices.ContainsFunc(out, func(c webhook.HeaderChange) bool { return strings.EqualFold(c.Name, name) })
	}
	for line := range strings.Lines(lines(f.Get("headers"))) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok:
			faults.Add("/headers", "%s", v.t("subscription.no_colon", webhook.Clip(name)))
		case typed(name):
			faults.Add("/headers", "%s", v.t("subscription.header_twice", webhook.Clip(name)))
		default:
			out = append(out, webhook.HeaderChange{Name: name, Path: "/headers/" + webhook.PointerEscape(name), Value: &value})
		}
	}
	for name := range stored {
		if !typed(name) {
			out = append(out, webhook.HeaderChange{Name: name})
		}
	}
	return out
}

// typedAuth reads the credentials. A password or a token that is left empty
// stays as it is stored, as long as the type does.
func (v *visit) typedAuth(f *form, stored *webhook.Auth, faults *webhook.Faults) *webhook.Auth {
	next := &webhook.Auth{
		Type: webhook.AuthType(f.text("auth_type")), Username: f.text("auth_username"),
		Password: webhook.Hide(f.Get("auth_password")), Token: webhook.Hide(f.text("auth_token")),
	}
	if next.Type == "" {
		if *next != (webhook.Auth{}) {
			faults.Add("/auth", "%s", v.t("subscription.no_auth_type"))
		}
		return nil
	}
	if stored == nil || stored.Type != next.Type {
		return next
	}
	if next.Type == webhook.AuthBasic && next.Password.IsZero() {
		next.Password = stored.Password
	}
	if next.Type == webhook.AuthBearer && next.Token.IsZero() {
		next.Token = stored.Token
	}
	return next
}

// numberField is a field of a whole number.
type numberField struct {
	name      string
	otherwise int // what nothing stands for
	least     int
}

// typedNumber reads a whole number.
func (v *visit) typedNumber(f *form, field numberField, faults *webhook.Faults) int {
	text := f.text(field.name)
	if text == "" {
		return field.otherwise
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		faults.Add("/"+field.name, "%s", v.t("form.no_number"))
	case n < field.least:
		faults.Add("/"+field.name, "%s", v.t("form.at_least", field.least))
	default:
		return n
	}
	return field.otherwise
}

// typedJSON reads JSON without the space that makes it readable; nil: nothing
// was typed.
func (v *visit) typedJSON(f *form, name, path string, faults *webhook.Faults) json.RawMessage {
	text := f.text(name)
	if text == "" {
		return nil
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		faults.Add(path, "%s", v.t("form.no_json", v.told(err.Error())))
		return nil
	}
	return b.Bytes()
}

// changedFields are the names of the fields in which two subscriptions differ.
func changedFields(a, b *webhook.Subscription) []string {
	var out []string
	for name, same := range map[string]bool{
		"url": a.URL == b.URL, "event_types": slices.Equal(a.EventTypes, b.EventTypes), "description": a.Description == b.Description,
		"method": a.Method == b.Method, "headers": maps.Equal(a.Headers, b.Headers), "auth": sameAuth(a.Auth, b.Auth),
		"ack":     a.Ack.Status == b.Ack.Status && a.Ack.RequireBody == b.Ack.RequireBody && bytes.Equal(a.Ack.Body, b.Ack.Body),
		"timeout": a.Timeout == b.Timeout, "rate_limit": a.RateLimit == b.RateLimit, "max_in_flight": a.MaxInFlight == b.MaxInFlight,
		"send_empty_exports": a.SendEmpty == b.SendEmpty,
	} {
		if !same {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func sameAuth(a, b *webhook.Auth) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// subscriptionFormPage is the page of the form.
type subscriptionFormPage struct {
	Form     *form
	Sub      *webhook.Subscription // nil: a new one
	Methods  []choice
	Signings []choice
	Statuses []choice
	Auths    []choice
	Slugs    []webhook.Slug // of the catalogue
	Once     string         // a form that is sent twice registers once
}

// showSubscriptionForm shows the form with what is wrong in it. Faults of parts
// of a field stand beside the field.
func (v *visit) showSubscriptionForm(f *form, sub *webhook.Subscription) error {
	for _, path := range []string{"/event_types", "/headers"} {
		f.gather(path)
	}
	types, err := v.c.o.Store.AllEventTypes(v.ctx)
	if err != nil {
		return err
	}
	p := subscriptionFormPage{
		Form: f, Sub: sub, Once: webhook.NewID(prefixOnce),
		Methods:  []choice{{http.MethodPost, http.MethodPost, false}, {http.MethodPut, http.MethodPut, false}},
		Signings: []choice{{string(webhook.SigningHMAC), v.t("subscription.hmac"), false}, {string(webhook.SigningEd25519), v.t("subscription.ed25519"), false}},
		Statuses: []choice{{string(webhook.Ack200), v.t("subscription.ack_200"), false}, {string(webhook.Ack2xx), v.t("subscription.ack_2xx"), false}},
		Auths: []choice{
			{"", v.t("subscription.auth_none"), false},
			{string(webhook.AuthBasic), v.t("subscription.auth_basic"), false},
			{string(webhook.AuthBearer), v.t("subscription.auth_bearer"), false},
		},
	}
	for i := range types {
		if slug := types[i].Slug; slug != webhook.SlugVerificationCompleted && slug != webhook.SlugVerificationFailed {
			p.Slugs = append(p.Slugs, slug)
		}
	}
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "subscription_form", p)
	}
	return v.show("subscription_form", p)
}
