package api

import (
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// What is here reads documents that scan has found to be JSON; it checks
// nothing again.

// member is a name of an object, with the bytes of its value.
type member struct {
	name  string
	value []byte
	taken bool
}

// members splits an object.
func members(object []byte) []member {
	out := make([]member, 0, 8)
	r := reader{data: object, pos: 1}
	for r.next('}') {
		name := r.value()
		r.next(':') // the colon, as a separator
		out = append(out, member{name: string(unquoteName(name)), value: r.value()})
	}
	return out
}

// elements splits an array.
func elements(array []byte) [][]byte {
	var out [][]byte
	r := reader{data: array, pos: 1}
	for r.next(']') {
		out = append(out, r.value())
	}
	return out
}

// trimmed is the one value of a document, without the space around it.
func trimmed(document []byte) []byte {
	r := reader{data: document}
	r.next(0)
	return r.value()
}

// reader cuts values out of a valid document.
type reader struct {
	data []byte
	pos  int
}

// next goes on to the next value, over separators. It tells whether there is
// one before the closing bracket.
func (r *reader) next(closing byte) bool {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			r.pos++
		default:
			return c != closing
		}
	}
	return false
}

// value returns the value at the present place, and goes behind it.
func (r *reader) value() []byte {
	start := r.pos
	switch r.data[r.pos] {
	case '"':
		r.text()
	case '{', '[':
		r.nested()
	default:
		for r.pos < len(r.data) && !endsScalar(r.data[r.pos]) {
			r.pos++
		}
	}
	return r.data[start:r.pos:r.pos]
}

func endsScalar(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', ',', ':', '}', ']':
		return true
	}
	return false
}

func (r *reader) text() {
	for r.pos++; r.data[r.pos] != '"'; r.pos++ {
		if r.data[r.pos] == '\\' {
			r.pos++
		}
	}
	r.pos++
}

func (r *reader) nested() {
	for depth := 0; ; {
		switch r.data[r.pos] {
		case '"':
			r.text()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		r.pos++
		if depth == 0 {
			return
		}
	}
}

// unquoteName reads a name. Half a surrogate pair becomes U+FFFD.
func unquoteName(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	for _, c := range inner {
		if c == '\\' {
			var s string
			if err := json.Unmarshal(quoted, &s); err != nil {
				return inner // it was scanned: it always reads
			}
			return []byte(s)
		}
	}
	return inner
}

// unquote reads a string, or tells what is wrong with it: JSON may spell what
// is no text, half a surrogate pair, and what PostgreSQL cannot hold, NUL.
func unquote(quoted []byte) (text, fault string) {
	inner := quoted[1 : len(quoted)-1]
	for i := 0; i < len(inner); i++ {
		if inner[i] != '\\' {
			continue
		}
		i++
		if inner[i] != 'u' {
			continue
		}
		r := hex4(inner[i+1:])
		i += 4
		switch {
		case r == 0:
			return "", `contains U+0000, which is not allowed here`
		case utf16.IsSurrogate(r):
			if i+6 >= len(inner) || inner[i+1] != '\\' || inner[i+2] != 'u' ||
				utf16.DecodeRune(r, hex4(inner[i+3:])) == utf8.RuneError {
				return "", `contains half of a surrogate pair`
			}
			i += 6
		}
	}
	return string(unquoteName(quoted)), ""
}

func hex4(digits []byte) rune {
	n, err := strconv.ParseUint(string(digits[:4]), 16, 32)
	if err != nil {
		return utf8.RuneError // it was scanned: it always reads
	}
	return rune(n)
}
