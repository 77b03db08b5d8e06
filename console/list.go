package console

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// pageRows is how many rows a page of a list has.
const pageRows = 50

// pager leads from a page of a list to the next one, for the part "pager".
type pager struct {
	First string // "" on the first page
	Next  string // "" on the last page
}

// afterParam is the key of the last row of the page before.
const afterParam = "after"

// maxAfter is the longest key of a list: a slug of 128, with room.
const maxAfter = 256

// page is the part of a list that a visit asks for.
func (v *visit) page() (store.Page, error) {
	after := v.r.Form.Get(afterParam)
	if len(after) > maxAfter || strings.ContainsFunc(after, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		return store.Page{}, webhook.Malformed("invalid_cursor", "This address does not lead to a page of the list. Start at its first page.")
	}
	return store.Page{Limit: pageRows, After: after}, nil
}

// pager keeps the filters of the page and changes where it begins. next is the
// key that the store has returned.
func (v *visit) pager(next string) pager {
	var p pager
	if v.r.Form.Get(afterParam) != "" {
		p.First = v.with(afterParam, "")
	}
	if next != "" {
		p.Next = v.with(afterParam, next)
	}
	return p
}

// with is the address of this page with one parameter of the query changed;
// "" takes it away.
func (v *visit) with(name, value string) string {
	q := v.r.URL.Query()
	q.Set(name, value)
	return address(v.r.URL.Path, q)
}

// address is a path with those parameters that are not empty.
func address(path string, q url.Values) string {
	for name := range q {
		if q.Get(name) == "" {
			q.Del(name)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// confirmation asks a person before something is done, for the page "confirm".
// All of it is in words but Action and Back, which are addresses, and Fields.
type confirmation struct {
	Title  string
	Text   string
	Facts  []fact // what it is about
	Action string // where the form is sent by POST
	Fields []fact // hidden fields of the form: name and value
	Do     string // the button
	Danger bool   // it cannot be taken back
	Back   string // where "cancel" leads
}

// fact is a name and a value, in words.
type fact struct{ Name, Value string }

// confirm asks before a form does what it says.
func (v *visit) confirm(q confirmation) error { return v.show("confirm", q) }

// choices are those of a filter: any, and some words that the catalogue has
// under a prefix.
func (v *visit) choices(any, prefix string, words ...string) []choice {
	out := []choice{{Label: v.t(any)}}
	for _, word := range words {
		out = append(out, choice{Value: word, Label: v.c.words[v.lang].orWord(prefix, word)})
	}
	return out
}

// sortedNames are the names of a map, in order.
func sortedNames[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }
