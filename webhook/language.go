package webhook

import (
	"strconv"
	"strings"
)

// Language is one that sentences for people come in, as BCP 47 names it.
type Language string

// The languages.
const (
	English    Language = "en"
	Portuguese Language = "pt-BR"
)

// Languages lists them; the first one is for whoever asks for none of them.
func Languages() []Language { return []Language{English, Portuguese} }

// PreferredLanguage reads an Accept-Language header (RFC 9110, 12.5.4): the
// language with the highest weight, of two alike the first one. Any Portuguese
// is answered in ours.
func PreferredLanguage(accept string) Language {
	best, weight := Languages()[0], 0.0
	for part := range strings.SplitSeq(accept, ",") {
		tag, params, _ := strings.Cut(part, ";")
		lang, known := languageOf(strings.TrimSpace(tag))
		if q := languageWeight(params); known && q > weight {
			best, weight = lang, q
		}
	}
	return best
}

func languageOf(tag string) (lang Language, known bool) {
	if tag == "*" {
		return Languages()[0], true
	}
	primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
	for _, l := range Languages() {
		if own, _, _ := strings.Cut(string(l), "-"); own == primary {
			return l, true
		}
	}
	return "", false
}

// languageWeight reads "q=0.8"; what cannot be read counts as nothing.
func languageWeight(params string) float64 {
	name, value, there := strings.Cut(strings.TrimSpace(params), "=")
	if !there {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || !(q <= 1) {
		return 0
	}
	return q
}
