package console

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var verbs = regexp.MustCompile(`%(\[\d+\])?[a-z%]`)

// TestBothLanguagesSayTheSame: the same keys, with the same places in them.
func TestBothLanguagesSayTheSame(t *testing.T) {
	all := map[lang]catalogue{}
	for _, l := range langs() {
		words, err := readCatalogue(localeFiles, "locale/"+string(l))
		must(t, err)
		all[l] = words
	}
	for _, l := range langs() {
		for key, text := range all[l] {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: %s is empty", l, key)
			}
			for _, other := range langs() {
				if !all[other].has(key) {
					t.Errorf("%s has %s, and %s has not", l, key, other)
					continue
				}
				mine, its := verbs.FindAllString(text, -1), verbs.FindAllString(all[other][key], -1)
				slices.Sort(mine)
				slices.Sort(its)
				if !slices.Equal(mine, its) {
					t.Errorf("%s has the places %q in %s, and %s has %q", l, mine, key, other, its)
				}
			}
		}
	}
}

// TestEveryPageIsInOrder: a page is read when it is first visited, so that a
// fault in it would be found by a visitor.
func TestEveryPageIsInOrder(t *testing.T) {
	h := newHouse(t, 0)
	names, err := fs.Glob(templateFiles, "templates/pages/*.html")
	must(t, err)
	for _, l := range langs() {
		for _, name := range names {
			page, err := h.c.pages[l].page(strings.TrimSuffix(path.Base(name), ".html"))
			must(t, err)
			for _, part := range []string{"title", "content"} {
				if page.Lookup(part) == nil {
					t.Errorf("%s does not define %q", name, part)
				}
			}
		}
	}
	if _, err := h.c.pages[english].page("none"); err == nil {
		t.Error("there is a page that has no file")
	}
}

// A text is used by its key, or by the beginning of keys for a list that may
// grow.
var (
	usedWhole = regexp.MustCompile(`\b(?:t|v\.t|finish\([^,]+,) ?\(?"([a-z0-9_.]+)"`)
	counted   = regexp.MustCompile(`\b(?:tn|v\.tn\() ?"([a-z0-9_.]+)"`)
	usedBegin = regexp.MustCompile(`\b(?:word|orWord\() ?"([a-z0-9_.]+\.)"`)
	quoted    = regexp.MustCompile(`"([a-z0-9_]+(?:\.[A-Za-z0-9_-]+)+)"`)
)

// sources are the package's templates and Go files, tests apart.
func sources(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.go", "templates/*.html", "templates/*/*.html"} {
		names, err := fs.Glob(os.DirFS("."), pattern)
		must(t, err)
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || name == "doc.go" {
				continue
			}
			text, err := os.ReadFile(name)
			must(t, err)
			out[name] = string(text)
		}
	}
	return out
}

// TestEveryTextIsThereAndUsed: no page asks for a key that is not in the
// catalogue, and none is there in vain.
func TestEveryTextIsThereAndUsed(t *testing.T) {
	words, err := readCatalogue(localeFiles, "locale/en")
	must(t, err)
	used := map[string]bool{}
	need := func(file, key string) {
		if used[key] = true; !words.has(key) {
			t.Errorf("%s asks for the text %q, which is not there", file, key)
		}
	}
	for file, text := range sources(t) {
		for _, m := range usedWhole.FindAllStringSubmatch(text, -1) {
			need(file, m[1])
		}
		for _, m := range counted.FindAllStringSubmatch(text, -1) {
			need(file, m[1]+".one")
			need(file, m[1]+".other")
		}
		for _, m := range usedBegin.FindAllStringSubmatch(text, -1) {
			for key := range words {
				used[key] = used[key] || strings.HasPrefix(key, m[1])
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(text, -1) { // in a table of Go
			used[m[1]] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(words)) {
		if !used[key] {
			t.Errorf("nothing asks for the text %q", key)
		}
	}
}

var (
	action    = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	tagged    = regexp.MustCompile(`(?s)<[^>]*>`)
	spoken    = regexp.MustCompile(`\b(?:title|alt|placeholder|aria-label|data-label)="([^"]*)"`)
	letters   = regexp.MustCompile(`\p{L}{2,}`)
	notSpoken = regexp.MustCompile(`Carteiro|UTC|GMT-3`)
)

// TestNoTextStandsInATemplate: whatever a person reads or hears comes from the
// catalogue, or a page would speak two languages at once.
func TestNoTextStandsInATemplate(t *testing.T) {
	for file, text := range sources(t) {
		if !strings.HasSuffix(file, ".html") {
			continue
		}
		text = action.ReplaceAllString(text, "")
		for _, m := range spoken.FindAllStringSubmatch(text, -1) {
			if letters.MatchString(m[1]) {
				t.Errorf("%s: an attribute says %q by itself", file, m[1])
			}
		}
		bare := notSpoken.ReplaceAllString(tagged.ReplaceAllString(text, "\n"), "")
		for line := range strings.Lines(bare) {
			if letters.MatchString(line) {
				t.Errorf("%s says %q by itself", file, strings.TrimSpace(line))
			}
		}
	}
}
