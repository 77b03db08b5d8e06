package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks one JSON object once (RFC 8259). A fault is told by the byte
// where it is, counted from 1: a record is mostly one line.
type scanner struct {
	data  []byte
	pos   int
	depth int
	names [][]byte // of the objects that are open, the innermost last
}

func (s *scanner) start(data []byte) {
	s.data, s.pos, s.depth, s.names = data, 0, 0, s.names[:0]
}

func (s *scanner) fault(what string) string { return "byte " + strconv.Itoa(s.pos+1) + ": " + what }

// nameState is what the taker of a member says about its name.
type nameState int

const (
	nameUnknown nameState = iota // to be compared with the other unknown ones
	nameNew                      // known, and here for the first time
	nameTwice                    // known, and here again
)

// taker gets a member of the outermost object: its name decoded, and the bytes
// of its value.
type taker func(name, value []byte) nameState

// members hands each member of the outermost object to take.
func (s *scanner) members(take taker) string {
	s.space()
	if !s.at('{') {
		return s.fault("a record is a JSON object")
	}
	if fault := s.object(take); fault != "" {
		return fault
	}
	s.space()
	if s.pos < len(s.data) {
		return s.fault("nothing may follow the record")
	}
	return ""
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

func (s *scanner) at(c byte) bool { return s.pos < len(s.data) && s.data[s.pos] == c }

// object scans an object; the place is at its brace. take is nil for nested
// ones.
func (s *scanner) object(take taker) string {
	first := len(s.names)
	if empty, fault := s.enter('}'); empty || fault != "" {
		return fault
	}
	for {
		if fault := s.pair(take); fault != "" {
			return fault
		}
		if s.at('}') {
			break
		}
		if !s.at(',') {
			return s.fault(`a "," or a "}" should be here`)
		}
		s.pos++
		s.space()
	}
	if double := doubled(s.names[first:]); double != nil {
		return s.fault(doubleName(double))
	}
	s.names = s.names[:first]
	s.leave()
	return ""
}

// pair scans a name with its value, and the space behind it.
func (s *scanner) pair(take taker) string {
	if !s.at('"') {
		return s.fault("a name in double quotes should be here")
	}
	quoted, fault := s.text()
	if fault != "" {
		return fault
	}
	name := unquoted(quoted)
	s.space()
	if !s.at(':') {
		return s.fault(`a ":" should be here`)
	}
	s.pos++
	s.space()
	start := s.pos
	if fault := s.value(); fault != "" {
		return fault
	}
	state := nameUnknown
	if take != nil {
		state = take(name, s.data[start:s.pos])
	}
	switch state {
	case nameTwice:
		return s.fault(doubleName(name))
	case nameUnknown:
		s.names = append(s.names, name)
	}
	s.space()
	return ""
}

func doubleName(name []byte) string {
	return fmt.Sprintf("the name %q is there twice", clip(string(name)))
}

// fewNames is up to how many names are compared one by one.
const fewNames = 16

// doubled returns a name that is there twice, or nil.
func doubled(names [][]byte) []byte {
	if len(names) <= fewNames {
		for i := 1; i < len(names); i++ {
			for _, other := range names[:i] {
				if bytes.Equal(other, names[i]) {
					return names[i]
				}
			}
		}
		return nil
	}
	slices.SortFunc(names, bytes.Compare)
	for i := 1; i < len(names); i++ {
		if bytes.Equal(names[i], names[i-1]) {
			return names[i]
		}
	}
	return nil
}

// enter goes into a bracket and tells whether it was empty.
func (s *scanner) enter(closing byte) (empty bool, fault string) {
	if s.depth == maxDepth {
		return false, s.fault("is nested deeper than 100 levels")
	}
	s.depth++
	s.pos++
	s.space()
	if s.at(closing) {
		s.leave()
		return true, ""
	}
	return false, ""
}

func (s *scanner) leave() {
	s.depth--
	s.pos++
}

func (s *scanner) array() string {
	if empty, fault := s.enter(']'); empty || fault != "" {
		return fault
	}
	for {
		if fault := s.value(); fault != "" {
			return fault
		}
		s.space()
		if s.at(']') {
			s.leave()
			return ""
		}
		if !s.at(',') {
			return s.fault(`a "," or a "]" should be here`)
		}
		s.pos++
		s.space()
	}
}

// value scans one value; the place is at its first byte.
func (s *scanner) value() string {
	if s.pos == len(s.data) {
		return s.fault("the record ends where a value should be")
	}
	switch c := s.data[s.pos]; {
	case c == '"':
		_, fault := s.text()
		return fault
	case c == '-' || isDigit(c):
		return s.number()
	case c == '{':
		return s.object(nil)
	case c == '[':
		return s.array()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return s.fault("a value should be here")
}

func (s *scanner) word(w string) string {
	if !bytes.HasPrefix(s.data[s.pos:], []byte(w)) {
		return s.fault("a value should be here")
	}
	s.pos += len(w)
	return ""
}

// text scans a string and returns it with its quotes.
func (s *scanner) text() (quoted []byte, fault string) {
	start := s.pos
	s.pos++
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], ""
		case c == '\\':
			if fault := s.escape(); fault != "" {
				return nil, fault
			}
		case c < 0x20:
			return nil, s.fault("a control character must be written as an escape")
		default:
			s.pos++
		}
	}
	return nil, s.fault("the record ends within a string")
}

func (s *scanner) escape() string {
	s.pos++ // the backslash
	if s.pos == len(s.data) {
		return s.fault("the record ends within a string")
	}
	switch s.data[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return ""
	case 'u':
		s.pos++
		for range 4 {
			if s.pos == len(s.data) || !isHex(s.data[s.pos]) {
				return s.fault(`four hexadecimal digits should follow "\u"`)
			}
			s.pos++
		}
		return ""
	}
	return s.fault("this is no escape of JSON")
}

// number scans a number. Its text is kept, so its size has no limit.
func (s *scanner) number() string {
	if s.at('-') {
		s.pos++
	}
	if s.at('0') {
		s.pos++
	} else if fault := s.digits(); fault != "" {
		return fault
	}
	if s.at('.') {
		s.pos++
		if fault := s.digits(); fault != "" {
			return fault
		}
	}
	if !s.at('e') && !s.at('E') {
		return ""
	}
	s.pos++
	if s.at('+') || s.at('-') {
		s.pos++
	}
	return s.digits()
}

func (s *scanner) digits() string {
	start := s.pos
	for s.pos < len(s.data) && isDigit(s.data[s.pos]) {
		s.pos++
	}
	if s.pos == start {
		return s.fault("a digit should be here")
	}
	return ""
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') }

// unquoted decodes a scanned name. Half a surrogate pair becomes U+FFFD.
func unquoted(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return inner // it was scanned: it always reads
	}
	return []byte(text)
}

// textOf decodes a scanned value that must be text, and tells what is wrong
// with it: JSON may spell what is no text (half a surrogate pair) and what
// PostgreSQL cannot hold (NUL).
func textOf(value []byte) (text, fault string) {
	if value[0] != '"' {
		return "", "must be text"
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), ""
	}
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
			return "", "contains U+0000, which is not allowed here"
		case utf16.IsSurrogate(r) && !pairs(r, inner[i+1:]):
			return "", "contains half of a surrogate pair"
		case utf16.IsSurrogate(r):
			i += 6
		}
	}
	return string(unquoted(value)), ""
}

// pairs tells whether a surrogate is followed by its other half.
func pairs(r rune, rest []byte) bool {
	return len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' && utf16.DecodeRune(r, hex4(rest[2:])) != utf8.RuneError
}

func hex4(digits []byte) rune {
	n, err := strconv.ParseUint(string(digits[:4]), 16, 32)
	if err != nil {
		return utf8.RuneError // it was scanned: it always reads
	}
	return rune(n)
}
