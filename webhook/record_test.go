package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestGoodRecordsPassByteForByte(t *testing.T) {
	const id = `"_id":"60d21b4667d0d8992e610c85"`
	for _, tc := range []struct {
		name string
		d    Dataset
		raw  string
		at   []string
	}{
		{"the least", Cadastros, `{` + id + `,"updatedAt":"2025-06-15T18:00:00Z"}`, []string{"2025-06-15T18:00:00Z"}},
		{"odd numbers, escapes, order, unknown fields", Vendas, "{\"z\":1.50e+3,\"big\":123456789012345678901234567890,\"u\":\"\\u00e9\\/é\", \"total\":2990,\t" + id + `,"updatedAt":"2025-06-15T18:00:00.123Z","a":{"total":"x"}}`, []string{"2025-06-15T18:00:00.123Z"}},
		{"negative and null money, null enumerations", Vendas, `{` + id + `,"updatedAt":"2025-06-15T15:00:00-03:00","total":-1,"tax":null,"price":0,"payment_method_id":null}`, []string{"2025-06-15T18:00:00Z"}},
		{"an enumeration with an escape", Vendas, `{` + id + `,"updatedAt":"2025-06-15T18:00:00Z","payment_method_id":"Cart\u00e3o de Cr\u00e9dito"}`, []string{"2025-06-15T18:00:00Z"}},
		{"names with escapes", Vendas, `{"\u005fid":"x","updated\u0041t":"2025-06-15T18:00:00Z"}`, []string{"2025-06-15T18:00:00Z"}},
		{"a key with escapes", Vendas, `{"_id":"\ud83d\ude00\n","updatedAt":"2025-06-15T18:00:00Z"}`, []string{"2025-06-15T18:00:00Z"}},
		{"three times", Ingressos, `{` + id + `,"updatedAt":"2025-06-15T18:00:00Z","createdAt":"2025-06-01T00:00:00Z","checkin_date":"2025-06-16T00:00:00Z"}`, []string{"2025-06-01T00:00:00Z", "2025-06-15T18:00:00Z", "2025-06-16T00:00:00Z"}},
		{"one time thrice", Ingressos, `{` + id + `,"updatedAt":"2025-06-15T18:00:00Z","createdAt":"2025-06-15T15:00:00-0300","checkin_date":"2025-06-15T18:00:00+00"}`, []string{"2025-06-15T18:00:00Z"}},
		{"no check-in", Ingressos, `{` + id + `,"updatedAt":"2025-06-15T18:00:00Z","checkin_date":null}`, []string{"2025-06-15T18:00:00Z"}},
		{"a day in GMT-3", Financeiro, `{"reference_number":"REF123","date":"2025-06-15","sacado":-100,"operation":"Estorno"}`, []string{"2025-06-15T03:00:00Z"}},
		{"createdAt is no window of a sale", Vendas, `{` + id + `,"updatedAt":"2025-06-15T18:00:00Z","createdAt":"yesterday"}`, []string{"2025-06-15T18:00:00Z"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rec, fault := NewRecordReader(tc.d, "").Read([]byte(tc.raw))
			if fault != nil {
				t.Fatal(fault.Reason)
			}
			if string(rec.Body) != tc.raw {
				t.Errorf("the bytes changed: %s", rec.Body)
			}
			var got []string
			for _, at := range rec.Instants {
				if !at.IsZero() {
					got = append(got, at.Format(time.RFC3339Nano))
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(tc.at) {
				t.Errorf("times %v, want %v", got, tc.at)
			}
			if last := rec.Latest().Format(time.RFC3339Nano); last != tc.at[len(tc.at)-1] {
				t.Errorf("latest %s", last)
			}
		})
	}
}

func TestRefusedRecordsSayWhy(t *testing.T) {
	const head = `{"_id":"a","updatedAt":"2025-06-15T18:00:00Z"`
	for _, tc := range []struct {
		d           Dataset
		raw, reason string
	}{
		{Vendas, `[]`, "a record is a JSON object"},
		{Vendas, ``, "a record is a JSON object"},
		{Vendas, `{}`, `"_id" is missing; "updatedAt" is missing`},
		{Vendas, head + `}x`, "byte 47: nothing may follow the record"},
		{Vendas, head + `,}`, "a name in double quotes should be here"},
		{Vendas, head + `,"a":tru}`, "a value should be here"},
		{Vendas, head + `,"a":01}`, `a "," or a "}" should be here`},
		{Vendas, head + `,"a":"` + "\x01" + `"}`, "control character"},
		{Vendas, head + `,"a":"\x"}`, "no escape of JSON"},
		{Vendas, head + `,"a":"` + "\xff" + `"}`, "not UTF-8"},
		{Vendas, head + `,"a":[1,2}`, `a "," or a "]" should be here`},
		{Vendas, head + `,"a":1.}`, "a digit should be here"},
		{Vendas, head, `a "," or a "}" should be here`},
		{Vendas, head + `,"total":1,"total":1}`, `the name "total" is there twice`},
		{Vendas, head + `,"\u005fid":"b"}`, `the name "_id" is there twice`},
		{Vendas, head + `,"x":1,"x":1}`, `the name "x" is there twice`},
		{Vendas, head + `,"a":{"x":1,"y":{},"x":1}}`, `the name "x" is there twice`},
		{Vendas, head + `,"a":` + strings.Repeat("[", 120) + strings.Repeat("]", 120) + `}`, "deeper than 100 levels"},
		{Vendas, head + `,"a":"` + strings.Repeat("x", MaxRecord) + `"}`, "larger than 256 KiB"},
		{Vendas, head + `,"total":29.9}`, `"total" has a fraction or an exponent; money is an integer in centavos, such as 2990`},
		{Vendas, head + `,"total":1e3}`, "has a fraction or an exponent"},
		{Vendas, head + `,"total":"2990"}`, "is text; money is an integer"},
		{Vendas, head + `,"total":true}`, "is no number"},
		{Vendas, head + `,"total":{"$numberInt":"1"}}`, "is no number"},
		{Vendas, head + `,"total":1234567890123456789}`, "too large"},
		{Vendas, head + `,"payment_method_id":"pix"}`, `"payment_method_id" is none of Cartão de Crédito, Boleto, Pix, Cortesia, Gratuito`},
		{Vendas, head + `,"payment_status_id":1}`, "must be text"},
		{Vendas, head + `,"total":1.5,"tax":"x"}`, `"total" has a fraction or an exponent; money is an integer in centavos, such as 2990; "tax" is text`},
		{Financeiro, `{"reference_number":"r","date":"2025-06-15","operation":"Credito"}`, "is none of Crédito, Saque, Estorno"},
		{Financeiro, `{"reference_number":"r","date":"2025-02-29"}`, `"date" is no day as YYYY-MM-DD`},
		{Financeiro, `{"reference_number":"r","date":"2025-06-15T00:00:00Z"}`, "is no day"},
		{Vendas, `{"_id":"","updatedAt":"2025-06-15T18:00:00Z"}`, `"_id" is empty`},
		{Vendas, `{"_id":7,"updatedAt":"2025-06-15T18:00:00Z"}`, `"_id" must be text`},
		{Vendas, `{"_id":null,"updatedAt":"2025-06-15T18:00:00Z"}`, `"_id" must be text`},
		{Vendas, `{"_id":{"$oid":"60d21b4667d0d8992e610c85"},"updatedAt":"2025-06-15T18:00:00Z"}`, "24 hexadecimal digits"},
		{Vendas, `{"_id":"a\u0000","updatedAt":"2025-06-15T18:00:00Z"}`, "U+0000"},
		{Vendas, `{"_id":"\ud800","updatedAt":"2025-06-15T18:00:00Z"}`, "half of a surrogate pair"},
		{Vendas, `{"_id":"` + strings.Repeat("k", 201) + `","updatedAt":"2025-06-15T18:00:00Z"}`, "longer than 200 bytes"},
		{Vendas, `{"_id":"a","updatedAt":null}`, `"updatedAt" must be text`},
		{Vendas, `{"_id":"a","updatedAt":"0001-01-01T00:00:00Z"}`, "is before 1970"},
		{Ingressos, head + `,"checkin_date":"15/06/2025"}`, `"checkin_date" is no time`},
	} {
		rec, fault := NewRecordReader(tc.d, "").Read([]byte(tc.raw))
		if fault == nil || !strings.Contains(fault.Reason, tc.reason) {
			t.Errorf("%.80s: %v, want %q", tc.raw, fault, tc.reason)
		}
		if rec.Body != nil {
			t.Errorf("%.80s: a refused record is given out", tc.raw)
		}
	}
}

func TestInstants(t *testing.T) {
	for text, want := range map[string]string{
		"2025-06-15T18:00:00Z":            "2025-06-15T18:00:00Z",
		"2024-02-29T23:59:59.999999999Z":  "2024-02-29T23:59:59.999999Z",
		"2025-06-15T18:00:00.5+05:30":     "2025-06-15T12:30:00.5Z",
		"2025-06-15T18:00:00.05-0300":     "2025-06-15T21:00:00.05Z",
		"2025-06-15T18:00:00-03":          "2025-06-15T21:00:00Z",
		"2025-06-15T18:00:00":             "",
		"2025-06-15 18:00:00Z":            "",
		"2025-06-15t18:00:00z":            "",
		"2025-06-15T18:00Z":               "",
		"2025-06-15T24:00:00Z":            "",
		"2025-06-15T18:60:00Z":            "",
		"2025-06-15T18:00:60Z":            "",
		"2025-06-31T18:00:00Z":            "",
		"2025-13-01T18:00:00Z":            "",
		"2025-00-01T18:00:00Z":            "",
		"2025-06-00T18:00:00Z":            "",
		"0000-06-01T18:00:00Z":            "",
		"2025-06-15T18:00:00.Z":           "",
		"2025-06-15T18:00:00.1234567890Z": "",
		"2025-06-15T18:00:00+3":           "",
		"2025-06-15T18:00:00+03:0":        "",
		"2025-06-15T18:00:00+24:00":       "",
		"2025-06-15T18:00:00ZZ":           "",
		"2025-06-15T18:00:00.123":         "",
		"":                                "",
		"2025-06-15":                      "",
	} {
		at, fault := parseInstant(text)
		switch {
		case want == "" && fault == "":
			t.Errorf("%q is taken for %s", text, at)
		case want != "" && (fault != "" || at.Format(time.RFC3339Nano) != want):
			t.Errorf("%q: %s %s, want %s", text, at.Format(time.RFC3339Nano), fault, want)
		}
	}
}

func TestTheClientInAField(t *testing.T) {
	r := NewRecordReader(Vendas, "project_id")
	const head = `{"_id":"a","updatedAt":"2025-06-15T18:00:00Z"`
	rec, fault := r.Read([]byte(head + `,"project_id":"acme"}`))
	if fault != nil || rec.ClientID != "acme" {
		t.Errorf("%q, %v", rec.ClientID, fault)
	}
	for tail, want := range map[string]string{
		`}`:                        `"project_id" is missing: it names the record's client`,
		`,"project_id":7}`:         `"project_id" must be text`,
		`,"project_id":"a b"}`:     `"project_id" is no client id`,
		`,"project_id":null}`:      `"project_id" must be text`,
		`,"x":{"project_id":"a"}}`: `"project_id" is missing`,
	} {
		if _, fault := r.Read([]byte(head + tail)); fault == nil || !strings.Contains(fault.Reason, want) {
			t.Errorf("%s: %v, want %q", tail, fault, want)
		}
	}
	// A field that the contract does not name serves too.
	rec, fault = NewRecordReader(Vendas, "tenant").Read([]byte(head + `,"tenant":"acme"}`))
	if fault != nil || rec.ClientID != "acme" {
		t.Errorf("%q, %v", rec.ClientID, fault)
	}
}

// A reader keeps nothing of one record for the next.
func TestAReaderForgets(t *testing.T) {
	r := NewRecordReader(Ingressos, "")
	full := `{"_id":"a","updatedAt":"2025-06-15T18:00:00Z","createdAt":"2025-06-01T00:00:00Z","x":1,"total":1.5}`
	if _, fault := r.Read([]byte(full)); fault != nil {
		t.Fatal(fault.Reason) // a ticket has no total
	}
	if _, fault := r.Read([]byte(`{"x":1}`)); fault == nil || fault.Key != "" {
		t.Fatalf("the key of the record before: %v", fault)
	}
	rec, fault := r.Read([]byte(`{"_id":"b","updatedAt":"2025-06-15T18:00:00Z"}`))
	if fault != nil || !rec.Instants[1].IsZero() {
		t.Fatalf("%v %v", rec.Instants, fault)
	}
}

// FuzzRecord compares the scanner with encoding/json: what it takes, that
// takes, and what that refuses, it refuses.
func FuzzRecord(f *testing.F) {
	for _, s := range []string{
		`{"_id":"a","updatedAt":"2025-06-15T18:00:00Z","total":2990}`, `{"a":[1,-0.5e+7,{"b":null}],"c":"\ud83d\ude00"}`,
		`{"a":1,"a":2}`, `{`, `{"\u005fid":"x"}`, "{\"a\":\"\x01\"}", `{"a":tru}`, ` { } `, `{"":""}`, `{"a":00}`,
	} {
		f.Add([]byte(s), "project_id")
		f.Add([]byte(s), "")
	}
	f.Fuzz(func(t *testing.T, raw []byte, field string) {
		for _, d := range Datasets() {
			rec, fault := NewRecordReader(d, field).Read(raw)
			if fault != nil {
				if fault.Reason == "" {
					t.Fatalf("%q is refused without a reason", raw)
				}
				continue
			}
			checkTaken(t, d, rec, raw)
		}
		var s scanner
		s.start(raw)
		var object map[string]json.RawMessage
		syntax := json.Unmarshal(raw, &object) == nil && object != nil
		fault := s.members(func(_, _ []byte) nameState { return nameNew })
		switch {
		case fault == "" && !json.Valid(raw):
			t.Fatalf("%q is no JSON and was taken", raw)
		case fault != "" && syntax && !strings.Contains(fault, "twice") && !strings.Contains(fault, "deeper"):
			t.Fatalf("%q is JSON and was refused: %s", raw, fault)
		}
	})
}

func checkTaken(t *testing.T, d Dataset, rec Record, raw []byte) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatalf("%q was taken: %v", raw, err)
	}
	if rec.Key == "" || object[d.Spec().Key] != rec.Key || string(rec.Body) != string(raw) {
		t.Fatalf("%q: key %q, body %q", raw, rec.Key, rec.Body)
	}
	if rec.Instants[0].IsZero() || rec.Latest().Before(rec.Instants[0]) {
		t.Fatalf("%q: times %v", raw, rec.Instants)
	}
}
