package webhook

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// hides checks that nothing but Reveal shows a text.
func hides(t *testing.T, text string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s %q %s", v, v, v, v, v, b); strings.Contains(shown, text) {
		t.Fatalf("%q is shown: %s", text, shown)
	}
}

// FuzzSecret: what is taken for a signing secret has a key of an allowed size
// and one spelling, and hides; what is not is not repeated.
func FuzzSecret(f *testing.F) {
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	f.Add("whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==")
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS\nw")
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAB==")
	f.Add("whsec_")
	f.Add("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSecret(text)
		if err != nil {
			if len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Fatalf("the error repeats %q: %v", text, err)
			}
			return
		}
		if n := len(s.Key()); n < minSecretBytes || n > maxSecretBytes || s.Reveal() != text || s.IsZero() {
			t.Fatalf("%q was taken, with a key of %d bytes", text, n)
		}
		if _, key, _ := strings.Cut(text, "_"); base64.StdEncoding.EncodeToString(s.Key()) != key {
			t.Fatalf("%q is a second spelling of a secret", text)
		}
		hides(t, text, s)
		hides(t, text, SigningSecrets{Current: s})
	})
}

// FuzzKeyText: what is taken for an API key has one spelling and hides; what
// is not is not repeated.
func FuzzKeyText(f *testing.F) {
	good := KeyText{keyPrefix + idEncoding.EncodeToString(checked(make([]byte, keyRandom)))}.Reveal()
	f.Add(good)
	f.Add(good[:len(good)-1] + "z")
	f.Add(strings.ToUpper(good))
	f.Add(good + "\n")
	f.Add("carteiro_")
	f.Fuzz(func(t *testing.T, text string) {
		k, fault := ParseKeyText(text)
		if fault != "" {
			if len(text) > 12 && strings.Contains(fault, text) {
				t.Fatalf("the fault repeats %q: %s", text, fault)
			}
			return
		}
		raw, err := idEncoding.DecodeString(strings.TrimPrefix(text, keyPrefix))
		if err != nil || keyPrefix+idEncoding.EncodeToString(checked(raw[:keyRandom])) != text || k.Reveal() != text || !strings.HasPrefix(text, k.Start()) {
			t.Fatalf("%q was taken", text)
		}
		hides(t, text, k)
	})
}
