package redact

import "bytes"

// span is a part of a text.
type span struct{ from, to int }

// find returns where personal data stand in a text, in order and apart.
func find(s []byte) []span {
	if !bytes.ContainsAny(s, "@%0123456789") { // what nearly every short text is
		return nil
	}
	var out []span
	looked := 0 // left of it no address begins
	for i := 0; i < len(s); {
		if n := atSign(s, i); n > 0 {
			m, ok := mailAt(s, looked, i, n)
			if ok {
				for len(out) > 0 && out[len(out)-1].from >= m.from { // a number that is a part of the address
					out = out[:len(out)-1]
				}
				out, looked, i = append(out, m), m.to, m.to
				continue
			}
			looked = i + n
			i += n
			continue
		}
		end := numberAt(s, i)
		switch {
		case end > 0:
			out, i = append(out, span{i, end}), end
		case isDigit(s[i]):
			for i < len(s) && isDigit(s[i]) { // no number begins in the middle of another
				i++
			}
		default:
			i++
		}
	}
	return out
}

// atSign is the length of an at sign at i, as in a URL too; 0: there is none.
func atSign(s []byte, i int) int {
	switch {
	case s[i] == '@':
		return 1
	case s[i] == '%' && i+2 < len(s) && s[i+1] == '4' && s[i+2] == '0':
		return 3
	}
	return 0
}

// mailAt is the e-mail address around an at sign of n bytes at i.
func mailAt(s []byte, least, i, n int) (span, bool) {
	m := span{i, i + n}
	for m.from > least && (isWord(s[m.from-1]) || bytes.IndexByte([]byte("._+-'%"), s[m.from-1]) >= 0) {
		m.from--
	}
	for m.to < len(s) && (isWord(s[m.to]) || s[m.to] == '-' || s[m.to] == '.') {
		m.to++
	}
	for m.to > i+n && !isWord(s[m.to-1]) { // the end of a sentence
		m.to--
	}
	host := s[i+n : m.to]
	dot := bytes.LastIndexByte(host, '.')
	return m, m.from < i && dot > 0 && len(host)-dot > 2
}

// numberAt is the end of a personal number that begins at i; 0: none does.
func numberAt(s []byte, i int) int {
	c := s[i]
	if !isDigit(c) && c != '+' && c != '(' || i > 0 && isDigit(s[i-1]) {
		return 0
	}
	if isDigit(c) {
		if end := documentAt(s, i, cnpj); end > 0 {
			return end
		}
		if end := documentAt(s, i, cpf); end > 0 {
			return end
		}
	}
	if isDigit(c) && i > 0 && isWord(s[i-1]) {
		return 0 // part of an id
	}
	return phoneAt(s, i)
}

// document is a form of number with two check digits at its end.
type document struct {
	length int
	groups string // the usual separator before the digit at each place, ' ' where there is none
	top    int    // the weights go up to it, counted from the right from 2
}

var (
	cpf  = document{11, "   .  .  - ", 11}
	cnpj = document{14, "  .  .  /   - ", 9}
)

// documentAt is the end of a number of this form at i. With all of its usual
// separators the form itself tells; any other has to have right check digits,
// or every id of eleven digits would be one.
func documentAt(s []byte, i int, d document) int {
	var digits [14]int
	usual := true
	for k := range d.length {
		if sep := d.groups[k]; sep != ' ' && i < len(s) {
			if bytes.IndexByte([]byte(".-/ "), s[i]) >= 0 {
				usual = usual && s[i] == sep
				i++
			} else {
				usual = false
			}
		}
		if i >= len(s) || !isDigit(s[i]) {
			return 0
		}
		digits[k] = int(s[i] - '0')
		i++
	}
	if i < len(s) && isDigit(s[i]) || !usual && !d.checks(digits[:d.length]) {
		return 0
	}
	return i
}

// checks tells whether both check digits are right (modulo 11). A number of one
// digit only has right ones, but is given to nobody.
func (d document) checks(digits []int) bool {
	same := true
	for _, n := range digits {
		same = same && n == digits[0]
	}
	return !same && digits[d.length-2] == d.digit(digits[:d.length-2]) && digits[d.length-1] == d.digit(digits[:d.length-1])
}

func (d document) digit(digits []int) int {
	sum, weight := 0, 2
	for k := len(digits) - 1; k >= 0; k-- {
		sum += digits[k] * weight
		if weight++; weight > d.top {
			weight = 2
		}
	}
	if rest := sum % 11; rest >= 2 {
		return 11 - rest
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWord tells whether c is a letter or a digit. A byte that is not ASCII
// counts as a letter: a character is never cut in two.
func isWord(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}
