package webhook

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a record.
const (
	MaxRecord    = 256 << 10 // bytes of one record
	MaxRecordKey = 200       // bytes of a record's key; it is part of an index
	MaxInstants  = 3         // times that put one record into windows
	maxDepth     = 100       // levels of nesting: a client's parser must survive what we let in
	maxReasons   = 5         // faults that are told of one record
	maxMoney     = 18        // digits of an amount: it fits into 64 bits
)

// Record is one record of a dataset as the platform wrote it, with the little
// that Carteiro reads of it.
type Record struct {
	Key       string    // value of the key field, decoded
	ClientID  ClientID  // whose it is
	UpdatedAt time.Time // UTC; of two versions the one with the later time is kept; zero where the dataset has no such field
	// Instants are the times at which the record falls into windows: distinct,
	// ascending, UTC, in microseconds; zero times fill the rest.
	Instants [MaxInstants]time.Time
	Body     []byte // its bytes as they came: number forms, key order and unknown fields are kept
}

// Latest is the last of the record's instants.
func (r *Record) Latest() time.Time {
	latest := r.Instants[0]
	for _, t := range r.Instants[1:] {
		if !t.IsZero() {
			latest = t
		}
	}
	return latest
}

// RecordFault says why a record is refused. It never quotes the record but
// for its key.
type RecordFault struct {
	Key    string // "" when the record has none that can be read
	Reason string
}

func (f *RecordFault) Error() string { return f.Reason }

// RecordReader reads records of one dataset. It keeps its scratch space from
// one record to the next, so it must not be used by two goroutines at once.
type RecordReader struct {
	spec        *DatasetSpec
	clientField string

	s       scanner
	seen    []bool // of the contract's fields
	rec     Record
	times   []time.Time
	reasons []string
	client  bool // the client's field was there
}

// NewRecordReader reads records of a dataset that [ParseDataset] knows. With a
// clientField, each record tells in that field, which holds text, whose it is;
// without one the caller sets Record.ClientID.
func NewRecordReader(d Dataset, clientField string) *RecordReader {
	spec := d.Spec()
	return &RecordReader{spec: spec, clientField: clientField, seen: make([]bool, len(spec.Fields))}
}

// Read checks one record in one pass: it must be a JSON object in UTF-8 with
// no name twice, with its key, its window's field and, where asked, its
// client; money is integers, enumerations are exact, and null is as good as
// absent for what may be absent. The Body of the result is raw itself, not a
// copy.
func (r *RecordReader) Read(raw []byte) (Record, *RecordFault) {
	r.reset()
	if len(raw) > MaxRecord {
		return r.refused("is larger than 256 KiB, the limit of one record")
	}
	if !utf8.Valid(raw) {
		return r.refused("holds a byte that is not UTF-8")
	}
	r.s.start(raw)
	if fault := r.s.members(r.member); fault != "" {
		return r.refused("is not valid: " + fault)
	}
	r.complete()
	if len(r.reasons) > 0 {
		return Record{}, &RecordFault{Key: clip(r.rec.Key), Reason: strings.Join(r.reasons, "; ")}
	}
	r.settle()
	r.rec.Body = raw
	return r.rec, nil
}

func (r *RecordReader) refused(reason string) (Record, *RecordFault) {
	return Record{}, &RecordFault{Key: clip(r.rec.Key), Reason: reason}
}

func (r *RecordReader) reset() {
	clear(r.seen)
	r.rec, r.times, r.reasons, r.client = Record{}, r.times[:0], r.reasons[:0], false
}

// member looks at one field of the record.
func (r *RecordReader) member(name, value []byte) nameState {
	if r.clientField != "" && string(name) == r.clientField {
		r.readClient(value)
	}
	i, ok := r.spec.fields[string(name)]
	if !ok {
		return nameUnknown
	}
	if r.seen[i] {
		return nameTwice
	}
	r.seen[i] = true
	f := &r.spec.Fields[i]
	switch {
	case f.Name == r.spec.Key:
		r.readKey(value)
	case f.Name == r.spec.Window || slices.Contains(r.spec.AlsoIn, f.Name):
		r.readInstant(f, value)
	case f.Kind == FieldMoney:
		r.note(f.Name, moneyFault(value))
	case f.Kind == FieldEnum:
		r.note(f.Name, enumFault(f, value))
	}
	return nameNew
}

func (r *RecordReader) note(field, fault string) {
	if fault != "" && len(r.reasons) < maxReasons {
		r.reasons = append(r.reasons, `"`+clip(field)+`" `+fault)
	}
}

func (r *RecordReader) readKey(value []byte) {
	key, fault := textOf(value)
	switch {
	case fault == "" && key == "":
		fault = "is empty"
	case len(key) > MaxRecordKey:
		fault = "is longer than 200 bytes"
	}
	if value[0] == '{' {
		fault = "must be text: an ObjectID is written as its 24 hexadecimal digits"
	}
	r.rec.Key = key
	r.note(r.spec.Key, fault)
}

func (r *RecordReader) readClient(value []byte) {
	text, fault := textOf(value)
	if fault == "" && ClientID(text).Fault() != "" {
		fault = "is no client id: 1 to 64 letters, digits, '.', '_' or '-'"
	}
	r.client = true
	r.rec.ClientID = ClientID(text)
	r.note(r.clientField, fault)
}

// readInstant reads a time that puts the record into a window.
func (r *RecordReader) readInstant(f *Field, value []byte) {
	required := f.Name == r.spec.Window
	if !required && string(value) == "null" {
		return
	}
	text, fault := textOf(value)
	var at time.Time
	if fault == "" && f.Kind == FieldDate {
		at, fault = parseDay(text)
	} else if fault == "" {
		at, fault = parseInstant(text)
	}
	if fault == "" && at.Before(time.Unix(0, 0)) {
		fault = "is before 1970"
	}
	if fault != "" {
		r.note(f.Name, fault)
		return
	}
	if f.Name == r.spec.UpdatedAt {
		r.rec.UpdatedAt = at
	}
	r.times = append(r.times, at)
}

// complete notes what is missing.
func (r *RecordReader) complete() {
	for _, name := range []string{r.spec.Key, r.spec.Window} {
		if !r.seen[r.spec.fields[name]] {
			r.note(name, "is missing")
		}
	}
	if r.clientField != "" && !r.client {
		r.note(r.clientField, "is missing: it names the record's client")
	}
}

// settle puts the record's times in order, each once.
func (r *RecordReader) settle() {
	slices.SortFunc(r.times, time.Time.Compare)
	copy(r.rec.Instants[:], slices.CompactFunc(r.times, time.Time.Equal))
}

// moneyFault tells why a value is no amount: "" for an integer literal. 1e3
// and 10.0 are integers to a mathematician, not to every client's parser.
func moneyFault(value []byte) string {
	switch {
	case string(value) == "null":
		return ""
	case value[0] == '"':
		return "is text; money is an integer in centavos, such as 2990"
	case value[0] != '-' && !isDigit(value[0]):
		return "is no number; money is an integer in centavos, such as 2990"
	}
	for _, c := range value[1:] {
		if !isDigit(c) {
			return "has a fraction or an exponent; money is an integer in centavos, such as 2990"
		}
	}
	if len(value) > maxMoney {
		return "is too large for an amount in centavos"
	}
	return ""
}

func enumFault(f *Field, value []byte) string {
	if string(value) == "null" {
		return ""
	}
	text, fault := textOf(value)
	if fault == "" && !slices.Contains(f.Enum, text) {
		fault = "is none of " + strings.Join(f.Enum, ", ")
	}
	return fault
}
