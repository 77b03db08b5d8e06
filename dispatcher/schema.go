package dispatcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// noLoader refuses to fetch a schema from anywhere: a $ref to a URL or a file
// would make a stored schema read our disk or network.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema cannot refer to another document (%s)", url)
}

const schemaName = "urn:carteiro:schema"

// compileSchema compiles a JSON Schema 2020-12; an empty one is nil.
func compileSchema(raw []byte) (*jsonschema.Schema, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	doc, err := decodeJSON(raw)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(schemaName, doc); err != nil {
		return nil, err
	}
	return c.Compile(schemaName)
}

// addSchemaFaults notes why a schema does not compile: each place of it that
// the meta-schema refuses, or else the one reason.
func addSchemaFaults(err error, at string, f *webhook.Faults) {
	var wrong *jsonschema.SchemaValidationError
	var places *jsonschema.ValidationError
	if errors.As(err, &wrong) && errors.As(wrong.Err, &places) {
		before := len(*f)
		addFaults(places, at, f)
		if len(*f) > before {
			return
		}
	}
	f.Add(at, "is no JSON Schema 2020-12: %v", err)
}

// check notes where data does not meet the type's schema. at is the JSON
// pointer of data in the request.
func (t *eventType) check(data []byte, at string, f *webhook.Faults) {
	if t.schema == nil && json.Valid(data) {
		return
	}
	if t.quick != nil && json.Valid(data) && t.quick.meets(data) {
		return
	}
	value, err := decodeJSON(data)
	if err != nil {
		f.Add(at, "is not valid JSON: %v", err)
		return
	}
	if t.schema == nil {
		return
	}
	var wrong *jsonschema.ValidationError
	if err := t.schema.Validate(value); errors.As(err, &wrong) {
		addFaults(wrong, at, f)
	} else if err != nil {
		f.Add(at, "cannot be checked: %v", err)
	}
}

// decodeJSON reads a document for the schema checker: objects as maps, numbers
// as json.Number. It takes about half of the time of encoding/json, with the
// same outcome, and reads numbers so that no arithmetic on them is costly.
func decodeJSON(data []byte) (any, error) {
	if !json.Valid(data) {
		var v any
		err := json.Unmarshal(data, &v)
		if err == nil { // it cannot be: Unmarshal asks the same question first
			err = errors.New("it cannot be read")
		}
		return nil, err
	}
	r := treeReader{data: string(data)}
	return r.value(), nil
}

// treeReader builds values of a document that is known to be valid. Names and
// texts are parts of the one string.
type treeReader struct {
	data string
	pos  int
}

func (r *treeReader) space() {
	for {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r', ',', ':':
			r.pos++
		default:
			return
		}
	}
}

func (r *treeReader) value() any {
	r.space()
	switch c := r.data[r.pos]; c {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		return r.text()
	case 't':
		r.pos += len("true")
		return true
	case 'f':
		r.pos += len("false")
		return false
	case 'n':
		r.pos += len("null")
		return nil
	}
	return r.number()
}

func (r *treeReader) object() map[string]any {
	out := map[string]any{}
	r.pos++
	for r.space(); r.data[r.pos] != '}'; r.space() {
		name := r.text()
		out[name] = r.value()
	}
	r.pos++
	return out
}

func (r *treeReader) array() []any {
	out := []any{}
	r.pos++
	for r.space(); r.data[r.pos] != ']'; r.space() {
		out = append(out, r.value())
	}
	r.pos++
	return out
}

func (r *treeReader) text() string {
	start := r.pos
	plain := true
	for r.pos++; r.data[r.pos] != '"'; r.pos++ {
		if r.data[r.pos] == '\\' {
			plain = false
			r.pos++
		}
	}
	r.pos++
	quoted := r.data[start:r.pos]
	if plain {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	if err := json.Unmarshal([]byte(quoted), &s); err != nil {
		return quoted // it is valid: it always reads
	}
	return s
}

func (r *treeReader) number() json.Number {
	start := r.pos
	for r.pos < len(r.data) && strings.IndexByte("+-.eE0123456789", r.data[r.pos]) >= 0 {
		r.pos++
	}
	return tame(json.Number(r.data[start:r.pos]))
}
