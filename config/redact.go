package config

import (
	"regexp"
	"strings"
)

// redactURL hides the password of a URL. It does not parse the URL: it must
// also hide what is in a wrong one, and url.Parse refuses several hosts.
// So everything up to the last @ counts as user and password.
func redactURL(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	switch {
	case text == "" || text == "embedded" || strings.HasPrefix(text, "sqlite:"):
		return text
	case !ok:
		return redacted // not a URL: perhaps host=db password=… of another tool
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, _, hasPassword := strings.Cut(rest[:i], ":")
		if !hasPassword {
			user = redacted // a token in the place of the user
		} else {
			user += ":" + redacted
		}
		rest = user + rest[i:]
	}
	return scheme + "://" + redactQuery(rest)
}

// redactQuery hides the values of the parameters that carry secrets:
// password and sslpassword of PostgreSQL, authMechanismProperties of MongoDB.
func redactQuery(text string) string {
	path, query, ok := strings.Cut(text, "?")
	if !ok {
		return text
	}
	secret := regexp.MustCompile(`(?i)([^&]*(?:pass|secret|token|authmechanismproperties)[^&=]*=)[^&]*`)
	return path + "?" + secret.ReplaceAllString(query, "${1}"+redacted)
}
