package sender

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
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
// One that was cut off may end in the begin of a secret.
func withoutEchoes(body []byte, static webhook.StaticHeaders, cut bool) []byte {
	if len(body) == 0 || len(static) == 0 {
		return body
	}
	for _, secret := range hiddenTexts(static) {
		if len(secret) < minEcho {
			continue
		}
		for _, form := range echoForms(secret) {
			body = bytes.ReplaceAll(body, form, []byte(webhook.Redacted))
			if !cut {
				continue
			}
			if n := begun(body, form); n >= minEcho {
				body = append(body[:len(body)-n:len(body)-n], webhook.Redacted...)
			}
		}
	}
	return body
}

// echoForms are a secret as it is, and as JSON may write it.
func echoForms(secret string) [][]byte {
	forms := [][]byte{[]byte(secret)}
	for _, html := range []bool{false, true} {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(html)
		if enc.Encode(secret) != nil {
			continue // a string always encodes
		}
		form := bytes.TrimSuffix(bytes.TrimPrefix(b.Bytes(), []byte(`"`)), []byte("\"\n"))
		forms = append(forms, form, bytes.ReplaceAll(form, []byte("/"), []byte(`\/`)))
	}
	return forms
}

// begun is how much of the begin of a secret stands at the end of a body.
func begun(body, secret []byte) int {
	for n := min(len(body), len(secret)); n > 0; n-- {
		if bytes.HasSuffix(body, secret[:n]) {
			return n
		}
	}
	return 0
}
