package webhook

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
)

// Signing is how messages are signed (Standard Webhooks).
type Signing string

const (
	// SigningHMAC is the default: HMAC-SHA256, with one secret that both sides
	// know. Its signatures begin with "v1,".
	SigningHMAC Signing = "hmac"
	// SigningEd25519 signs with a private key that never leaves; the receiver
	// knows the public one only. Its signatures begin with "v1a,".
	SigningEd25519 Signing = "ed25519"
)

// Fault says what is wrong with a way of signing, or "".
func (k Signing) Fault() string {
	if k == SigningHMAC || k == SigningEd25519 {
		return ""
	}
	return `is not allowed: "hmac" or "ed25519"`
}

// Secret is a signing secret as Standard Webhooks writes it: "whsec_" and the
// HMAC key in base64, or "whsk_" and the ed25519 private key. It hides itself
// from logs, formats and JSON; Reveal is the only way to its text.
type Secret struct{ Hidden }

// The prefixes of Standard Webhooks' keys.
const (
	secretPrefix     = "whsec_" // HMAC
	privateKeyPrefix = "whsk_"  // ed25519, 64 bytes: the seed and the public key
	publicKeyPrefix  = "whpk_"  // ed25519, 32 bytes; no secret
)

// Sizes of an HMAC key in bytes, from the Standard Webhooks specification.
const (
	minSecretBytes = 24
	maxSecretBytes = 64
	newSecretBytes = 32
)

// NewSecret makes a fresh HMAC secret of 32 random bytes.
func NewSecret() Secret { return SigningHMAC.NewSecret() }

// NewSecret makes a fresh secret of this kind; the zero kind is HMAC.
func (k Signing) NewSecret() Secret {
	if k == SigningEd25519 {
		_, key, _ := ed25519.GenerateKey(nil) // never fails (crypto/rand)
		return Secret{Hide(privateKeyPrefix + base64.StdEncoding.EncodeToString(key))}
	}
	key := make([]byte, newSecretBytes)
	rand.Read(key) // never fails (crypto/rand)
	return Secret{Hide(secretPrefix + base64.StdEncoding.EncodeToString(key))}
}

// ParseSecret checks the form of a secret. The error does not repeat it.
func ParseSecret(s string) (Secret, error) {
	if rest, ok := strings.CutPrefix(s, privateKeyPrefix); ok {
		if err := privateKeyFault(rest); err != nil {
			return Secret{}, err
		}
		return Secret{Hide(s)}, nil
	}
	rest, ok := strings.CutPrefix(s, secretPrefix)
	if !ok {
		return Secret{}, errors.New("a signing secret starts with \"whsec_\", a private key with \"whsk_\"")
	}
	key, err := decodeKey(rest)
	if err != nil {
		return Secret{}, errors.New("a signing secret is base64 after \"whsec_\"")
	}
	if len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return Secret{}, errors.New("a signing secret holds 24 to 64 bytes")
	}
	return Secret{Hide(s)}, nil
}

// decodeKey reads base64 that has one spelling: the decoder alone would also
// take line breaks, and bits at the end that nothing stands on.
func decodeKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && base64.StdEncoding.EncodeToString(key) != text {
		err = errors.New("it has another spelling")
	}
	return key, err
}

func privateKeyFault(text string) error {
	key, err := decodeKey(text)
	switch {
	case err != nil:
		return errors.New("a private key is base64 after \"whsk_\"")
	case len(key) != ed25519.PrivateKeySize:
		return errors.New("a private key holds 64 bytes: the seed and the public key")
	case !bytes.Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), key):
		return errors.New("the private key's two halves do not belong together")
	}
	return nil
}

// Signing tells which kind of secret it is.
func (s Secret) Signing() Signing {
	if strings.HasPrefix(s.Reveal(), privateKeyPrefix) {
		return SigningEd25519
	}
	return SigningHMAC
}

// Key returns the raw key that signs, or nil for the zero secret.
func (s Secret) Key() []byte {
	_, text, _ := strings.Cut(s.Reveal(), "_")
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return key
}

// Verifier returns what a receiver verifies with: the secret that both sides
// share (HMAC), or the public key (ed25519). A private key is shown to nobody.
func (s Secret) Verifier() string {
	if public := s.PublicKey(); public != "" {
		return public
	}
	return s.Reveal()
}

// PublicKey returns what a receiver verifies ed25519 signatures with, as
// Standard Webhooks writes it ("whpk_…"); it is no secret. "" for HMAC.
func (s Secret) PublicKey() string {
	if s.Signing() != SigningEd25519 {
		return ""
	}
	return publicKeyPrefix + base64.StdEncoding.EncodeToString(s.Key()[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}
