package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// decodable is a request's body. decode takes the fields that it knows from
// the object; names are exact, and what is left over is a fault. Its json and
// doc tags only describe it in the OpenAPI document.
type decodable interface{ decode(*object) }

// object is a JSON object on its way into a Go value. Every fault is noted
// under its JSON pointer, so that a caller learns of all at once.
type object struct {
	path    string // of the object itself
	members []member
	known   []string // names that were asked for
	faults  *webhook.Faults
}

// presence tells how a field was given.
type presence int

const (
	absent presence = iota // not there, or of a wrong type, which is noted
	null                   // null
	given
)

// decodeObject reads raw, which must be an object, into v.
func decodeObject(raw []byte, path string, v decodable, faults *webhook.Faults) {
	if kind := kindOf(raw); kind != "an object" {
		faults.Add(path, "must be an object, but is %s", kind)
		return
	}
	o := &object{path: path, members: members(raw), faults: faults}
	v.decode(o)
	for i := range o.members {
		if m := &o.members[i]; !m.taken {
			o.fault(m.name, "is not a known field; %s", o.knownFields())
		}
	}
}

func (o *object) knownFields() string {
	if len(o.known) == 0 {
		return "there are none here"
	}
	return "known are " + strings.Join(o.known, ", ")
}

// at is the JSON pointer of a field.
func (o *object) at(name string) string {
	return o.path + "/" + webhook.PointerEscape(clip(name))
}

func (o *object) fault(name, format string, args ...any) {
	o.faults.Add(o.at(name), format, args...)
}

// take returns a field's bytes, and how it was given.
func (o *object) take(name string) (raw []byte, p presence) {
	o.known = append(o.known, name)
	for i := range o.members {
		m := &o.members[i]
		if m.name != name {
			continue
		}
		m.taken = true
		if p == absent { // a second one is a fault already
			raw, p = m.value, given
			if string(raw) == "null" {
				p = null
			}
		}
	}
	return raw, p
}

// need notes the fields that must be there and are not.
func (o *object) need(names ...string) {
	for _, name := range names {
		i := slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
		if i < 0 {
			o.fault(name, "is missing")
		} else if string(o.members[i].value) == "null" {
			o.fault(name, "must not be null")
		}
	}
}

// typed takes a field that must be of a kind.
func (o *object) typed(name, kind string) ([]byte, presence) {
	raw, p := o.take(name)
	if p != given {
		return nil, p
	}
	if got := kindOf(raw); got != kind {
		o.fault(name, "must be %s, but is %s", kind, got)
		return nil, absent
	}
	return raw, given
}

// text takes a string.
func text[S ~string](o *object, name string, into *S) presence {
	raw, p := o.typed(name, "a string")
	if p != given {
		return p
	}
	s, fault := unquote(raw)
	if fault != "" {
		o.fault(name, "%s", fault)
		return absent
	}
	*into = S(s)
	return given
}

// filled takes a string that must not be empty when it is given: an empty one
// would otherwise pass for a default.
func filled[S ~string](o *object, name string, into *S) presence {
	p := text(o, name, into)
	if p == given && *into == "" {
		o.fault(name, "must not be empty; leave it out, or give it a value")
	}
	return p
}

func (o *object) boolean(name string, into *bool) presence {
	raw, p := o.typed(name, "a boolean")
	if p == given {
		*into = string(raw) == "true"
	}
	return p
}

// integer takes a whole number; the smallest that is allowed is judged here,
// because a zero would otherwise pass for "not given".
func (o *object) integer(name string, smallest int, into *int) presence {
	raw, p := o.typed(name, "a number")
	if p != given {
		return p
	}
	n, err := strconv.ParseInt(string(raw), 10, 32)
	switch {
	case err != nil:
		o.fault(name, "must be a whole number, written with digits only, within ±2147483647")
		return absent
	case n < int64(smallest):
		o.fault(name, "%d is not allowed; the smallest is %d", n, smallest)
		return absent
	}
	*into = int(n)
	return given
}

// raw takes any value as its bytes.
func (o *object) raw(name string, into *[]byte) presence {
	raw, p := o.take(name)
	if p != absent {
		*into = raw
	}
	return p
}

func (o *object) time(name string, into *time.Time) presence {
	var s string
	p := text(o, name, &s)
	if p != given {
		return p
	}
	t, fault := parseTime(s)
	if fault != "" {
		o.fault(name, "%s", fault)
		return absent
	}
	*into = t
	return given
}

func (o *object) duration(name string, into *webhook.Duration) presence {
	var s string
	p := text(o, name, &s)
	if p != given {
		return p
	}
	if err := into.UnmarshalText([]byte(s)); err != nil {
		o.fault(name, "%v", err)
		return absent
	}
	return given
}

// object takes an object.
func (o *object) object(name string, into decodable) presence {
	raw, p := o.typed(name, "an object")
	if p == given {
		decodeObject(raw, o.at(name), into, o.faults)
	}
	return p
}

// list takes an array of at most most elements and hands each to element,
// with its JSON pointer.
func (o *object) list(name string, most int, element func(raw []byte, path string)) presence {
	raw, p := o.typed(name, "an array")
	if p != given {
		return p
	}
	all := elements(raw)
	if len(all) > most {
		o.fault(name, "has %d entries; at most %d are allowed", len(all), most)
		return absent
	}
	for i, e := range all {
		element(e, o.at(name)+"/"+strconv.Itoa(i))
	}
	return given
}

// kindOf is the type of a value, with its article.
func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// parseTime reads RFC 3339, or tells what is wrong.
func parseTime(s string) (time.Time, string) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		hint := ""
		if strings.Contains(s, " ") {
			hint = ` (a "+" in a URL must be written %2B)`
		}
		return t, fmt.Sprintf("%q is no time: write RFC 3339, such as 2025-06-15T03:00:00Z%s", clip(s), hint)
	}
	return t.UTC(), ""
}
