package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		"nothing to see":                   "nothing to see",
		"Maria <maria@x.com.br>.":          "Maria <[redacted]>.",
		"a.b+c@mail.example.com, d'e@x.io": "[redacted], [redacted]",
		"?email=ana%40x.com&n=1":           "?email=[redacted]&n=1",
		"joão@correio.com":                 "[redacted]",
		"write to ana@x.com.":              "write to [redacted].",
		"user@localhost":                   "user@localhost",
		"@ana and ana@ and a@b":            "@ana and ana@ and a@b",
		"52998224725@x.com":                "[redacted]",
		"ana.52998224725@x.com":            "[redacted]",

		"CPF 529.982.247-25":       "CPF [redacted]",
		"CPF 52998224725!":         "CPF [redacted]!",
		"cpf52998224725":           "cpf[redacted]",
		"529 982 247 25":           "[redacted]",
		"529.982.247-26":           "[redacted]",     // the form says it, whoever mistyped it
		"52998224726":              "52998224726",    // an id of eleven digits
		"11111111111":              "11111111111",    // right check digits, nobody's
		"152998224725":             "152998224725",   // a longer number
		"52998224725000":           "52998224725000", //
		"11.222.333/0001-81":       "[redacted]",     // CNPJ
		"11222333000181":           "[redacted]",     //
		"11222333000182":           "11222333000182", //
		"60d21b4667d0d8992e610c85": "60d21b4667d0d8992e610c85",

		"(11) 98765-4321":             "[redacted]",
		"tel:+5511987654321":          "tel:[redacted]",
		"+55 (11) 9 8765-4321":        "[redacted]",
		"+55 11 3456-7890":            "[redacted]",
		"11 98765-4321":               "[redacted]",
		"011 98765 4321":              "[redacted]",
		"11987654321":                 "[redacted]",
		"5511987654321":               "[redacted]",
		"(11)34567890":                "[redacted]",
		"11 3456-7890":                "[redacted]",
		"55 98765-4321":               "[redacted]", // the area code 55
		"1750444380":                  "1750444380", // a time in seconds looks like a landline
		"1750444380123":               "1750444380123",
		"1750444380123456":            "1750444380123456",
		"2025-06-20 14:53:00":         "2025-06-20 14:53:00",
		"2025-06-20T14:53:00.123456Z": "2025-06-20T14:53:00.123456Z",
		"(20) 98765-4321":             "(20) 98765-4321", // no such area
		"evt_01jy11987654321ab":       "evt_01jy11987654321ab",
		"98765-4321":                  "98765-4321",
		"+1 212 555 0100":             "+1 212 555 0100",
	} {
		if got := string(Text([]byte(in))); got != want {
			t.Errorf("%q\n got %q\nwant %q", in, got, want)
		}
		if got := String(in); got != want {
			t.Errorf("String: %q\n got %q\nwant %q", in, got, want)
		}
	}
}

func TestJSON(t *testing.T) {
	r := New([][]string{{"nickname"}, {"data", "user", "name"}, {"list", AnyStep, "x"}, {AnyStep, "secret"}, {"whole"}})
	for in, want := range map[string]string{
		` { "b" : 1.50 , "a":[ ] } `:                               ` { "b" : 1.50 , "a":[ ] } `,
		`{"data":{"user":{"id":"123","name":"Aluno"},"name":"x"}}`: `{"data":{"user":{"id":"123","name":"[redacted]"},"name":"x"}}`,
		`{"name":"x","user":{"name":"y"}}`:                         `{"name":"x","user":{"name":"y"}}`,
		`{"a":{"Nickname":1e400},"n":12345678901234567890}`:        `{"a":{"Nickname":"[redacted]"},"n":12345678901234567890}`,
		`{"nickname":null,"email":true,"e-mail":""}`:               `{"nickname":null,"email":"[redacted]","e-mail":"[redacted]"}`,
		`{"phone":{"ddd":"11","all":[1,{"n":"2"}]},"z":3}`:         `{"phone":{"ddd":"[redacted]","all":["[redacted]",{"n":"[redacted]"}]},"z":3}`,
		`{"list":[{"x":1,"y":2},{"x":3}],"x":4}`:                   `{"list":[{"x":"[redacted]","y":2},{"x":"[redacted]"}],"x":4}`,
		`{"k":{"secret":[1],"a":2},"secret":3}`:                    `{"k":{"secret":["[redacted]"],"a":2},"secret":3}`,
		`{"whole":{"a":1}}`:                                        `{"whole":{"a":"[redacted]"}}`,
		`{"nationalId":"012345678900","national_id":1}`:            `{"nationalId":"[redacted]","national_id":"[redacted]"}`,
		`{"t":"é ana\u0040x.com \u00e9","n":52998224725}`:          `{"t":"é [redacted] \u00e9","n":"[redacted]"}`,
		`{"t":"\u0035\u0032\u0039.982.247-25\n"}`:                  `{"t":"[redacted]\n"}`,
		`{"t":"\nana@x.com\\n"}`:                                   `{"t":"\n[redacted]\\n"}`,
		`{"ana@x.com":{"a":52998224725.0}}`:                        `{"[redacted]":{"a":52998224725.0}}`,
		`{"cp\u0066":"x"}`:                                         `{"cp\u0066":"[redacted]"}`,
		`"ana@x.com"`:                                              `"[redacted]"`,
		`52998224725`:                                              `"[redacted]"`,
		`[]`:                                                       `[]`,
		// What breaks off, and what is no JSON.
		`{"cpf":"529`:                       `{"cpf":"[redacted]`,
		`{"cpf":"52\`:                       `{"cpf":"[redacted]`,
		`{"cpf":"52\"`:                      `{"cpf":"[redacted]`,
		`{"a":1,"data":{"user":{"name":"Al`: `{"a":1,"data":{"user":{"name":"[redacted]`,
		"{\"cpf\":\"a\nb\"}":                "{\"cpf\":\"[redacted]\n\"}",
		"{\"cpf\":1}\n{\"a\":2}\n":          "{\"cpf\":\"[redacted]\"}\n{\"a\":2}\n",
		`{oops ana@x.com}`:                  `{oops [redacted]}`,
		`cpf=52998224725&a=1`:               `cpf=[redacted]&a=1`,
		`<p>ana@x.com</p>`:                  `<p>[redacted]</p>`,
		"\xff\xfe(11) 98765-4321\x00":       "\xff\xfe[redacted]\x00",
		`}]"`:                               `}]"`,
	} {
		got := string(r.JSON([]byte(in)))
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		if json.Valid([]byte(in)) != json.Valid([]byte(got)) {
			t.Errorf("%s became %s: one is JSON, the other is not", in, got)
		}
	}
}

// A part of a text meets the paths that count from the whole.
func TestJSONAt(t *testing.T) {
	r := New([][]string{{"data", "user", "name"}, {"metadata", "note"}})
	if got := string(r.JSON([]byte(`{"user":{"name":"a"},"note":"b"}`), "data")); got != `{"user":{"name":"[redacted]"},"note":"b"}` {
		t.Error(got)
	}
	if got := string(r.JSON([]byte(`{"user":{"name":"a"},"note":"b"}`), "metadata")); got != `{"user":{"name":"a"},"note":"[redacted]"}` {
		t.Error(got)
	}
	if got := string(r.JSON([]byte(`[1,null,"x"]`), "data", "user", "name")); got != `["[redacted]",null,"[redacted]"]` {
		t.Error(got)
	}
}

// What is planted somewhere in any JSON text does not come out again, and
// nothing beside it changes.
func TestNothingPlantedSurvives(t *testing.T) {
	r := New([][]string{{"a", "b"}})
	rapid.Check(t, func(t *rapid.T) {
		secret := personal(t)
		in := around(t, secret, 0)
		if !json.Valid([]byte(in)) {
			t.Fatalf("the generator made no JSON: %s", in)
		}
		out := r.JSON([]byte(in))
		if !json.Valid(out) {
			t.Fatalf("%s became no JSON: %s", in, out)
		}
		if bytes.Contains(bytes.ToLower(out), []byte(strings.ToLower(secret))) {
			t.Fatalf("%s survives in %s", secret, out)
		}
		var v any
		if err := json.Unmarshal(out, &v); err != nil || strings.Contains(fmt.Sprint(v), secret) {
			t.Fatalf("%s survives in %s (%v)", secret, out, err)
		}
		if again := r.JSON(out); !bytes.Equal(again, out) {
			t.Fatalf("a second time changes %s to %s", out, again)
		}
	})
}

// personal makes a CPF, a phone number or an e-mail address in one of its forms.
func personal(t *rapid.T) string {
	digits := func(n int) string { return rapid.StringMatching(fmt.Sprintf(`[0-9]{%d}`, n)).Draw(t, "digits") }
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		base := make([]int, 9, 11)
		for i, c := range digits(9) {
			base[i] = int(c - '0')
		}
		if slices.Max(base) == slices.Min(base) {
			base[0] = (base[0] + 1) % 10
		}
		base = append(base, cpf.digit(base))
		base = append(base, cpf.digit(base))
		s := strings.Trim(strings.ReplaceAll(fmt.Sprint(base), " ", ""), "[]")
		if rapid.Bool().Draw(t, "dotted") {
			s = s[:3] + "." + s[3:6] + "." + s[6:9] + "-" + s[9:]
		}
		return s
	case 1:
		return rapid.SampledFrom([]string{"(11) 9", "+55 21 9", "+55319", "61 9", "119"}).Draw(t, "area") + digits(4) +
			rapid.SampledFrom([]string{"", "-", " "}).Draw(t, "dash") + digits(4)
	}
	return rapid.StringMatching(`[a-zA-Z0-9][a-z0-9._+-]{0,9}@[a-z][a-z0-9-]{0,8}(\.[a-z]{2,4}){1,2}`).Draw(t, "address")
}

// around makes a JSON text that holds a secret once, beside other things.
func around(t *rapid.T, secret string, depth int) string {
	beside := rapid.SampledFrom([]string{"1.50", "null", `"x"`, "[ ]", `{"q":-1e9}`, `"\u00e9\n"`, "12345678901234567890"})
	kind := rapid.IntRange(0, 4).Draw(t, "shape")
	if depth > 4 {
		kind = 4
	}
	switch kind {
	case 0:
		return "[" + beside.Draw(t, "beside") + " , " + around(t, secret, depth+1) + "]"
	case 1:
		return `{"k":` + beside.Draw(t, "beside") + `,"v" :` + around(t, secret, depth+1) + "}"
	case 2:
		return `{` + quoted(t, "<"+secret+">") + `:` + beside.Draw(t, "beside") + "}"
	case 3:
		if strings.Trim(secret, "0123456789") == "" && secret[0] != '0' {
			return secret // a number
		}
	}
	// No letter or digit may touch it: then it would be a part of something else.
	pad := rapid.SampledFrom([]string{"", " ", "é: ", "(", "\n", `"`, `\`, "/"})
	return quoted(t, "x "+pad.Draw(t, "before")+secret+rapid.SampledFrom([]string{"", " ", "\n", `"`, ", z", ")", "/"}).Draw(t, "after"))
}

// quoted writes a JSON string, some of its characters escaped.
func quoted(t *rapid.T, s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r < ' ', r == '"', r == '\\', rapid.IntRange(0, 5).Draw(t, "escape") == 0 && r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// Any bytes at all: JSON stays JSON, what is none stays none, and a second
// time changes nothing.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"cpf":"529`, `{"cpf":"a\"`, `{"email":{"a":[1,"x",null]},"t":"\ud83d\ude00ana\u0040x.com"}`, `[52998224725,11987654321]`,
		"{\"cpf\":\"a\nb\"}", `{"a b@c.de`, `{"phone":01,"x":-}`, "(11) 98765-4321 a@b.cd 529.982.247-25", `{"x":{"y":1}}`, `"\u12`, `a%40b%40c.com`,
	} {
		f.Add([]byte(s))
	}
	r := New([][]string{{"x", AnyStep}, {"data", "name"}})
	f.Fuzz(func(t *testing.T, in []byte) {
		before := bytes.Clone(in)
		out := r.JSON(in)
		if !bytes.Equal(before, in) {
			t.Fatal("the text itself was changed")
		}
		if json.Valid(in) != json.Valid(out) {
			t.Fatalf("%q became %q: one is JSON, the other is not", in, out)
		}
		if again := r.JSON(out); !bytes.Equal(again, out) {
			t.Fatalf("%q became %q, and that %q", in, out, again)
		}
		if text := Text(in); !bytes.Equal(Text(text), text) {
			t.Fatalf("%q became %q, and that %q", in, text, Text(text))
		}
	})
}

// The work grows with the text, not with its square, which would take hours at
// this size.
func TestLongTexts(t *testing.T) {
	for _, part := range []string{"a%40", "a@", "a@b.", "11 9", "(", "529.", "[", `{"a":`, `"\u00`, "+55", `\`, "9", "@"} {
		in := []byte(strings.Repeat(part, (1<<20)/len(part)))
		New(nil).JSON(in)
		New(nil).JSON(append([]byte(`["`), in...))
	}
}
