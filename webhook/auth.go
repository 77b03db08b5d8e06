package webhook

import (
	"encoding/base64"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"
)

// AuthType names how requests authenticate to a receiver.
type AuthType string

const (
	// AuthBasic is a user name and a password (RFC 7617).
	AuthBasic AuthType = "basic"
	// AuthBearer is a token (RFC 6750).
	AuthBearer AuthType = "bearer"
)

// Auth is what a request tells a receiver that wants to know who asks. Type
// and user name may be shown; password and token hide themselves.
type Auth struct {
	Type     AuthType `json:"type" enum:"basic,bearer"`
	Username string   `json:"username,omitempty"`
	Password Hidden   `json:"password,omitzero"`
	Token    Hidden   `json:"token,omitzero"`
}

// Header is the value of the Authorization header. It is secret.
func (a *Auth) Header() string {
	if a.Type == AuthBasic {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.Username+":"+a.Password.Reveal()))
	}
	return "Bearer " + a.Token.Reveal()
}

// authorization is the header that Auth sets.
const authorization = "Authorization"

// SentHeaders are the headers that the subscription adds to each request:
// the static ones, and its credentials.
func (s *Subscription) SentHeaders() StaticHeaders {
	if s.Auth == nil {
		return s.Headers
	}
	sent := make(StaticHeaders, len(s.Headers)+1)
	maps.Copy(sent, s.Headers)
	sent[authorization] = s.Auth.Header()
	return sent
}

func (s *Subscription) validateAuth(f *Faults) {
	a := s.Auth
	if a == nil {
		return
	}
	switch a.Type {
	case AuthBasic:
		a.validateBasic(f)
	case AuthBearer:
		a.validateBearer(f)
	default:
		f.Add("/auth/type", "%q is not allowed: \"basic\" or \"bearer\"", clip(string(a.Type)))
		return
	}
	if len(authorization)+len(a.Header()) > MaxHeaderBytes {
		f.Add("/auth", "makes an Authorization header longer than %d bytes", MaxHeaderBytes)
	}
	for name := range s.Headers {
		if strings.EqualFold(name, authorization) {
			f.Add("/auth", "cannot be set beside the static header Authorization: remove one of the two")
		}
	}
}

// validateBasic notes what RFC 7617 does not allow. The password may be empty:
// some receivers take a key as the user name and nothing else.
func (a *Auth) validateBasic(f *Faults) {
	switch {
	case a.Username == "":
		f.Add("/auth/username", "must not be empty")
	case strings.Contains(a.Username, ":"):
		f.Add("/auth/username", "must not contain a colon (RFC 7617)")
	case !isAuthText(a.Username):
		f.Add("/auth/username", "has control characters, or is not UTF-8")
	}
	if !isAuthText(a.Password.Reveal()) {
		f.Add("/auth/password", "has control characters, or is not UTF-8")
	}
	if !a.Token.IsZero() {
		f.Add("/auth/token", "belongs to the type \"bearer\"")
	}
}

func (a *Auth) validateBearer(f *Faults) {
	token := a.Token.Reveal()
	switch {
	case token == "":
		f.Add("/auth/token", "must not be empty")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		f.Add("/auth/token", "must be printable ASCII without spaces; leave out the word Bearer")
	}
	if a.Username != "" {
		f.Add("/auth/username", "belongs to the type \"basic\"")
	}
	if !a.Password.IsZero() {
		f.Add("/auth/password", "belongs to the type \"basic\"")
	}
}

func isAuthText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
