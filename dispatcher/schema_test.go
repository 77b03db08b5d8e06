package dispatcher

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// checked returns what is wrong with data, a line each.
func checked(t testing.TB, schema, data string) []string {
	t.Helper()
	compiled, err := compileSchema([]byte(schema))
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	var f webhook.Faults
	(&eventType{schema: compiled}).check([]byte(data), "/data", &f)
	out := []string{}
	for _, fault := range f {
		out = append(out, fault.Path+" "+fault.Message)
	}
	return out
}

// TestSchemaFaultsInPlainWords: each rule of JSON Schema, at its place, and
// never the value itself.
func TestSchemaFaultsInPlainWords(t *testing.T) {
	for _, tc := range []struct{ schema, data, want string }{
		{`{"type":"string"}`, `1`, `/data must be a string, but is a number`},
		{`{"type":["integer","null"]}`, `"secret"`, `/data must be an integer or null, but is a string`},
		{`{"enum":["a",1,null]}`, `"secret"`, `/data must be one of "a", 1, null`},
		{`{"const":{"a":1}}`, `"secret"`, `/data must be {"a":1}`},
		{`{"format":"date"}`, `"secret"`, `/data must have the form "date"`},
		{`{"pattern":"^[0-9]+$"}`, `"secret"`, `/data must match the pattern ^[0-9]+$`},
		{`{"minLength":7}`, `"secret"`, `/data must be at least 7 characters long, but has 6`},
		{`{"maxLength":1}`, `"secret"`, `/data must be at most 1 character long, but has 6`},
		{`{"minItems":1}`, `[]`, `/data must have at least 1 element, but has 0`},
		{`{"maxItems":1}`, `[1,2]`, `/data must have at most 1 element, but has 2`},
		{`{"uniqueItems":true}`, `[1,2,1.0]`, `/data must not have the same element twice: elements 0 and 2 are the same`},
		{`{"contains":{"const":1}}`, `[2,3]`, `/data has no element of the kind that it must have`},
		{`{"contains":{"const":1},"minContains":2}`, `[1,3]`, `/data must have at least 2 elements of a kind, but has 1`},
		{`{"contains":{"const":1},"maxContains":1}`, `[1,1]`, `/data must have at most 1 element of a kind, but has 2`},
		{`{"minProperties":1}`, `{}`, `/data must have at least 1 field, but has 0`},
		{`{"maxProperties":0}`, `{"a":1}`, `/data must have at most 0 fields, but has 1`},
		{`{"propertyNames":{"pattern":"^a"}}`, `{"b":1}`, `/data has the field "b", whose name is not allowed`},
		{`{"required":["a/b"]}`, `{}`, `/data/a~1b is missing`},
		{`{"dependentRequired":{"a":["b"]}}`, `{"a":1}`, `/data/b is missing: it must be there when "a" is`},
		{`{"additionalProperties":false}`, `{"a":1}`, `/data/a is not a field of this event type`},
		{`{"properties":{"a":false}}`, `{"a":1}`, `/data/a is not allowed here`},
		{`{"unevaluatedProperties":false}`, `{"a":1}`, `/data/a is not allowed here`},
		{`{"minimum":1.5}`, `1`, `/data must be at least 1.5`},
		{`{"maximum":12345678901234567890}`, `12345678901234567891`, `/data must be at most 12345678901234567890`},
		{`{"exclusiveMinimum":0}`, `0`, `/data must be more than 0`},
		{`{"exclusiveMaximum":0.1}`, `0.1`, `/data must be less than 0.1`},
		{`{"multipleOf":5}`, `7`, `/data must be a multiple of 5`},
		{`{"not":{"type":"string"}}`, `"secret"`, `/data is what the schema excludes`},
		{`{"anyOf":[{"type":"string"},{"type":"null"}]}`, `1`, `/data must be a string or null, but is a number`},
		{`{"$defs":{"s":{"type":"string"}},"oneOf":[{"$ref":"#/$defs/s"},{"type":"null"}]}`, `1`, `/data must be a string or null, but is a number`},
		{`{"oneOf":[{"type":"string"},{"minLength":1}]}`, `"secret"`, `/data must meet exactly one alternative, but meets 1 and 2`},
		{`{"anyOf":[{"required":["a"]},{"required":["b"]}]}`, `{}`, `/data meets none of the alternatives: (1) /data/a is missing; (2) /data/b is missing`},
		{`{"prefixItems":[{"type":"object","properties":{"x":{"type":"string"}}}]}`, `[{"x":1}]`, `/data/0/x must be a string, but is a number`},
	} {
		if diff := cmp.Diff([]string{tc.want}, checked(t, tc.schema, tc.data)); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", tc.schema, tc.data, diff)
		}
	}
}

// TestEveryFaultAtOnce, in the order of their places, each once.
func TestEveryFaultAtOnce(t *testing.T) {
	const schema = `{"type":"object","required":["z","a"],"additionalProperties":false,
		"properties":{"z":{},"a":{},"n":{"type":"integer","allOf":[{"type":"integer"}]},"l":{"items":{"maxLength":1}}}}`
	want := []string{
		"/data/a is missing", "/data/l/0 must be at most 1 character long, but has 2",
		"/data/l/2 must be at most 1 character long, but has 3", "/data/n must be an integer, but is a string",
		"/data/x is not a field of this event type", "/data/z is missing",
	}
	for range 20 { // the checker walks maps
		if diff := cmp.Diff(want, checked(t, schema, `{"n":"1","x":1,"l":["ab","a","abc"]}`)); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	}
	if n := len(checked(t, `{"items":{"type":"string"}}`, `[`+strings.Repeat("1,", 5000)+`1]`)); n != maxFaults {
		t.Errorf("%d faults", n)
	}
}

// TestHugeNumbersCostNothing: the checker would crash on the first of these,
// and need minutes for the second.
func TestHugeNumbersCostNothing(t *testing.T) {
	const schema = `{"items":{"type":"integer","minimum":-10,"maximum":10,"multipleOf":1},"uniqueItems":true}`
	began := time.Now()
	for number, want := range map[string]int{ // faults
		"1e99999999": 1, "-1e99999999": 1, "1e999999": 1, "1E+99999999999999999999": 1,
		"1e-99999999": 2, "0e99999999": 0, "5": 0, "0.5e1": 0, "500e-2": 0,
		strings.Repeat("9", 500_000): 1, "1." + strings.Repeat("0", 500_000): 0, "1." + strings.Repeat("0", 5000) + "1": 2,
	} {
		// Not a whole number is one fault by the type, which ends the check there.
		if got := checked(t, schema, "["+number+"]"); (len(got) > 0) != (want > 0) {
			t.Errorf("%.30s…: %v", number, got)
		}
	}
	batch := "[" + strings.Repeat("1e999999,", 1000) + "0]"
	checked(t, schema, batch)
	if spent := time.Since(began); spent > 20*time.Second {
		t.Errorf("it took %v", spent)
	}
}

// TestTameKeepsWhatCounts: sign, size within bounds, and whether it is whole.
func TestTameKeepsWhatCounts(t *testing.T) {
	rat := func(s json.Number) *big.Rat {
		r, ok := new(big.Rat).SetString(string(s))
		if !ok {
			t.Fatalf("%.40s is no number", s)
		}
		return r
	}
	for _, n := range []json.Number{"0", "-0.0", "1.50", "-12e3", "1e400", json.Number(strings.Repeat("7", 400)), "12345678901234567890.5"} {
		if got := tame(n); got != n {
			t.Errorf("%s became %s", n, got)
		}
	}
	for _, n := range []json.Number{
		json.Number(strings.Repeat("7", 900)), json.Number("-" + strings.Repeat("7", 900)), "1e900", "-1e900", "1e-900",
		json.Number(strings.Repeat("1", 450) + ".5"), json.Number("0." + strings.Repeat("0", 450) + "1"),
		json.Number(strings.Repeat("1", 300) + "." + strings.Repeat("1", 300)), json.Number(strings.Repeat("0", 0) + "0." + strings.Repeat("3", 500) + "e500"),
	} {
		was, is := rat(n), rat(tame(n))
		if len(tame(n)) > 2*tameDigits || was.Sign() != is.Sign() || was.IsInt() != is.IsInt() {
			t.Errorf("%.20s… (sign %d, whole %v) became %.20s… (sign %d, whole %v)", n, was.Sign(), was.IsInt(), tame(n), is.Sign(), is.IsInt())
		}
		bound := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(300), nil))
		if was.Cmp(bound) != is.Cmp(bound) {
			t.Errorf("%.20s… changed sides of 1e300", n)
		}
	}
}

// FuzzDecodeJSON compares the reader of values with encoding/json's.
func FuzzDecodeJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `{"a":[1,-2.5e3,true,false,null,"x\n\"é\u00e9\ud83d\ude00"],"b":{"c":{}}}`, ` { "a" : 1 , "a" : 2 } `, `"`, `[1,]`, `01`, `{"a"}`, "\"\x01\"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := decodeJSON(data)
		want, wantErr := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("errors %v and %v", err, wantErr)
		}
		if err != nil || !bytes.Equal(data, bytes.ToValidUTF8(data, nil)) {
			return // bytes that are not UTF-8 are read as they are; intake refuses them
		}
		if diff := cmp.Diff(tameAll(want), got); diff != "" {
			t.Fatalf("-encoding/json +ours:\n%s", diff)
		}
	})
}

func tameAll(v any) any {
	switch v := v.(type) {
	case json.Number:
		return tame(v)
	case []any:
		for i := range v {
			v[i] = tameAll(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = tameAll(v[k])
		}
	}
	return v
}

// TestShippedExamplesMeetTheirSchemas, those of the reserved types too.
func TestShippedExamplesMeetTheirSchemas(t *testing.T) {
	for _, et := range webhook.BuiltinEventTypes() {
		if got := checked(t, string(et.Schema), string(et.Example)); len(got) > 0 {
			t.Errorf("%s: %v", et.Slug, got)
		}
	}
}

// TestExportBodiesMeetTheirDescription: what the exports send, by their own
// golden files, is what the catalogue says of them.
func TestExportBodiesMeetTheirDescription(t *testing.T) {
	schemas := map[string]string{}
	for _, et := range webhook.BuiltinEventTypes() {
		schemas[string(et.Slug)] = string(et.Schema)
	}
	bodies, err := filepath.Glob("../scheduler/testdata/body_*.json")
	if err != nil || len(bodies) < 4 {
		t.Fatalf("%d golden files: %v", len(bodies), err)
	}
	for _, name := range bodies {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var head struct{ Event string }
		if err := json.Unmarshal(text, &head); err != nil {
			t.Fatal(err)
		}
		if got := checked(t, schemas[head.Event], string(text)); schemas[head.Event] == "" || len(got) > 0 {
			t.Errorf("%s, %q: %v", name, head.Event, got)
		}
	}
}
