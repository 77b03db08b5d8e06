package listen

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Verdict is what a signature is worth.
type Verdict string

// The verdicts.
const (
	Valid     Verdict = "valid"
	Invalid   Verdict = "invalid"
	Unsigned  Verdict = "unsigned"  // a header of Standard Webhooks is missing
	Unchecked Verdict = "unchecked" // no secret was given
)

// Key is what a receiver verifies with.
type Key struct {
	secret []byte            // of HMAC
	public ed25519.PublicKey // of ed25519
}

// ParseKey reads a secret ("whsec_…") or a public key ("whpk_…"). The error
// does not repeat it.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	kind, encoded, _ := strings.Cut(text, "_")
	raw, err := base64.StdEncoding.DecodeString(encoded)
	switch {
	case kind == "whsec" && err == nil && len(raw) > 0:
		return Key{secret: raw}, nil
	case kind == "whpk" && err == nil && len(raw) == ed25519.PublicKeySize:
		return Key{public: raw}, nil
	}
	return Key{}, errors.New("a secret begins with whsec_, a public key with whpk_, and base64 follows")
}

// Headers of Standard Webhooks.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// tolerance is how far a timestamp may be from the clock, as the libraries of
// Standard Webhooks have it.
const tolerance = 5 * time.Minute

// Verify judges a message at a time; why tells what is wrong.
func Verify(keys []Key, h http.Header, body []byte, now time.Time) (v Verdict, why string) {
	for _, name := range []string{headerID, headerTimestamp, headerSignature} {
		if h.Get(name) == "" {
			return Unsigned, "the header " + strings.ToLower(name) + " is missing"
		}
	}
	if len(keys) == 0 {
		return Unchecked, "no secret was given"
	}
	seconds, err := strconv.ParseInt(h.Get(headerTimestamp), 10, 64)
	if err != nil {
		return Invalid, "webhook-timestamp is no number of seconds"
	}
	signed := []byte(h.Get(headerID) + "." + h.Get(headerTimestamp) + "." + string(body))
	if !anyMatches(keys, h.Get(headerSignature), signed) {
		return Invalid, "no signature fits the secret, the id, the timestamp and the body"
	}
	if off := now.Sub(time.Unix(seconds, 0)); off.Abs() > tolerance {
		return Invalid, fmt.Sprintf("the signature fits, but its timestamp is %s off: an old message that somebody sends again, or a wrong clock", off.Abs().Round(time.Second))
	}
	return Valid, ""
}

// anyMatches tells whether one of the signatures is made with one of the keys.
// There are several while a rotation overlaps.
func anyMatches(keys []Key, signatures string, signed []byte) bool {
	for part := range strings.FieldsSeq(signatures) {
		version, encoded, _ := strings.Cut(part, ",")
		signature, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			continue
		}
		for _, k := range keys {
			if k.matches(version, signature, signed) {
				return true
			}
		}
	}
	return false
}

func (k Key) matches(version string, signature, signed []byte) bool {
	switch {
	case version == "v1" && k.secret != nil:
		mac := hmac.New(sha256.New, k.secret)
		mac.Write(signed)
		return hmac.Equal(mac.Sum(nil), signature)
	case version == "v1a" && k.public != nil:
		return ed25519.Verify(k.public, signed, signature)
	}
	return false
}
