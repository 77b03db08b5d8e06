package dispatcher

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestQuickKnowsTheRedemption: the busiest type is checked quickly, and what is
// wrong with it is left to the full checker.
func TestQuickKnowsTheRedemption(t *testing.T) {
	for _, et := range webhook.BuiltinEventTypes() {
		if et.Slug != "shop.product.redemption" {
			continue
		}
		q := compileQuick(et.Schema)
		if q == nil || !q.meets(et.Example) {
			t.Fatalf("the example does not pass quickly: %+v", q)
		}
		for _, data := range []string{
			`1`, `{}`, `{"user":{"id":"1"}}`, `{"user":{"id":""},"exchange":{"id":"1"}}`, `{"user":{"id":"1"},"exchange":{"id":1}}`,
			`{"user":{"id":"1","x":"1"},"exchange":{"id":"1"}}`, `{"user":{"id":"1"},"exchange":{"id":"1","exchange_date":"today"}}`,
			`{"user":{"id":"1"},"exchange":{"id":"1","school":{"id":1}}}`, `{"user":{"id":"1"},"exchange":{"id":"1"},"user":null}`,
		} {
			if q.meets([]byte(data)) {
				t.Errorf("%s passes", data)
			}
		}
	}
}

// TestQuickIsNeverWrong: whatever passes quickly passes the full checker.
func TestQuickIsNeverWrong(t *testing.T) {
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		schema := text(t, drawSchema(t, 3))
		full, err := compileSchema([]byte(schema))
		if err != nil {
			t.Fatalf("%s: %v", schema, err)
		}
		q := compileQuick([]byte(schema))
		if q == nil {
			return
		}
		data := text(t, drawValue(t, 3))
		if !q.meets([]byte(data)) {
			return
		}
		passed++
		var f webhook.Faults
		if (&eventType{schema: full}).check([]byte(data), "", &f); len(f) > 0 {
			t.Fatalf("%s passes quickly for %s, but %v", data, schema, f)
		}
	})
	if passed == 0 {
		t.Error("nothing passed quickly: the test says nothing")
	}
}

func text(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var quickNames = []string{"a", "b", "ç", `c"d`}

func drawSchema(t *rapid.T, depth int) any {
	s := map[string]any{}
	if rapid.Bool().Draw(t, "typed") {
		types := []string{"object", "array", "string", "number", "integer", "boolean", "null"}
		s["type"] = rapid.SliceOfNDistinct(rapid.SampledFrom(types), 1, 3, rapid.ID[string]).Draw(t, "types")
	}
	switch rapid.IntRange(0, 4).Draw(t, "word") {
	case 0:
		s["minLength"] = rapid.IntRange(0, 3).Draw(t, "least")
	case 1:
		s["pattern"] = rapid.SampledFrom([]string{"^a", "b$", "^.{2}$"}).Draw(t, "pattern")
	case 2:
		if depth > 0 {
			s["items"] = drawSchema(t, depth-1)
		}
	case 3:
		if depth > 0 {
			all := map[string]any{}
			for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(quickNames), 1, 3, rapid.ID[string]).Draw(t, "names") {
				all[name] = drawSchema(t, depth-1)
			}
			s["properties"] = all
			s["required"] = rapid.SliceOfNDistinct(rapid.SampledFrom(quickNames), 0, 2, rapid.ID[string]).Draw(t, "required")
			s["additionalProperties"] = rapid.SampledFrom([]any{true, false, map[string]any{"type": "string"}}).Draw(t, "others")
		}
	case 4:
		s["maxLength"] = 2 // a word that is not known
	}
	return s
}

func drawValue(t *rapid.T, depth int) any {
	switch n := rapid.IntRange(0, 6).Draw(t, "kind"); {
	case n == 0:
		return nil
	case n == 1:
		return rapid.Bool().Draw(t, "bool")
	case n == 2:
		return json.Number(rapid.SampledFrom([]string{"0", "-1", "1.0", "1.5", "1e2", "-12"}).Draw(t, "number"))
	case n == 3 || depth == 0:
		return rapid.SampledFrom([]string{"", "a", "ab", "çb", "aé\n", `"`}).Draw(t, "text")
	case n == 4:
		out := make([]any, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range out {
			out[i] = drawValue(t, depth-1)
		}
		return out
	}
	out := map[string]any{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(append(quickNames, "x")), 0, 4, rapid.ID[string]).Draw(t, "names") {
		out[name] = drawValue(t, depth-1)
	}
	return out
}
