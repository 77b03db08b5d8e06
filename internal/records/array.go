package records

import "io"

// element returns the next element of the array.
func (r *Reader) element() ([]byte, error) {
	if r.ended {
		return nil, r.afterEnd()
	}
	c, ok := r.peek()
	if ok && c == ']' {
		return nil, r.close()
	}
	if ok && r.line > 0 {
		if c != ',' {
			r.line++
			return nil, r.broken(`a "," or a "]" should be here`)
		}
		r.start++
		c, ok = r.peek()
	}
	r.line++
	switch {
	case !ok:
		return nil, r.cutOff()
	case c == ',' || c == ']' || c == '}' || c == ':':
		return nil, r.broken("a record should be here")
	}
	return r.span()
}

func (r *Reader) close() error {
	r.start++
	r.ended = true
	return r.afterEnd()
}

// afterEnd wants nothing but space behind the array.
func (r *Reader) afterEnd() error {
	if _, ok := r.peek(); ok {
		return r.broken("nothing may follow the array's end")
	}
	return r.err
}

// cutOff is how a stream ends that should go on.
func (r *Reader) cutOff() error {
	if r.err != io.EOF {
		return r.err
	}
	return r.broken(`the body ends within the array: there is no "]"`)
}

// span cuts out the element that begins here: up to the bracket that closes
// it, or, for what is no object and no array, up to the next separator.
func (r *Reader) span() ([]byte, error) {
	var n nesting
	at, long := 0, false
	for {
		some, done := n.walk(r.buf[r.start+at : r.end])
		at += some
		if done {
			element := r.buf[r.start : r.start+at]
			r.start += at
			if long || len(element) > r.most+spare {
				return nil, ErrTooLong
			}
			return trimRight(element), nil
		}
		if at > r.most+spare { // go on without keeping it
			long, at, r.start = true, 0, r.end
		}
		if !r.fill() {
			return nil, r.cutOff()
		}
	}
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// nesting follows brackets and strings through an element.
type nesting struct {
	depth         int
	text, escaped bool
}

// walk goes on through the element's next bytes. It tells how many of them
// belong to it, and whether it ends there.
func (n *nesting) walk(b []byte) (taken int, done bool) {
	for i := 0; i < len(b); i++ {
		if n.text {
			if i = n.inText(b, i); i == len(b) {
				break
			}
			continue
		}
		switch b[i] {
		case '"':
			n.text = true
		case '{', '[':
			n.depth++
		case '}', ']':
			if n.depth == 0 {
				return i, true // the array's own bracket behind a number
			}
			if n.depth--; n.depth == 0 {
				return i + 1, true
			}
		case ',':
			if n.depth == 0 {
				return i, true
			}
		}
	}
	return len(b), false
}

// inText goes on within a string and returns where its closing quote is, or
// the end of b.
func (n *nesting) inText(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch {
		case n.escaped:
			n.escaped = false
		case b[i] == '\\':
			n.escaped = true
		case b[i] == '"':
			n.text = false
			return i
		}
	}
	return i
}
