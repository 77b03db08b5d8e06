package console

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// lang is a language of the pages: one of those that deliveries are explained in.
type lang webhook.Language

const (
	english    = lang(webhook.English)
	portuguese = lang(webhook.Portuguese)
)

// langs lists the languages; the first is for whoever asks for none of them.
func langs() []lang { return []lang{english, portuguese} }

const (
	langCookie  = "carteiro_lang"
	themeCookie = "carteiro_theme"
	doneCookie  = "carteiro_done"
)

// preferenceTime is how long a browser keeps what was chosen.
const preferenceTime = 365 * 24 * time.Hour

// langOf is the language that was chosen, or else the best of those that the
// browser asks for.
func langOf(r *http.Request) lang {
	if k, err := r.Cookie(langCookie); err == nil && slices.Contains(langs(), lang(k.Value)) {
		return lang(k.Value)
	}
	return lang(webhook.PreferredLanguage(r.Header.Get("Accept-Language")))
}

// theme is "light", "dark", or "" for what the system has.
func (v *visit) theme() string {
	k, err := v.r.Cookie(themeCookie)
	if err != nil || (k.Value != "light" && k.Value != "dark") {
		return ""
	}
	return k.Value
}

// setPreferences notes the language and the colours that were chosen, and goes
// back to the page. They are no secret, and hold for signing in too.
func (c *console) setPreferences(v *visit) error {
	for name, known := range map[string][]string{
		langCookie: {string(english), string(portuguese)}, themeCookie: {"", "light", "dark"},
	} {
		field := strings.TrimPrefix(name, "carteiro_")
		if !v.r.PostForm.Has(field) || !slices.Contains(known, v.r.PostForm.Get(field)) {
			continue
		}
		k := v.cookie(name, v.r.PostForm.Get(field))
		k.Name = name // the same with and without encryption
		v.setCookie(k, preferenceTime)
	}
	if next := v.r.PostForm.Get("next"); strings.HasPrefix(next, "/console/sign-in") && !strings.ContainsAny(next, "\\\r\n") {
		return v.to(next)
	}
	return v.to(v.next())
}

// finish ends a form that did what it was asked to: the page that it leads to
// says so once. key is of the catalogue, args fill its places.
func (v *visit) finish(to, key string, args ...string) error {
	value := url.Values{"key": {key}, "arg": args}.Encode()
	v.setCookie(v.cookie(doneCookie, value), time.Minute)
	return v.to(to)
}

// takeDone reads the message of the action before, which is shown once.
func (v *visit) takeDone() {
	value := v.cookieValue(doneCookie)
	if value == "" || v.r.Method != get || v.r.Header.Get(liveHeader) != "" {
		return
	}
	v.dropCookie(doneCookie)
	said, err := url.ParseQuery(value)
	if err != nil || !v.c.words[v.lang].has(said.Get("key")) {
		return
	}
	args := make([]any, len(said["arg"]))
	for i, a := range said["arg"] {
		args[i] = a
	}
	v.done = v.t(said.Get("key"), args...)
}

// liveHeader is on requests of the script that keeps a page up to date.
const liveHeader = "Carteiro-Live"
