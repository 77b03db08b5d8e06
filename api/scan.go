package api

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// scanner walks a JSON document once. It tells the first place where the
// document is no JSON (RFC 8259), and every name that is twice in one object:
// of two values, a schema would check one and a client might read the other.
type scanner struct {
	data   []byte
	pos    int
	path   []step   // where we are
	names  [][]byte // of the objects that are open, the innermost last
	faults *webhook.Faults
}

// step is one step of a path: a name, or an index when name is nil.
type step struct {
	name  []byte
	index int
}

// scan checks a whole document. What cannot be read at all is an error; names
// that are doubled, and nesting that is too deep, are faults.
func scan(data []byte, faults *webhook.Faults) error {
	if !utf8.Valid(data) {
		return notUTF8(data)
	}
	s := &scanner{data: data, faults: faults}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return s.syntax("the body begins with a byte order mark; send it without (RFC 8259, section 8.1)")
	}
	s.space()
	if s.pos == len(data) {
		return webhook.Malformed("malformed_json", "The body is empty; it must be a JSON object.")
	}
	if err := s.value(); err != nil {
		return err
	}
	s.space()
	if s.pos < len(data) {
		return s.syntax("nothing may follow the document's end")
	}
	return nil
}

func notUTF8(data []byte) error {
	at := 0
	for at < len(data) {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return malformed(data, at, "a byte that is not UTF-8")
}

// syntax says what is wrong at the present place.
func (s *scanner) syntax(what string) error { return malformed(s.data, s.pos, what) }

func malformed(data []byte, at int, what string) error {
	before := data[:at]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return webhook.Malformed("malformed_json", "The body is not valid JSON: line %d, column %d (byte %d): %s.", line, column, at, what)
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// value scans one value; the place is at its first byte.
func (s *scanner) value() error {
	if s.pos == len(s.data) {
		return s.syntax("the document ends where a value should be")
	}
	switch c := s.data[s.pos]; {
	case c == '{':
		return s.object()
	case c == '[':
		return s.array()
	case c == '"':
		_, err := s.text()
		return err
	case c == '-' || isDigit(c):
		return s.number()
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
			s.pos += len(word)
			return nil
		}
	}
	return s.syntax("a value should be here")
}

// errTooDeep ends a scan whose fault is noted already.
var errTooDeep = &webhook.Error{Kind: webhook.KindInvalid, Code: "invalid_request", Message: "The body is nested too deeply."}

func (s *scanner) enter() error {
	s.pos++ // the bracket
	if len(s.path) >= maxDepth {
		s.faults.Add(s.pointer(), "is nested deeper than %d levels", maxDepth)
		return errTooDeep
	}
	s.path = append(s.path, step{})
	s.space()
	return nil
}

func (s *scanner) leave() error {
	s.pos++
	s.path = s.path[:len(s.path)-1]
	return nil
}

func (s *scanner) object() error {
	first := len(s.names)
	if err := s.enter(); err != nil {
		return err
	}
	if s.at('}') {
		return s.leave()
	}
	for {
		if !s.at('"') {
			return s.syntax(`a name in double quotes should be here`)
		}
		raw, err := s.text()
		if err != nil {
			return err
		}
		name := unquoteName(raw)
		s.names = append(s.names, name)
		s.path[len(s.path)-1].name = name
		s.space()
		if !s.at(':') {
			return s.syntax(`a ":" should be here`)
		}
		s.pos++
		s.space()
		if err := s.value(); err != nil {
			return err
		}
		s.space()
		if s.at('}') {
			s.doubled(first)
			s.names = s.names[:first]
			return s.leave()
		}
		if !s.at(',') {
			return s.syntax(`a "," or a "}" should be here`)
		}
		s.pos++
		s.space()
	}
}

func (s *scanner) array() error {
	if err := s.enter(); err != nil {
		return err
	}
	if s.at(']') {
		return s.leave()
	}
	for i := 0; ; i++ {
		s.path[len(s.path)-1] = step{index: i}
		if err := s.value(); err != nil {
			return err
		}
		s.space()
		if s.at(']') {
			return s.leave()
		}
		if !s.at(',') {
			return s.syntax(`a "," or a "]" should be here`)
		}
		s.pos++
		s.space()
	}
}

func (s *scanner) at(c byte) bool { return s.pos < len(s.data) && s.data[s.pos] == c }

// fewNames is up to how many names are compared one by one.
const fewNames = 24

// doubled notes the names that the object just scanned has twice.
func (s *scanner) doubled(first int) {
	names := s.names[first:]
	if len(names) <= fewNames {
		for i := range names {
			if slices.ContainsFunc(names[:i], func(other []byte) bool { return bytes.Equal(other, names[i]) }) {
				s.noteDouble(names[i])
			}
		}
		return
	}
	slices.SortFunc(names, bytes.Compare)
	for i := 1; i < len(names); i++ {
		if bytes.Equal(names[i], names[i-1]) {
			s.noteDouble(names[i])
		}
	}
}

func (s *scanner) noteDouble(name []byte) {
	if len(*s.faults) >= maxFaults {
		return
	}
	s.path[len(s.path)-1] = step{name: name}
	s.faults.Add(s.pointer(), "is there twice")
}

// pointer is where we are, as a JSON pointer.
func (s *scanner) pointer() string {
	var b []byte
	for _, st := range s.path {
		b = append(b, '/')
		if st.name != nil {
			b = append(b, webhook.PointerEscape(clip(string(st.name)))...)
		} else {
			b = strconv.AppendInt(b, int64(st.index), 10)
		}
	}
	return string(b)
}

// text scans a string and returns it with its quotes.
func (s *scanner) text() ([]byte, error) {
	start := s.pos
	s.pos++
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < 0x20:
			return nil, s.syntax(fmt.Sprintf("the control character %#02x must be written as an escape", c))
		default:
			s.pos++
		}
	}
	return nil, s.syntax("the document ends within a string")
}

func (s *scanner) escape() error {
	s.pos++ // the backslash
	if s.pos == len(s.data) {
		return s.syntax("the document ends within a string")
	}
	switch s.data[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
		s.pos++
		for range 4 {
			if s.pos == len(s.data) || !isHex(s.data[s.pos]) {
				return s.syntax(`four hexadecimal digits should follow "\u"`)
			}
			s.pos++
		}
		return nil
	}
	return s.syntax("this is no escape of JSON")
}

// number scans a number: its text is kept as it is, so its size has no limit.
func (s *scanner) number() error {
	if s.at('-') {
		s.pos++
	}
	if s.at('0') {
		s.pos++
	} else if err := s.digits(); err != nil {
		return err
	}
	if s.at('.') {
		s.pos++
		if err := s.digits(); err != nil {
			return err
		}
	}
	if s.at('e') || s.at('E') {
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		return s.digits()
	}
	return nil
}

func (s *scanner) digits() error {
	start := s.pos
	for s.pos < len(s.data) && isDigit(s.data[s.pos]) {
		s.pos++
	}
	if s.pos == start {
		return s.syntax("a digit should be here")
	}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')
}

// clip shortens a value that goes into a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
