package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The texts of the pages: for each language a folder, in it a file for each
// noun, in it an object of keys and texts. Places in a text are Go's verbs; a
// text that counts has a key with ".one" and one with ".other".
//
//go:embed locale
var localeFiles embed.FS

// catalogue is every text of a language, by key.
type catalogue map[string]string

func (c *console) loadWords() error {
	c.words = map[lang]catalogue{}
	for _, l := range langs() {
		words, err := readCatalogue(localeFiles, "locale/"+string(l))
		if err != nil {
			return err
		}
		c.words[l] = words
	}
	return nil
}

func readCatalogue(files fs.FS, dir string) (catalogue, error) {
	words := catalogue{}
	names, err := fs.Glob(files, path.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var part map[string]string
		if err := json.Unmarshal(text, &part); err != nil {
			return nil, fmt.Errorf("console: %s: %w", name, err)
		}
		for key, word := range part {
			if words.has(key) {
				return nil, fmt.Errorf("console: %s: the key %q is in another file too", name, key)
			}
			words[key] = word
		}
	}
	return words, nil
}

func (w catalogue) has(key string) bool { _, ok := w[key]; return ok }

// text is the text of a key with its places filled. A key that is not there
// is our own fault; the tests look for it, and here it is seen.
func (w catalogue) text(key string, args ...any) string {
	word, ok := w[key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	if len(args) == 0 {
		return word
	}
	return fmt.Sprintf(word, args...)
}

// count is the text of a key for a number, with the number as its first place.
// Both languages have two forms; Portuguese counts nothing as one.
func (w catalogue) count(l lang, key string, n int, args ...any) string {
	form := ".other"
	if n == 1 || (n == 0 && l == portuguese) {
		form = ".one"
	}
	return w.text(key+form, append([]any{l.number(n)}, args...)...)
}

// t is a text in the visitor's language.
func (v *visit) t(key string, args ...any) string { return v.c.words[v.lang].text(key, args...) }

// told is what another package says of a fault or an error, in the visitor's
// language.
func (v *visit) told(message string) string {
	return webhook.Translated(message, webhook.Language(v.lang))
}

// orWord is the text of a key, or a word as it is when the catalogue has none
// for it: of a list that may grow.
func (w catalogue) orWord(prefix, word string) string {
	if w.has(prefix + word) {
		return w[prefix+word]
	}
	return strings.ReplaceAll(word, "_", " ")
}
