package webhook_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestSecretTypesHide: no form of printing shows what is secret, of the types
// themselves and of what they are in.
func TestSecretTypesHide(t *testing.T) {
	const password, header, token = "canary-password", "canary-header", "canary-token"
	hmacKey, privateKey := webhook.NewSecret(), webhook.SigningEd25519.NewSecret()
	basic := webhook.Auth{Type: webhook.AuthBasic, Username: "u", Password: webhook.Hide(password)}
	sub := webhook.Subscription{
		Headers: webhook.StaticHeaders{"X-Key": header}, Auth: &webhook.Auth{Type: webhook.AuthBearer, Token: webhook.Hide(token)},
		Secrets: webhook.SigningSecrets{Current: privateKey, Previous: hmacKey},
	}
	hidden := []string{password, header, token, hmacKey.Reveal()[len("whsec_"):], privateKey.Reveal()[len("whsk_"):]}
	for _, h := range hidden[:5] {
		hidden = append(hidden, fmt.Sprintf("%x", h), fmt.Sprintf("%X", h))
	}
	type outer struct{ inside any } // fmt looks into it without asking methods
	type private struct {
		secret webhook.Secret
		auth   webhook.Auth
		hidden webhook.Hidden
	}
	for name, v := range map[string]any{
		"Hidden": webhook.Hide(password), "HMAC": hmacKey, "private key": privateKey, "pointer": &privateKey, "Auth": basic, "*Auth": &basic,
		"SigningSecrets": sub.Secrets, "StaticHeaders": sub.Headers, "Subscription": sub, "*Subscription": &sub, "list": []webhook.Secret{hmacKey, privateKey},
		"in a struct": outer{sub.Secrets}, "in private fields": private{privateKey, basic, webhook.Hide(token)}, "in a map": map[string]any{"s": sub},
	} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		shown := []string{log.String(), string(text), fmt.Errorf("wrapped: %v", v).Error(), fmt.Sprint(v), fmt.Sprintln(v)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%o"} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
		for _, s := range shown {
			for i, h := range hidden {
				if strings.Contains(s, h) {
					t.Errorf("%s: canary %d is shown", name, i)
				}
			}
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%o", "%c"} { // not even a pointer to it
		for _, v := range []any{webhook.Hide(password), hmacKey, privateKey} {
			if got := fmt.Sprintf(verb, v); got != webhook.Redacted {
				t.Errorf("%s of a %T: %q", verb, v, got)
			}
		}
	}
	if got := webhook.Hide(password).String(); got != webhook.Redacted {
		t.Errorf("String() = %q", got)
	}
	if text, err := json.Marshal(basic); err != nil || string(text) != `{"type":"basic","username":"u","password":"[redacted]"}` {
		t.Errorf("%s, %v", text, err)
	}
}

func TestHidden(t *testing.T) {
	if first, second := webhook.Hide("a"), webhook.Hide("a"); first != second {
		t.Error("two of the same text differ")
	}
	if webhook.Hide("a") == webhook.Hide("b") || webhook.Hide("") != (webhook.Hidden{}) {
		t.Error("hidden texts do not compare as their texts do")
	}
	var h webhook.Hidden
	if !h.IsZero() || h.Reveal() != "" {
		t.Error("the zero value has a text")
	}
	if err := json.Unmarshal([]byte(`"x"`), &h); err != nil || h.Reveal() != "x" || h.IsZero() {
		t.Errorf("read from JSON: %q, %v", h.Reveal(), err)
	}
}

func TestPrivateKeys(t *testing.T) {
	s := webhook.SigningEd25519.NewSecret()
	again, err := webhook.ParseSecret(s.Reveal())
	if err != nil || again != s || s.Signing() != webhook.SigningEd25519 || webhook.NewSecret().Signing() != webhook.SigningHMAC {
		t.Fatalf("a fresh private key does not parse back: %v", err)
	}
	public, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.PublicKey(), "whpk_"))
	if err != nil || !ed25519.PrivateKey(s.Key()).Public().(ed25519.PublicKey).Equal(ed25519.PublicKey(public)) {
		t.Errorf("public key %s, %v", s.PublicKey(), err)
	}
	if webhook.NewSecret().PublicKey() != "" {
		t.Error("an HMAC secret has a public key")
	}
	other := webhook.SigningEd25519.NewSecret().Key()
	mixed := append(bytes.Clone(s.Key()[:32]), other[32:]...)
	for name, bad := range map[string]string{
		"not base64": "whsk_***", "the seed alone": "whsk_" + base64.StdEncoding.EncodeToString(s.Key()[:32]),
		"halves of two": "whsk_" + base64.StdEncoding.EncodeToString(mixed), "public": s.PublicKey(), "empty": "whsk_",
	} {
		got, err := webhook.ParseSecret(bad)
		if err == nil || !got.IsZero() {
			t.Errorf("%s passes for a private key", name)
		} else if len(bad) > 5 && strings.Contains(err.Error(), bad) {
			t.Errorf("the error repeats it: %v", err)
		}
	}
}

func TestAuthHeader(t *testing.T) {
	sub := webhook.Subscription{Headers: webhook.StaticHeaders{"X-A": "1"}}
	if got := sub.SentHeaders(); len(got) != 1 {
		t.Errorf("without credentials: %d headers", len(got))
	}
	for want, auth := range map[string]webhook.Auth{
		"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==": {Type: webhook.AuthBasic, Username: "Aladdin", Password: webhook.Hide("open sesame")}, // RFC 7617, section 2
		"Basic dGVzdDoxMjPCow==":             {Type: webhook.AuthBasic, Username: "test", Password: webhook.Hide("123£")},           // the same, section 2.1
		"Basic a2V5Og==":                     {Type: webhook.AuthBasic, Username: "key"},
		"Bearer mF_9.B5f-4.1JqM":             {Type: webhook.AuthBearer, Token: webhook.Hide("mF_9.B5f-4.1JqM")}, // RFC 6750, section 2.1
	} {
		sub.Auth = &auth
		if got := sub.SentHeaders(); got["Authorization"] != want || got["X-A"] != "1" || len(sub.Headers) != 1 {
			t.Errorf("Authorization: %q, want %q", got["Authorization"], want)
		}
	}
}

func TestAuthFaults(t *testing.T) {
	basic := func(user, password string) *webhook.Auth {
		return &webhook.Auth{Type: webhook.AuthBasic, Username: user, Password: webhook.Hide(password)}
	}
	bearer := func(token string) *webhook.Auth {
		return &webhook.Auth{Type: webhook.AuthBearer, Token: webhook.Hide(token)}
	}
	for _, tc := range []struct {
		auth    *webhook.Auth
		headers webhook.StaticHeaders
		paths   []string
	}{
		{basic("u", ""), nil, nil},
		{basic("usuário", "señha: x"), nil, nil},
		{bearer("t"), webhook.StaticHeaders{"X-Key": "k"}, nil},
		{&webhook.Auth{}, nil, []string{"/auth/type"}},
		{&webhook.Auth{Type: "digest"}, nil, []string{"/auth/type"}},
		{basic("", "p"), nil, []string{"/auth/username"}},
		{basic("a:b", "p"), nil, []string{"/auth/username"}},
		{basic("a\n", "p\x7f"), nil, []string{"/auth/username", "/auth/password"}},
		{basic("\xff", "\xff"), nil, []string{"/auth/username", "/auth/password"}},
		{bearer(""), nil, []string{"/auth/token"}},
		{bearer("Bearer x"), nil, []string{"/auth/token"}},
		{bearer("a\r\nX: y"), nil, []string{"/auth/token"}},
		{bearer("é"), nil, []string{"/auth/token"}},
		{bearer(strings.Repeat("x", 4096)), nil, []string{"/auth"}},
		{&webhook.Auth{Type: webhook.AuthBearer, Token: webhook.Hide("t"), Username: "u", Password: webhook.Hide("p")}, nil, []string{"/auth/username", "/auth/password"}},
		{&webhook.Auth{Type: webhook.AuthBasic, Username: "u", Token: webhook.Hide("t")}, nil, []string{"/auth/token"}},
		{bearer("t"), webhook.StaticHeaders{"authorization": "x"}, []string{"/auth"}},
	} {
		sub := webhook.Subscription{ClientID: "acme", EventTypes: []webhook.Pattern{"*"}, Auth: tc.auth, Headers: tc.headers}
		sub.SetDefaults()
		var f webhook.Faults
		sub.Validate(&f)
		var paths []string
		for _, fault := range f {
			paths = append(paths, fault.Path)
		}
		if diff := cmp.Diff(tc.paths, paths); diff != "" {
			t.Errorf("%+v: -want +got:\n%s%v", tc.auth, diff, f)
		}
	}
}
