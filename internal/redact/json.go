package redact

import (
	"bytes"
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON takes out of a JSON text what the rules name, and what [Text] finds in
// what is left: in strings, in the names of fields, in whole numbers. at is
// where the text stands in the one that the paths count from. Numbers and truth
// values that are taken out become strings; null stays.
//
// A text that breaks off, or is no JSON at all, is treated alike as far as it
// goes, and is no JSON afterwards either. It returns text itself when there is
// nothing to take out.
func (r *Rules) JSON(text []byte, at ...string) []byte {
	start := bytes.TrimLeft(text, " \t\r\n")
	if len(start) == 0 || start[0] != '{' && start[0] != '[' && !json.Valid(text) {
		return Text(text)
	}
	w := walker{r: r, in: text, here: r.root()}
	for _, step := range at {
		w.here = r.child(w.here, step, true)
	}
	w.walk()
	if w.out == nil {
		return text
	}
	return append(w.out, text[w.copied:]...)
}

// walker goes through a JSON text once.
type walker struct {
	r      *Rules
	in     []byte
	out    []byte // nil as long as nothing was taken out
	copied int    // up to here, in is in out

	here  place // of the next value
	stack []container
}

// container is an object or an array that is open.
type container struct {
	place
	object bool
	key    bool // the next string is the name of a field
}

// replace puts with in the place of in[from:to].
func (w *walker) replace(from, to int, with []byte) {
	if w.out == nil {
		w.out = make([]byte, 0, len(w.in)+64)
	}
	w.out = append(append(w.out, w.in[w.copied:from]...), with...)
	w.copied = to
}

func (w *walker) walk() {
	for i := 0; i < len(w.in); {
		switch c := w.in[i]; c {
		case '"':
			end := stringEnd(w.in, i)
			w.text(i, end)
			i = end
		case '{', '[':
			w.stack = append(w.stack, container{w.here, c == '{', c == '{'})
			w.element()
			i++
		case '}', ']':
			w.close()
			i++
		case ',':
			w.element()
			i++
		case ':':
			i++
		default:
			end := i + bytes.IndexAny(w.in[i:], "\"{}[],:")
			if end < i {
				end = len(w.in)
			}
			w.bare(i, end)
			i = end
		}
	}
}

// top is the innermost open container, or nil.
func (w *walker) top() *container {
	if len(w.stack) == 0 {
		return nil
	}
	return &w.stack[len(w.stack)-1]
}

// element begins a field or the next place of an array.
func (w *walker) element() {
	top := w.top()
	if top == nil {
		return
	}
	top.key = top.object
	w.here = w.r.child(top.place, "", false)
}

func (w *walker) close() {
	if top := w.top(); top != nil {
		w.here = top.place
		w.stack = w.stack[:len(w.stack)-1]
	}
}

// stringEnd is the end of the string that begins at i, its quote included.
func stringEnd(in []byte, i int) int {
	for i++; i < len(in); i++ {
		switch in[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(in)
}

// text handles a string: the name of a field, or a value.
func (w *walker) text(from, to int) {
	token := w.in[from:to]
	closed := len(token) > 1 && token[len(token)-1] == '"' && json.Valid(token)
	inner := token[1:]
	if len(inner) > 0 && inner[len(inner)-1] == '"' && (closed || !escapedEnd(inner)) {
		inner = inner[:len(inner)-1]
	}
	plain, places := decode(inner)
	if top := w.top(); top != nil && top.key {
		top.key = false
		w.here = w.r.child(top.place, string(plain), true)
	} else if w.here.hidden {
		w.replace(from, to, hiddenString(closed, to == from+1+len(inner)))
		return
	}
	for _, f := range find(plain) {
		if places != nil {
			f = span{places[f.from], places[f.to]}
		}
		w.replace(from+1+f.from, from+1+f.to, []byte(Mark))
	}
}

// escapedEnd tells whether the last byte of s belongs to an escape.
func escapedEnd(s []byte) bool {
	n := 0
	for k := len(s) - 2; k >= 0 && s[k] == '\\'; k-- {
		n++
	}
	return n%2 == 1
}

// hiddenString stands for a string. What was no JSON does not become it: a
// string that breaks off still does, and one with a fault still has one.
func hiddenString(valid, open bool) []byte {
	switch {
	case valid:
		return []byte(`"` + Mark + `"`)
	case open:
		return []byte(`"` + Mark)
	}
	return []byte(`"` + Mark + "\n\"")
}

// bare handles what is no string: a number, true, false, null, or no JSON.
func (w *walker) bare(from, to int) {
	word := bytes.Trim(w.in[from:to], " \t\r\n")
	if len(word) == 0 || string(word) == "null" {
		return
	}
	from += bytes.Index(w.in[from:to], word)
	to = from + len(word)
	if !json.Valid(word) {
		for _, f := range find(word) {
			w.replace(from+f.from, from+f.to, []byte(Mark))
		}
		return
	}
	found := find(word)
	if w.here.hidden || len(found) == 1 && found[0] == (span{0, len(word)}) {
		w.replace(from, to, []byte(`"`+Mark+`"`))
	}
}

// decode reads the inside of a JSON string. places[i] is where the i-th byte
// of plain stands in s, and one more for the end; nil: they are the same. What
// is no escape stays as it is.
func decode(s []byte) (plain []byte, places []int) {
	if bytes.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	plain, places = make([]byte, 0, len(s)), make([]int, 0, len(s)+1)
	for i := 0; i < len(s); {
		c, n := escape(s[i:])
		if n == 0 {
			plain, places = append(plain, s[i]), append(places, i)
			i++
			continue
		}
		before := len(plain)
		plain = utf8.AppendRune(plain, c)
		for range len(plain) - before {
			places = append(places, i)
		}
		i += n
	}
	return plain, append(places, len(s))
}

// escape reads the escape at the begin of s and its length; 0: it is none.
func escape(s []byte) (rune, int) {
	if len(s) < 2 || s[0] != '\\' {
		return 0, 0
	}
	if s[1] != 'u' {
		k := bytes.IndexByte([]byte(`"\/bfnrt`), s[1])
		if k < 0 {
			return 0, 0
		}
		return rune("\"\\/\b\f\n\r\t"[k]), 2
	}
	c, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(c) {
		if low, ok := hex4(s[6:]); ok && utf16.DecodeRune(c, low) != utf8.RuneError {
			return utf16.DecodeRune(c, low), 12
		}
	}
	return c, 6 // half a pair becomes the replacement character
}

// hex4 reads \uXXXX.
func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var c rune
	for _, d := range s[2:6] {
		k := bytes.IndexByte([]byte("0123456789abcdef"), d|0x20)
		if k < 0 || d < '0' {
			return 0, false
		}
		c = c<<4 | rune(k)
	}
	return c, true
}
