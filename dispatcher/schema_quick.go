package dispatcher

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// quickSchema answers the common case of a check fast: data that surely meet a
// schema of the plain words (types, properties, required, lengths). It reads
// the bytes once and builds nothing, at a tenth of the full checker's cost. It
// never says that data are wrong: where it is not sure, the full checker is
// asked, and says what and where.
type quickSchema struct {
	kinds      string                   // first letters of the types that may be, as value has them; "": all
	whole      bool                     // of numbers only whole ones
	properties map[string]quickProperty //
	others     *quickSchema             // of members that properties does not name; nil: there may be none
	required   uint64                   // the bits of the members that must be there
	items      *quickSchema             // of an array's elements
	minLength  int                      // of a string, in code points
	pattern    *regexp.Regexp           // in a string; nil: any
}

type quickProperty struct {
	schema *quickSchema
	bit    uint64 // 0: not required
}

// anything is a schema that everything meets.
func anything() *quickSchema {
	q := &quickSchema{}
	q.others, q.items = q, q
	return q
}

// quickCompiler makes quick schemas of one document.
type quickCompiler struct {
	parts map[string]json.RawMessage // the document's $defs
	named map[string]*quickSchema    // those that were asked for, maybe not filled yet
}

// compileQuick returns nil for a schema that it does not know every word of.
func compileQuick(raw []byte) *quickSchema {
	var root struct {
		Parts map[string]json.RawMessage `json:"$defs"`
	}
	if json.Unmarshal(raw, &root) != nil { // true, for one, which is quick enough
		return nil
	}
	c := quickCompiler{root.Parts, map[string]*quickSchema{}}
	return c.compile(raw, true)
}

func (c *quickCompiler) compile(raw json.RawMessage, root bool) *quickSchema {
	var words map[string]json.RawMessage
	if string(raw) == "true" {
		return anything()
	}
	if json.Unmarshal(raw, &words) != nil || words == nil {
		return nil
	}
	if ref, ok := words["$ref"]; ok {
		if len(words) > 1 { // what stands beside it counts too
			return nil
		}
		return c.refer(ref)
	}
	q := &quickSchema{others: anything(), items: anything()}
	for word, value := range words {
		if !(word == "$defs" && root) && !c.learn(q, word, value) {
			return nil
		}
	}
	if !q.require(words["required"]) {
		return nil
	}
	return q
}

// refer finds a part of the document by its plain name.
func (c *quickCompiler) refer(ref json.RawMessage) *quickSchema {
	var text string
	_ = json.Unmarshal(ref, &text) // what is no string begins with nothing
	name, ok := strings.CutPrefix(text, "#/$defs/")
	part := c.parts[name]
	if !ok || strings.ContainsAny(name, "/~%") || part == nil {
		return nil
	}
	if q := c.named[name]; q != nil {
		return q
	}
	q := &quickSchema{}
	c.named[name] = q // it may refer to itself
	filled := c.compile(part, false)
	if filled == nil {
		return nil
	}
	*q = *filled
	return q
}

// learn takes in one word of a schema; false: it is not known here.
func (c *quickCompiler) learn(q *quickSchema, word string, value json.RawMessage) (ok bool) {
	switch word {
	case "title", "description", "$comment", "default", "examples", "deprecated":
		return true
	case "$schema":
		return string(value) == `"https://json-schema.org/draft/2020-12/schema"`
	case "required":
		return true // require takes it, when the properties are known
	case "type":
		return q.learnType(value)
	case "minLength":
		return json.Unmarshal(value, &q.minLength) == nil && q.minLength >= 0
	case "pattern":
		return q.learnPattern(value)
	case "items":
		q.items = c.compile(value, false)
		return q.items != nil
	case "additionalProperties":
		if string(value) == "false" {
			q.others = nil
			return true
		}
		q.others = c.compile(value, false)
		return q.others != nil
	case "properties":
		return c.learnProperties(q, value)
	}
	return false
}

func (q *quickSchema) learnPattern(value json.RawMessage) bool {
	var text string
	err := json.Unmarshal(value, &text)
	if err == nil {
		q.pattern, err = regexp.Compile(text)
	}
	return err == nil
}

func (q *quickSchema) learnType(value json.RawMessage) bool {
	var names []string
	if json.Unmarshal(value, &names) != nil {
		names = []string{""}
		if json.Unmarshal(value, &names[0]) != nil {
			return false
		}
	}
	q.whole = slices.Contains(names, "integer") && !slices.Contains(names, "number")
	for _, name := range names {
		kind, ok := map[string]string{"object": "{", "array": "[", "string": `"`, "boolean": "t", "null": "n", "number": "0", "integer": "0"}[name]
		if !ok {
			return false
		}
		q.kinds += kind
	}
	return true
}

func (c *quickCompiler) learnProperties(q *quickSchema, value json.RawMessage) bool {
	var raw map[string]json.RawMessage
	if json.Unmarshal(value, &raw) != nil {
		return false
	}
	q.properties = make(map[string]quickProperty, len(raw))
	for name, schema := range raw {
		p := c.compile(schema, false)
		if p == nil {
			return false
		}
		q.properties[name] = quickProperty{schema: p}
	}
	return true
}

// require gives each member that must be there a bit.
func (q *quickSchema) require(value json.RawMessage) bool {
	var names []string
	if value == nil {
		return true
	}
	const bits = 64
	if json.Unmarshal(value, &names) != nil || len(names) > bits {
		return false
	}
	for i, name := range names {
		p, ok := q.properties[name]
		if !ok {
			return false
		}
		p.bit |= 1 << i
		q.required |= 1 << i
		q.properties[name] = p
	}
	return true
}

// meets tells whether data, which must be valid JSON, surely meet the schema.
func (q *quickSchema) meets(data []byte) bool {
	r := quickReader{data: data}
	return r.value(q)
}

// quickReader walks over a document that is known to be valid.
type quickReader struct {
	data []byte
	pos  int
}

// next is the first byte of what comes next, space, commas and colons aside.
func (r *quickReader) next() byte {
	for {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r', ',', ':':
			r.pos++
		default:
			return c
		}
	}
}

func (r *quickReader) value(q *quickSchema) bool {
	kind := r.next()
	switch kind {
	case '{', '[', '"', 'n':
	case 't', 'f':
		kind = 't'
	default:
		kind = '0'
	}
	if q.kinds != "" && strings.IndexByte(q.kinds, kind) < 0 {
		return false
	}
	switch kind {
	case '{':
		return r.object(q)
	case '[':
		return r.array(q)
	case '"':
		text, plain := r.text()
		return q.minLength == 0 && q.pattern == nil ||
			plain && utf8.RuneCount(text) >= q.minLength && (q.pattern == nil || q.pattern.Match(text))
	}
	return r.word(q.whole)
}

// word passes over a number, true, false or null; of numbers, over a plain
// whole one only, where it has to be whole.
func (r *quickReader) word(whole bool) bool {
	start := r.pos
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r', ',', ']', '}':
			return true
		case '.', 'e', 'E':
			if whole && r.data[start] <= '9' {
				return false
			}
		}
		r.pos++
	}
	return true
}

// text passes over a string; plain tells that nothing in it is escaped.
func (r *quickReader) text() (text []byte, plain bool) {
	start := r.pos + 1
	plain = true
	for {
		r.pos++
		switch r.data[r.pos] {
		case '\\':
			plain = false
			r.pos++
		case '"':
			r.pos++
			return r.data[start : r.pos-1], plain
		}
	}
}

func (r *quickReader) array(q *quickSchema) bool {
	r.pos++
	for r.next() != ']' {
		if !r.value(q.items) {
			return false
		}
	}
	r.pos++
	return true
}

// object needs every member to be right: of two with one name, the last counts,
// and both are looked at.
func (r *quickReader) object(q *quickSchema) bool {
	var found uint64
	r.pos++
	for r.next() != '}' {
		name, plain := r.text()
		if !plain {
			return false
		}
		schema := q.others
		if p, ok := q.properties[string(name)]; ok {
			found |= p.bit
			schema = p.schema
		}
		r.next()
		if schema == nil || !r.value(schema) {
			return false
		}
	}
	r.pos++
	return found == q.required
}
