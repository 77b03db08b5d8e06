package config

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// Secret is a text that hides itself from every form of printing. Only
// [Secret.Reveal] tells it.
type Secret struct {
	text *string // a pointer, because fmt looks into the unexported fields of others
}

// NewSecret hides a text.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the text itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Empty tells whether there is no secret.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}

// String says whether there is a secret, not which.
func (s Secret) String() string {
	if s.Empty() {
		return ""
	}
	return redacted
}

// Format hides the secret from every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// EncryptionKey decodes SecretKey. It is an error when there is none: with the
// embedded database the caller makes one and keeps it in the data directory.
func (c *Config) EncryptionKey() (key [32]byte, err error) {
	if c.SecretKey.Empty() {
		return key, errors.New("there is no secret key")
	}
	return DecodeKey(c.SecretKey.Reveal())
}

// FormerKeys decodes SecretKeysOld.
func (c *Config) FormerKeys() (keys [][32]byte, err error) {
	if c.SecretKeysOld.Empty() {
		return nil, nil
	}
	for i, text := range strings.Split(c.SecretKeysOld.Reveal(), ",") {
		key, err := DecodeKey(strings.TrimSpace(text))
		if err != nil {
			return nil, fault("has at place %d what %v", i+1, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// DecodeKey reads a key of 32 bytes from hex or from base64 of either
// alphabet, padded or not. The error never quotes the key.
func DecodeKey(text string) (key [32]byte, err error) {
	if strings.ContainsAny(text, "\r\n") { // which the decoders of base64 would pass over
		return key, fault("has a line break")
	}
	decoded := 0
	decoders := []func(string) ([]byte, error){
		hex.DecodeString,
		base64.RawStdEncoding.Strict().DecodeString,
		base64.RawURLEncoding.Strict().DecodeString,
	}
	for _, decode := range decoders {
		bytes, err := decode(strings.TrimRight(text, "="))
		if err != nil {
			continue
		}
		if len(bytes) == len(key) {
			return [32]byte(bytes), nil
		}
		decoded = len(bytes)
	}
	if decoded > 0 {
		return key, fault("decodes to %d bytes instead of 32", decoded)
	}
	return key, fault("is neither base64 nor hex")
}
