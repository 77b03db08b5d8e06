package listen

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func parse(t *testing.T, text string) Key {
	t.Helper()
	k, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signed(id string, at time.Time, signature string) http.Header {
	h := http.Header{}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	h.Set("webhook-signature", signature)
	return h
}

// TestVerifyAgreesWithTheLibrary of Standard Webhooks, for HMAC.
func TestVerifyAgreesWithTheLibrary(t *testing.T) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	judge, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	now, body := time.Now(), []byte(`{"test": 2432232314}`)
	signature, err := judge.Sign("msg_1", now, body)
	if err != nil {
		t.Fatal(err)
	}
	keys := []Key{parse(t, secret)}
	for _, tc := range []struct {
		name string
		h    http.Header
		body string
		at   time.Time
		want Verdict
	}{
		{"as it is", signed("msg_1", now, signature), string(body), now, Valid},
		{"behind others", signed("msg_1", now, "v1,AAAA v2,x "+signature), string(body), now, Valid},
		{"another body", signed("msg_1", now, signature), string(body) + " ", now, Invalid},
		{"another id", signed("msg_2", now, signature), string(body), now, Invalid},
		{"another time", signed("msg_1", now.Add(time.Second), signature), string(body), now, Invalid},
		{"an old one", signed("msg_1", now, signature), string(body), now.Add(6 * time.Minute), Invalid},
		{"no time", http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"soon"}, "Webhook-Signature": {signature}}, string(body), now, Invalid},
		{"no signature", signed("msg_1", now, ""), string(body), now, Unsigned},
	} {
		got, why := Verify(keys, tc.h, []byte(tc.body), tc.at)
		if got != tc.want || (why == "") != (got == Valid) {
			t.Errorf("%s: %s (%s), want %s", tc.name, got, why, tc.want)
		}
		if err := judge.VerifyIgnoringTimestamp([]byte(tc.body), tc.h); tc.at.Equal(now) && (err == nil) != (got == Valid) && tc.name != "no time" {
			t.Errorf("%s: the library says %v", tc.name, err)
		}
	}
	if got, _ := Verify(nil, signed("msg_1", now, signature), body, now); got != Unchecked {
		t.Errorf("without a key: %s", got)
	}
}

// TestVerifyWithAPublicKey: what our sender signs with ed25519, alone and while
// a rotation overlaps.
func TestVerifyWithAPublicKey(t *testing.T) {
	current, previous := webhook.SigningEd25519.NewSecret(), webhook.NewSecret()
	now, body := time.Now(), []byte(`{}`)
	h := signed("msg_1", now, sender.Sign([]webhook.Secret{current, previous}, "msg_1", now, body))
	for text, want := range map[string]Verdict{
		current.PublicKey(): Valid, previous.Reveal(): Valid, webhook.NewSecret().Reveal(): Invalid, webhook.SigningEd25519.NewSecret().PublicKey(): Invalid,
	} {
		if got, why := Verify([]Key{parse(t, text)}, h, body, now); got != want {
			t.Errorf("%s: %s (%s)", text[:6], got, why)
		}
	}
	for _, text := range []string{"", "whsec_", "whsec_%%", "whpk_AAAA", "whsk_AAAA", "secret"} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%q is taken for a key", text)
		}
	}
}
