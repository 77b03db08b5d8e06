package api

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// bodies are all types of bodies.
func bodies() []decodable {
	return []decodable{
		&clientBody{}, &eventTypeBody{}, &eventBody{}, &batchBody{}, &rotateBody{}, &noFields{},
		&newSubscription{}, &subscriptionPatch{}, &ackBody{},
	}
}

// TestBodiesAreDescribedAsTheyAreRead compares the fields that a body takes
// with those that the OpenAPI document names.
func TestBodiesAreDescribedAsTheyAreRead(t *testing.T) {
	registry := huma.NewMapRegistry("#/", huma.DefaultSchemaNamer)
	for _, body := range bodies() {
		var faults webhook.Faults
		o := &object{faults: &faults}
		body.decode(o)
		schema := registry.Schema(reflect.TypeOf(body), false, "")
		described := []string{}
		for name := range schema.Properties {
			described = append(described, name)
		}
		slices.Sort(described)
		slices.Sort(o.known)
		if diff := cmp.Diff(append([]string{}, o.known...), described); diff != "" {
			t.Errorf("%T: -read +described:\n%s", body, diff)
		}
		var required []string
		for _, f := range faults {
			required = append(required, strings.TrimPrefix(f.Path, "/"))
		}
		slices.Sort(required)
		slices.Sort(schema.Required)
		if diff := cmp.Diff(required, schema.Required); diff != "" {
			t.Errorf("%T: required: -read +described:\n%s", body, diff)
		}
	}
}

func TestWhatIsNoJSON(t *testing.T) {
	for doc, where := range map[string]string{
		"":                    "empty",
		" \n":                 "empty",
		"{":                   "byte 1",
		`{"a"`:                "byte 4",
		`{"a":`:               "byte 5",
		`{"a":1`:              "byte 6",
		`{"a":1,}`:            "byte 7",
		`{a:1}`:               "byte 1",
		`{'a':1}`:             "byte 1",
		`[1,]`:                "byte 3",
		`[1 2]`:               "byte 3",
		`01`:                  "byte 1",
		`-`:                   "byte 1",
		`1.`:                  "byte 2",
		`1e`:                  "byte 2",
		`.5`:                  "byte 0",
		`+1`:                  "byte 0",
		`NaN`:                 "byte 0",
		`nul`:                 "byte 0",
		`nullx`:               "byte 4",
		`"a`:                  "byte 2",
		"\"a\nb\"":            "byte 2",
		`"\x"`:                "byte 2",
		`"\u12G4"`:            "byte 5",
		`"\`:                  "byte 2",
		"\ufeff{}":            "byte 0",
		"{} x":                "byte 3",
		"[\n\n  1,\n  é\n]":   "line 4, column 3 (byte 10)",
		"{\"é\":\xc3\x28}":    "byte 6",
		"/* no comments */{}": "byte 0",
	} {
		var faults webhook.Faults
		err := scan([]byte(doc), &faults)
		if err == nil || !strings.Contains(err.Error(), where) {
			t.Errorf("%q: %v, want %s", doc, err, where)
		}
	}
}

func TestNestingAndDoubles(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`[`, n) + strings.Repeat(`]`, n) }
	many := "{"
	for i := range 2000 {
		many += `"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + `":{"a":` + "1},"
	}
	many += `"last":1}`
	for name, tc := range map[string]struct {
		doc   string
		paths int
	}{
		"deep enough":   {nested(maxDepth), 0},
		"too deep":      {nested(maxDepth + 1), 1},
		"none twice":    {`{"a":{"a":1},"b":[{"a":1},{"a":1}]}`, 0},
		"three times":   {`{"a":1,"a":2,"a":3}`, 2},
		"case differs":  {`{"a":1,"A":2}`, 0},
		"escaped":       {`{"a":1,"\u0061":2}`, 1},
		"many, doubled": {many, maxFaults},
	} {
		var faults webhook.Faults
		if err := scan([]byte(tc.doc), &faults); err != nil && err != errTooDeep {
			t.Errorf("%s: %v", name, err)
		}
		if len(faults) != tc.paths {
			t.Errorf("%s: %d faults, want %d: %v", name, len(faults), tc.paths, faults)
		}
	}
}

func TestUnquote(t *testing.T) {
	for quoted, want := range map[string]string{
		`""`: "", `"a"`: "a", `"\n\t\"\\\/"`: "\n\t\"\\/", `"\u00e9é"`: "éé", `"\ud83d\ude00"`: "😀", `"\ufffd"`: "\ufffd", `"\\u0000"`: `\u0000`,
	} {
		if got, fault := unquote([]byte(quoted)); got != want || fault != "" {
			t.Errorf("%s: %q %s", quoted, got, fault)
		}
	}
	for _, quoted := range []string{`"\u0000"`, `"\ud83d"`, `"\ud83dx"`, `"\ude00"`, `"\ud83d\u0041"`, `"\ud83d\n"`, `"\ud83d\ud83d"`} {
		if got, fault := unquote([]byte(quoted)); fault == "" {
			t.Errorf("%s: read as %q", quoted, got)
		}
	}
}

// FuzzScan holds the scanner against encoding/json: what it takes is JSON, and
// what is split of it is what encoding/json finds.
func FuzzScan(f *testing.F) {
	for _, doc := range append(oddData, `{"a":{"b":[1,"x",{"c":null}]}}`, `{"a":1,"a":2}`, `[1,]`, "\"\xff\"", `{"a" : "}" , "b\"" : [ "]" ] }`) {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		var faults webhook.Faults
		err := scan(doc, &faults)
		if err == errTooDeep {
			return
		}
		if valid := json.Valid(doc); err == nil && !valid {
			t.Fatalf("%q was taken for JSON", doc)
		} else if err != nil && valid && !strings.Contains(err.Error(), "UTF-8") {
			t.Fatalf("%q was refused: %v", doc, err)
		}
		if err != nil {
			return
		}
		whole := trimmed(doc)
		switch kindOf(whole) {
		case "an object":
			var want map[string]json.RawMessage
			must(t, json.Unmarshal(whole, &want))
			got := members(whole)
			if len(faults) == 0 && len(got) != len(want) {
				t.Fatalf("%q has %d members, not %d", doc, len(want), len(got))
			}
			for _, m := range got {
				if len(faults) == 0 && string(want[m.name]) != string(m.value) {
					t.Fatalf("%q: %q is %q, not %q", doc, m.name, want[m.name], m.value)
				}
			}
		case "an array":
			var want []json.RawMessage
			must(t, json.Unmarshal(whole, &want))
			for i, e := range elements(whole) {
				if string(e) != string(want[i]) {
					t.Fatalf("%q: element %d is %q, not %q", doc, i, want[i], e)
				}
			}
		}
	})
}
