package api

import (
	"slices"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// authBody is webhook.Auth as it is given, whole or as a merge patch: another
// type begins afresh, and "[redacted]" keeps what is stored, so that what a GET
// showed can be sent back.
type authBody struct {
	Type     webhook.AuthType `json:"type" enum:"basic,bearer"`
	Username string           `json:"username,omitempty" doc:"of basic; without a colon"`
	Password string           `json:"password,omitempty" doc:"of basic; secret, shown as [redacted]"`
	Token    string           `json:"token,omitempty" doc:"of bearer; secret, shown as [redacted]"`

	fields map[string]presence // nil: no credentials were given
	there  []string            // names that were given, of whatever type
}

func (b *authBody) decode(o *object) {
	for i := range o.members {
		b.there = append(b.there, o.members[i].name)
	}
	b.fields = map[string]presence{
		"type":     text(o, "type", &b.Type),
		"username": text(o, "username", &b.Username),
		"password": text(o, "password", &b.Password),
		"token":    text(o, "token", &b.Token),
	}
}

// parts are the fields of each type of credentials, beside the type itself.
func (b *authBody) parts() []string {
	switch b.Type {
	case webhook.AuthBasic:
		return []string{"username", "password"}
	case webhook.AuthBearer:
		return []string{"token"}
	}
	return nil
}

// mustBeWhole notes what new credentials lack, and what cannot stand in them.
func (b *authBody) mustBeWhole(f *webhook.Faults) {
	if b.fields == nil {
		return
	}
	for _, name := range append([]string{"type"}, b.parts()...) {
		if !slices.Contains(b.there, name) {
			f.Add("/auth/"+name, "is missing")
		}
	}
	b.mustNotBeNull(f)
	const stands = webhook.Redacted + " is what stands for a hidden value; give the value itself"
	if b.Password == webhook.Redacted {
		f.Add("/auth/password", stands)
	}
	if b.Token == webhook.Redacted {
		f.Add("/auth/token", stands)
	}
}

func (b *authBody) mustNotBeNull(f *webhook.Faults) {
	for _, name := range []string{"type", "username", "password", "token"} {
		if b.fields[name] == null {
			f.Add("/auth/"+name, "must not be null; \"auth\":null removes the credentials as a whole")
		}
	}
}

// check notes what a patch of a subscription's credentials lacks.
func (b *authBody) check(sub *webhook.Subscription, f *webhook.Faults) {
	if b.keeps(sub) {
		b.mustNotBeNull(f)
		return
	}
	b.mustBeWhole(f) // nothing is stored that could be kept
}

// keeps tells whether what is not given stays as it is stored.
func (b *authBody) keeps(sub *webhook.Subscription) bool {
	return sub.Auth != nil && (b.fields["type"] != given || b.Type == sub.Auth.Type)
}

// apply puts the credentials on a subscription.
func (b *authBody) apply(p presence, sub *webhook.Subscription) {
	switch p {
	case absent:
		return
	case null:
		sub.Auth = nil
		return
	}
	next := webhook.Auth{Type: b.Type}
	if b.keeps(sub) {
		next = *sub.Auth
	}
	set(b.fields["username"], &next.Username, b.Username, "")
	if b.fields["password"] == given && b.Password != webhook.Redacted {
		next.Password = webhook.Hide(b.Password)
	}
	if b.fields["token"] == given && b.Token != webhook.Redacted {
		next.Token = webhook.Hide(b.Token)
	}
	sub.Auth = &next
}
