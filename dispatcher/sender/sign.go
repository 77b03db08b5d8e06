package sender

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Sign returns the value of the webhook-signature header (Standard Webhooks):
// one signature of "id.timestamp.body" per secret, separated by spaces:
// "v1,<base64>" is an HMAC-SHA256, "v1a,<base64>" is ed25519. With two secrets,
// while a rotation overlaps, a client that knows either of them verifies the
// message, also when they are of different kinds.
func Sign(secrets []webhook.Secret, id webhook.MessageID, at time.Time, body []byte) string {
	var prefix [96]byte
	signed := append(prefix[:0], id...)
	signed = append(signed, '.')
	signed = strconv.AppendInt(signed, at.Unix(), 10)
	signed = append(signed, '.')

	const each = len("v1a,") + (ed25519.SignatureSize+2)/3*4 + len(" ")
	out := make([]byte, 0, len(secrets)*each)
	for _, secret := range secrets {
		// The key is decoded each time: it costs less than a cache would, and
		// no copy of it stays behind.
		key := secret.Key()
		if len(key) == 0 {
			continue // the zero secret signs nothing
		}
		if len(out) > 0 {
			out = append(out, ' ')
		}
		if secret.Signing() == webhook.SigningEd25519 {
			out = appendEd25519(out, key, signed, body)
		} else {
			out = appendHMAC(out, key, signed, body)
		}
	}
	return string(out)
}

func appendHMAC(out, key, signed, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(signed)
	mac.Write(body)
	var sum [sha256.Size]byte
	out = append(out, "v1,"...)
	return base64.StdEncoding.AppendEncode(out, mac.Sum(sum[:0]))
}

// appendEd25519 needs a copy of the body: ed25519 reads its message twice.
func appendEd25519(out []byte, key ed25519.PrivateKey, signed, body []byte) []byte {
	message := make([]byte, 0, len(signed)+len(body))
	message = append(append(message, signed...), body...)
	out = append(out, "v1a,"...)
	return base64.StdEncoding.AppendEncode(out, ed25519.Sign(key, message))
}
