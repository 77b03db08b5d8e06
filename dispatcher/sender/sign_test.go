package sender

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
	"pgregory.net/rapid"

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
		{
			secret: "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==", body: `{"test": 2432232314}`,
			id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at: 1614265330,
			want: "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
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
	current, previous := webhook.SigningEd25519.NewSecret(), webhook.NewSecret()
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

// verify is the independent judge: the library of the Standard Webhooks
// project for HMAC; it knows no ed25519, which is judged by the specification's
// text with the public key alone, as a receiver has it.
func verify(t testing.TB, s webhook.Secret, body []byte, h http.Header) error {
	t.Helper()
	if s.Signing() == webhook.SigningEd25519 {
		return verifyPublic(t, s.PublicKey(), body, h)
	}
	judge, err := standardwebhooks.NewWebhook(s.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return judge.Verify(body, h)
}

// verifyPublic verifies with a "whpk_…" key.
func verifyPublic(t testing.TB, public string, body []byte, h http.Header) error {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(public, "whpk_"))
	if err != nil || len(key) != ed25519.PublicKeySize {
		t.Fatalf("public key %q: %v", public, err)
	}
	message := h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "." + string(body)
	for part := range strings.SplitSeq(h.Get("webhook-signature"), " ") {
		text, ok := strings.CutPrefix(part, "v1a,")
		if signature, err := base64.StdEncoding.DecodeString(text); ok && err == nil && ed25519.Verify(key, []byte(message), signature) {
			return nil
		}
	}
	return errors.New("no signature verifies")
}

// P9: however secrets are rotated, at each moment the present one verifies,
// and the one before it until the end that was promised, of whichever kinds
// they are. Nobody else's does, and a secret without an overlap ends at once.
func TestRotationsLeaveNoGap(t *testing.T) {
	s := newSender(t)
	rapid.Check(t, func(rt *rapid.T) {
		kinds := rapid.SampledFrom([]webhook.Signing{"", webhook.SigningHMAC, webhook.SigningEd25519})
		now := time.Now().Truncate(time.Microsecond)
		secrets := webhook.SigningSecrets{Current: kinds.Draw(rt, "first").NewSecret()}
		promised := map[webhook.Secret]time.Time{} // until when each older secret must verify
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			// The library refuses a timestamp that is far from its own clock, so all is within minutes.
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "wait")) * time.Second)
			if rapid.Bool().Draw(rt, "rotate") {
				how := webhook.Rotation{Overlap: time.Duration(rapid.IntRange(0, 60).Draw(rt, "overlap")) * time.Second, Signing: kinds.Draw(rt, "kind")}
				next, err := secrets.Rotate(how, now)
				switch {
				case err != nil && !now.Before(secrets.PreviousUntil):
					rt.Fatalf("refused although nothing overlaps: %v", err)
				case err == nil && how.Overlap == 0:
					promised = map[webhook.Secret]time.Time{secrets.Current: now} // ended by order
				case err == nil:
					promised[secrets.Current] = now.Add(how.Overlap)
				}
				secrets = next
			}
			r := &Request{MessageID: "msg_1", Body: []byte(`{"a":1}`), Secrets: secrets.At(now)}
			h := s.Headers(r, now)
			if err := verify(t, secrets.Current, r.Body, h); err != nil {
				rt.Fatalf("the present secret does not verify: %v", err)
			}
			for old, until := range promised {
				if err := verify(t, old, r.Body, h); (err == nil) != now.Before(until) {
					rt.Fatalf("an older secret, promised for %s more: %v", until.Sub(now), err)
				}
			}
			for _, kind := range []webhook.Signing{webhook.SigningHMAC, webhook.SigningEd25519} {
				if verify(t, kind.NewSecret(), r.Body, h) == nil {
					rt.Fatal("a foreign secret verifies")
				}
			}
		}
	})
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
