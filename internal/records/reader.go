package records

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Format is how records are written one after the other.
type Format int

// The formats.
const (
	Detect Format = iota // an array when the first character is a "[", otherwise lines
	Lines                // NDJSON: a record on each line
	Array                // one JSON array of records
)

// ErrTooLong says that a record is longer than the reader's limit. The reader
// goes on behind it.
var ErrTooLong = errors.New("records: the record is too long")

// BrokenError says where a stream stops being what it should be. Nothing can
// be read behind that place.
type BrokenError struct {
	Line   int // as [Reader.Line]
	Reason string
}

func (e *BrokenError) Error() string { return fmt.Sprintf("record %d: %s", e.Line, e.Reason) }

// SourceError says that a stream could not be read to its end.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return "read the records: " + e.Err.Error() }
func (e *SourceError) Unwrap() error { return e.Err }

// Reader cuts a stream into records. It does not check what is inside them:
// in an array it counts brackets and quotes.
type Reader struct {
	src    io.Reader
	format Format
	most   int // bytes of one record

	buf        []byte
	start, end int   // what is read and not yet given out
	err        error // of src
	line       int
	breaks     int // lines' ends that peek has passed
	begun      bool
	ended      bool // the array's closing bracket was there
}

// firstBuffer is what a reader begins with; it grows up to its limit only
// when a record is longer.
const firstBuffer = 64 << 10

// NewReader reads records of at most so many bytes.
func NewReader(src io.Reader, format Format, most int) *Reader {
	return &Reader{src: src, format: format, most: most, buf: make([]byte, firstBuffer)}
}

// Line is the place of the record that Next gave out last: its line, from 1,
// or its number in the array, from 1.
func (r *Reader) Line() int { return r.line }

// Next returns the bytes of the next record without the space around it. They
// are good until the next call. The error is io.EOF at the end, ErrTooLong for
// a record that is skipped, a *BrokenError, or a *SourceError.
func (r *Reader) Next() ([]byte, error) {
	if !r.begun {
		if err := r.begin(); err != nil {
			return nil, err
		}
	}
	if r.format == Array {
		return r.element()
	}
	return r.nextLine()
}

// begin skips a byte order mark and space, and finds out what is there.
func (r *Reader) begin() error {
	r.begun = true
	for r.end-r.start < len(mark) && r.fill() {
	}
	if bytes.HasPrefix(r.buf[r.start:r.end], []byte(mark)) {
		r.start += len(mark)
	}
	c, ok := r.peek()
	switch {
	case r.format == Lines || (r.format == Detect && c != '['):
		r.format = Lines
		r.line = r.breaks
		return nil
	case !ok && r.err == io.EOF:
		return r.broken("the body is empty; it must be a JSON array of records")
	case !ok:
		return r.err
	case c != '[':
		return r.broken("the body must be a JSON array of records; records on lines are application/x-ndjson")
	}
	r.format = Array
	r.start++
	return nil
}

const mark = "\xef\xbb\xbf" // of the byte order

// peek goes to the next character that is no space.
func (r *Reader) peek() (byte, bool) {
	for {
		for ; r.start < r.end; r.start++ {
			c := r.buf[r.start]
			if !isSpace(c) {
				return c, true
			}
			if c == '\n' {
				r.breaks++
			}
		}
		if !r.fill() {
			return 0, false
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (r *Reader) broken(reason string) error {
	return &BrokenError{Line: max(r.line, 1), Reason: reason}
}

// fill reads more behind what is there. It tells whether something came.
func (r *Reader) fill() bool {
	if r.err != nil {
		return false
	}
	if r.start > 0 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	n, empty := 0, 0
	for n == 0 && r.err == nil {
		n, r.err = r.src.Read(r.buf[r.end:])
		if empty++; empty > 100 && n == 0 && r.err == nil {
			r.err = io.ErrNoProgress
		}
	}
	if r.err != nil && r.err != io.EOF {
		r.err = &SourceError{r.err}
	}
	r.end += n
	return n > 0
}

// nextLine returns the next line that is not empty.
func (r *Reader) nextLine() ([]byte, error) {
	for {
		line, err := r.wholeLine()
		if err != nil {
			return nil, err
		}
		if line = bytes.Trim(line, " \t\r"); len(line) > 0 {
			return line, nil
		}
	}
}

func (r *Reader) wholeLine() ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(r.buf[r.start+seen:r.end], '\n'); i >= 0 {
			line := r.buf[r.start : r.start+seen+i]
			r.start += seen + i + 1
			r.line++
			return r.bounded(line)
		}
		seen = r.end - r.start
		if seen > r.most+spare {
			return nil, r.skipLine()
		}
		if r.fill() {
			continue
		}
		if r.err != io.EOF || seen == 0 {
			return nil, r.err
		}
		line := r.buf[r.start:r.end]
		r.start = r.end
		r.line++
		return r.bounded(line)
	}
}

// spare is how much space around a record is looked over before it counts as
// too long.
const spare = 1 << 10

func (r *Reader) bounded(record []byte) ([]byte, error) {
	if len(record) > r.most+spare {
		return nil, ErrTooLong
	}
	return record, nil
}

// skipLine goes behind the end of a line that is too long.
func (r *Reader) skipLine() error {
	for {
		if i := bytes.IndexByte(r.buf[r.start:r.end], '\n'); i >= 0 {
			r.start += i + 1
			break
		}
		r.start = r.end
		if !r.fill() {
			if r.err != io.EOF {
				return r.err
			}
			break
		}
	}
	r.line++
	return ErrTooLong
}
