package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// documented is a schema of the document, its references followed.
type documented struct {
	Ref        string `json:"$ref"`
	AnyOf      []*documented
	Type       any
	Enum       []any
	Properties map[string]*documented
	Items      *documented
	Required   []string
	Closed     any `json:"additionalProperties"`
}

// schemas reads the bodies of the document, by operation.
func (h *house) schemas() map[string]*documented {
	h.t.Helper()
	type operation struct {
		ID      string `json:"operationId"`
		Request struct {
			Content map[string]struct{ Schema *documented }
		} `json:"requestBody"`
	}
	var doc struct {
		Paths      map[string]map[string]operation
		Components struct{ Schemas map[string]*documented }
	}
	h.do("GET", "/openapi.json", "").want(200).into(&doc)
	out := map[string]*documented{}
	for _, methods := range doc.Paths {
		for _, op := range methods {
			if s := op.Request.Content[contentJSON].Schema; s != nil {
				out[op.ID] = s.follow(doc.Components.Schemas)
			}
		}
	}
	return out
}

func (d *documented) follow(all map[string]*documented) *documented {
	if d == nil {
		return nil
	}
	if len(d.AnyOf) > 0 {
		inner := *d.AnyOf[0].follow(all)
		inner.Type = []any{inner.Type, "null"}
		return &inner
	}
	if d.Ref != "" {
		d = all[d.Ref[strings.LastIndex(d.Ref, "/")+1:]]
	}
	out := *d
	out.Items, out.Properties = d.Items.follow(all), map[string]*documented{}
	for name, p := range d.Properties {
		out.Properties[name] = p.follow(all)
	}
	return &out
}

func (d *documented) nullable() bool {
	switch t := d.Type.(type) {
	case nil:
		return true // any JSON
	case []any:
		return slices.Contains(t, any("null"))
	}
	return false
}

const stranger = "no_such_field"

// strange is a value with an unknown field in every object that is documented.
func (d *documented) strange(at string, objects map[string]*documented) map[string]any {
	objects[at] = d
	out := map[string]any{stranger: 1}
	for name, p := range d.Properties {
		switch {
		case len(p.Properties) > 0:
			out[name] = p.strange(at+"/"+name, objects)
		case p.Items != nil && len(p.Items.Properties) > 0:
			out[name] = []any{p.Items.strange(at+"/"+name+"/0", objects)}
		}
	}
	return out
}

// TestFieldsAreAsDocumented asks the server itself which fields it knows: what
// it answers to an unknown one names them. Null is taken where the document
// says so, and refused where it does not.
func TestFieldsAreAsDocumented(t *testing.T) {
	w := &world{house: newHouse(t, 0)}
	a, err := newAPI(w.options())
	must(t, err)
	schemas := w.schemas()
	for _, r := range a.routes() {
		s := schemas[r.id]
		if s == nil || r.id == "put-records" { // records have whatever fields the platform gives them
			continue
		}
		t.Run(r.id, func(t *testing.T) {
			w.knownFields(t, &r, s)
			w.nullFields(t, &r, s)
		})
		delete(schemas, r.id)
	}
}

func (w *world) knownFields(t *testing.T, r *route, s *documented) {
	objects := map[string]*documented{}
	body, err := json.Marshal(s.strange("", objects))
	must(t, err)
	var p problem
	w.do(r.method, w.target(r, clientA), string(body)).problem(422, "invalid_request").into(&p)
	for at, object := range objects {
		i := slices.IndexFunc(p.Errors, func(f webhook.Fault) bool { return f.Path == at+"/"+stranger })
		if i < 0 {
			t.Errorf("%s: an unknown field is taken", at)
			continue
		}
		if object.Closed != false {
			t.Errorf("%s: an unknown field is refused, which is not documented", at)
		}
		var known []string
		if _, list, ok := strings.Cut(p.Errors[i].Message, "known are "); ok {
			known = strings.Split(list, ", ")
		}
		slices.Sort(known)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(object.Properties)), slices.Compact(known), cmp.Transformer("nil", func(l []string) string { return strings.Join(l, " ") })); diff != "" {
			t.Errorf("%s has other fields than are documented (-document +server):\n%s", at, diff)
		}
	}
}

// nullFields sends null in each field: where it is documented, the answer is
// that to a body without the field.
func (w *world) nullFields(t *testing.T, r *route, s *documented) {
	for name, p := range s.Properties {
		if p.Type == nil {
			continue // any JSON, null among it
		}
		body := map[string]any{}
		if text := w.body(r.id, clientA); text != "" {
			must(t, json.Unmarshal([]byte(text), &body))
		}
		send := func() *answer {
			raw, err := json.Marshal(body)
			must(t, err)
			return w.do(r.method, w.target(r, clientA), string(raw))
		}
		body[name] = nil
		got := send()
		delete(body, name)
		refused := got.status == 422 && slices.Contains(got.paths(), "/"+name)
		if p.nullable() && refused && send().status != 422 || !p.nullable() && !refused {
			t.Errorf("%s: null is documented: %v; the server: %d %s", name, p.nullable(), got.status, got.body)
		}
	}
}
