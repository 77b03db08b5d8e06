package webhook

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
)

// Secret is a signing secret as Standard Webhooks writes it: "whsec_" and the
// key in base64. It hides itself from logs, formats and JSON; Reveal is the
// only way to its text.
type Secret struct{ text string }

const secretPrefix = "whsec_"

// Sizes of a signing key in bytes, from the Standard Webhooks specification.
const (
	minSecretBytes = 24
	maxSecretBytes = 64
	newSecretBytes = 32
)

// NewSecret makes a fresh secret of 32 random bytes.
func NewSecret() Secret {
	key := make([]byte, newSecretBytes)
	rand.Read(key) // never fails (crypto/rand)
	return Secret{secretPrefix + base64.StdEncoding.EncodeToString(key)}
}

// ParseSecret checks the form of a secret. The error does not repeat it.
func ParseSecret(s string) (Secret, error) {
	rest, ok := strings.CutPrefix(s, secretPrefix)
	if !ok {
		return Secret{}, errors.New("a signing secret starts with \"whsec_\"")
	}
	key, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return Secret{}, errors.New("a signing secret is base64 after \"whsec_\"")
	}
	if len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return Secret{}, errors.New("a signing secret holds 24 to 64 bytes")
	}
	return Secret{s}, nil
}

// Reveal returns the secret's text. Call it where the text is meant to go.
func (s Secret) Reveal() string { return s.text }

// Key returns the raw key that signs, or nil for the zero secret.
func (s Secret) Key() []byte {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.text, secretPrefix))
	if err != nil {
		return nil
	}
	return key
}

// IsZero tells whether there is no secret.
func (s Secret) IsZero() bool { return s.text == "" }

// Redacted stands wherever a secret value was taken out.
const Redacted = "[redacted]"

func (s Secret) String() string { return Redacted }

// GoString keeps %#v from showing the text.
func (s Secret) GoString() string { return Redacted }

// LogValue keeps log/slog from showing the text.
func (s Secret) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText keeps JSON from showing the text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
