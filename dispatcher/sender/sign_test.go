package sender

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The vectors of the Standard Webhooks project.
func TestSignVectors(t *testing.T) {
	for _, v := range []struct {
		secret, body, want string
		id                 webhook.MessageID
		at                 int64
	}{
		{
			secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body: `{"test": 2432232314}`,
			id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at: 1614265330,
			want: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		},
		{
			secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", body: `{"email":"test@example.com","username":"test_user"}`,
			id: "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", at: 1649367553,
			want: "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
		},
	} {
		got := Sign([]webhook.Secret{secret(t, v.secret)}, v.id, time.Unix(v.at, 999), []byte(v.body))
		if got != v.want {
			t.Errorf("signature of %s = %q, want %q", v.id, got, v.want)
		}
	}
}

func TestSignWithoutASecretIsEmpty(t *testing.T) {
	if got := Sign([]webhook.Secret{{}}, "msg_1", time.Now(), nil); got != "" {
		t.Errorf("signature = %q", got)
	}
}

// While a rotation overlaps, whoever knows either secret verifies, and nobody else.
func TestSignTwoSecrets(t *testing.T) {
	current, previous := webhook.NewSecret(), webhook.NewSecret()
	body, now := []byte(`{"a":1}`), time.Now()
	r := &Request{MessageID: "msg_1", Body: body, Secrets: []webhook.Secret{current, previous}}
	h := newSender(t).Headers(r, now)
	for name, s := range map[string]webhook.Secret{"current": current, "previous": previous} {
		if err := verify(t, s, body, h); err != nil {
			t.Errorf("the %s secret does not verify: %v", name, err)
		}
	}
	if verify(t, webhook.NewSecret(), body, h) == nil {
		t.Error("a foreign secret verifies")
	}
	if verify(t, current, []byte(`{"a":2}`), h) == nil {
		t.Error("another body verifies")
	}
	if first, _, _ := strings.Cut(h.Get("webhook-signature"), " "); first != Sign([]webhook.Secret{current}, "msg_1", now, body) {
		t.Error("the current secret's signature is not the first")
	}
}

// verify is the independent judge: the library of the Standard Webhooks project.
func verify(t testing.TB, s webhook.Secret, body []byte, h http.Header) error {
	t.Helper()
	judge, err := standardwebhooks.NewWebhook(s.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return judge.Verify(body, h)
}

func FuzzSign(f *testing.F) {
	f.Add("msg_1", []byte("{}"), bytes.Repeat([]byte{7}, 24))
	f.Add(strings.Repeat("x", 200), []byte{}, bytes.Repeat([]byte{0}, 64))
	f.Fuzz(func(t *testing.T, id string, body, key []byte) {
		if id == "" || len(key) < 24 || len(key) > 64 {
			return // no key and id that a request can have
		}
		judge, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		want, err := judge.Sign(id, now, body)
		if err != nil {
			t.Fatal(err)
		}
		s, err := webhook.ParseSecret("whsec_" + base64.StdEncoding.EncodeToString(key))
		if err != nil {
			t.Fatal(err)
		}
		if got := Sign([]webhook.Secret{s}, webhook.MessageID(id), now, body); got != want {
			t.Errorf("signature = %q, the library's is %q", got, want)
		}
	})
}
