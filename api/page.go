package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Paging is how a list is asked for in parts. (Exported because huma reads
// parameters of exported embedded fields only.)
type Paging struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500" doc:"how many entries at most"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
}

// list is one page.
type list[T any] struct {
	Data       []T     `json:"data" nullable:"false"`
	NextCursor *string `json:"next_cursor" doc:"for the next page; null when there is none"`
}

// page reads the cursor of a list.
func (p Paging) page(name string) (store.Page, error) {
	after, err := parseCursor(name, p.Cursor)
	return store.Page{Limit: p.Limit, After: after}, err
}

// listOf answers with a page of views.
func listOf[V, T any](name string, rows []T, next string, view func(*T) V) *reply[list[V]] {
	l := list[V]{Data: make([]V, len(rows))}
	for i := range rows {
		l.Data[i] = view(&rows[i])
	}
	if next != "" {
		c := cursor(name, next)
		l.NextCursor = &c
	}
	return &reply[list[V]]{Value: l}
}

// A cursor is a version, the name of its list and the key of the last entry
// shown, with a checksum: what a person mistyped, or took from another list,
// is told, not obeyed. It is no secret and grants nothing.
const (
	cursorVersion  = "1"
	cursorChecksum = 6   // bytes
	maxCursor      = 512 // characters; the longest key is a slug of 128
)

func cursor(list, key string) string {
	text := cursorVersion + "|" + list + "|" + key
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(append(sum[:cursorChecksum], text...))
}

func parseCursor(list, c string) (key string, err error) {
	if c == "" {
		return "", nil
	}
	invalid := &webhook.Error{
		Kind: webhook.KindMalformed, Code: "invalid_cursor",
		Message: "The cursor was not made by this list. Use next_cursor of the page before, unchanged, or start without one.",
		Faults:  webhook.Faults{{Path: "cursor", Message: "is no cursor of this list"}},
	}
	if len(c) > maxCursor {
		return "", invalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(c)
	if err != nil || len(raw) < cursorChecksum {
		return "", invalid
	}
	text := raw[cursorChecksum:]
	sum := sha256.Sum256(text)
	key, ok := strings.CutPrefix(string(text), cursorVersion+"|"+list+"|")
	if !ok || !bytes.Equal(sum[:cursorChecksum], raw[:cursorChecksum]) || !printable(key) {
		return "", invalid
	}
	return key, nil
}

// printable tells whether s is printable ASCII, and something: whatever a key
// of a list may be.
func printable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r > 0x7e })
}
