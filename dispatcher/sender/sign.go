package sender

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Sign returns the value of the webhook-signature header (Standard Webhooks):
// one "v1,<base64>" per secret, separated by spaces, each the HMAC-SHA256 of
// "id.timestamp.body". With two secrets, while a rotation overlaps, a client
// that knows either of them verifies the message.
func Sign(secrets []webhook.Secret, id webhook.MessageID, at time.Time, body []byte) string {
	var prefix [96]byte
	signed := append(prefix[:0], id...)
	signed = append(signed, '.')
	signed = strconv.AppendInt(signed, at.Unix(), 10)
	signed = append(signed, '.')

	const each = len("v1,") + (sha256.Size+2)/3*4 + len(" ")
	out := make([]byte, 0, len(secrets)*each)
	var sum [sha256.Size]byte
	for _, secret := range secrets {
		// The key is decoded each time: it costs less than a cache would, and
		// no copy of it stays behind.
		key := secret.Key()
		if len(key) == 0 {
			continue // the zero secret signs nothing
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(signed)
		mac.Write(body)
		if len(out) > 0 {
			out = append(out, ' ')
		}
		out = append(out, "v1,"...)
		out = base64.StdEncoding.AppendEncode(out, mac.Sum(sum[:0]))
	}
	return string(out)
}
