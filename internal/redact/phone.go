package redact

import "bytes"

// areas are the area codes that Brazil has, by their first digit (Anatel).
var areas = [10]string{
	1: "123456789", 2: "12478", 3: "1234578", 4: "123456789", 5: "1345", 6: "123456789", 7: "134579",
	8: "123456789", 9: "123456789",
}

// phoneAt is the end of a Brazilian phone number at i; 0: there is none. It
// wants an area code. Ten digits in a row are none: a time in seconds looks
// the same.
func phoneAt(s []byte, i int) int {
	for _, country := range []string{"+55", "0055", "55", ""} {
		if !bytes.HasPrefix(s[i:], []byte(country)) {
			continue
		}
		p := phone{s: s, i: i + len(country), sure: country != ""}
		if p.sure {
			p.separator()
		}
		if p.area() && p.number() {
			return p.i
		}
	}
	return 0
}

// phone is a phone number on its way through a text.
type phone struct {
	s      []byte
	i      int  // what comes next
	sure   bool // its form so far is no other number's
	spaced bool // there was a separator behind the area code
}

func (p *phone) next() byte {
	if p.i < len(p.s) {
		return p.s[p.i]
	}
	return 0
}

// separator passes over one.
func (p *phone) separator() bool {
	if c := p.next(); c != ' ' && c != '-' && c != '.' {
		return false
	}
	p.i++
	return true
}

func (p *phone) digits(n int) bool {
	for range n {
		if !isDigit(p.next()) {
			return false
		}
		p.i++
	}
	return true
}

// area reads the area code: (11), (011), 011 or 11.
func (p *phone) area() bool {
	paren := p.next() == '('
	if paren {
		p.i++
	}
	if p.next() == '0' {
		p.i++
	}
	from := p.i
	if !p.digits(2) || bytes.IndexByte([]byte(areas[p.s[from]-'0']), p.s[from+1]) < 0 {
		return false
	}
	if paren {
		if p.next() != ')' {
			return false
		}
		p.i++
		p.sure = true
	}
	p.spaced = p.separator()
	return true
}

// number reads 9dddd-dddd, 9 dddd-dddd or dddd-dddd.
func (p *phone) number() bool {
	first := p.next()
	switch {
	case first == '9':
		p.i++
		p.separator()
	case first < '2' || first > '5':
		return false
	}
	if !p.digits(4) {
		return false
	}
	dashed := p.separator()
	if !p.digits(4) || isWord(p.next()) {
		return false
	}
	return first == '9' || p.sure || p.spaced && dashed
}
