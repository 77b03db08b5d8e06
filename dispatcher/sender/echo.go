package sender

import (
	"bytes"
	"encoding/base64"
	"strings"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// A receiver can send back what it was given: a debugging endpoint shows every
// header of a request in its answer. What is secret in the request is taken
// out before the answer is kept.

// minEcho is the shortest secret that is looked for in an answer's body:
// shorter ones are in many bodies by chance.
const minEcho = 8

// hiddenTexts are the values of a subscription's headers, with the forms in
// which a receiver may show credentials: without the scheme, and decoded.
func hiddenTexts(static webhook.StaticHeaders) []string {
	var out []string
	for _, value := range static {
		if value == "" {
			continue
		}
		out = append(out, value)
		scheme, rest, ok := strings.Cut(value, " ")
		if !ok || rest == "" {
			continue
		}
		switch strings.ToLower(scheme) {
		case "bearer":
			out = append(out, rest)
		case "basic":
			out = append(out, rest)
			plain, err := base64.StdEncoding.DecodeString(rest)
			if _, password, _ := strings.Cut(string(plain), ":"); err == nil && password != "" {
				out = append(out, password)
			}
		}
	}
	return out
}

// withoutEchoes returns an answer's body without the secrets of its request.
func withoutEchoes(body []byte, static webhook.StaticHeaders) []byte {
	if len(body) == 0 || len(static) == 0 {
		return body
	}
	for _, secret := range hiddenTexts(static) {
		if len(secret) >= minEcho {
			body = bytes.ReplaceAll(body, []byte(secret), []byte(webhook.Redacted))
		}
	}
	return body
}
