package sample_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/sample"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const some = 3000

// TestRecordsFollowTheTable reads each record field by field: known names in
// the table's order, each with a value of its kind, and each of them at least
// once in some thousand records.
func TestRecordsFollowTheTable(t *testing.T) {
	g := sample.New(1, sample.Window())
	for _, d := range webhook.Datasets() {
		t.Run(string(d), func(t *testing.T) {
			seen := map[string]bool{}
			for i := range some {
				checkRecord(t, d.Spec(), g.Append(nil, d, i), seen)
			}
			for _, f := range d.Spec().Fields {
				if !seen[f.Name] {
					t.Errorf("no record has %s", f.Name)
				}
			}
		})
	}
}

func checkRecord(t *testing.T, spec *webhook.DatasetSpec, raw []byte, seen map[string]bool) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	at := 0
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		name, ok := token.(string)
		for at < len(spec.Fields) && spec.Fields[at].Name != name {
			at++
		}
		if !ok || at == len(spec.Fields) {
			t.Fatalf("%v is no field of the contract, or out of its order: %s", token, raw)
		}
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		seen[name] = true
		if !fits(spec.Fields[at], v) {
			t.Fatalf("%s: %v does not fit", name, v)
		}
	}
}

func fits(f webhook.Field, v any) bool {
	text, isText := v.(string)
	_, isObject := v.(map[string]any)
	switch f.Kind {
	case webhook.FieldText:
		return isText && text != ""
	case webhook.FieldInteger, webhook.FieldMoney:
		n, ok := v.(json.Number)
		return ok && !strings.ContainsAny(n.String(), ".eE")
	case webhook.FieldBool:
		_, ok := v.(bool)
		return ok
	case webhook.FieldTime:
		at, err := time.Parse(time.RFC3339, text)
		return err == nil && strings.HasSuffix(text, "Z") && (at.Nanosecond() != 0) == strings.Contains(text, ".")
	case webhook.FieldDate:
		_, err := time.Parse(time.DateOnly, text)
		return err == nil
	case webhook.FieldBirthDate:
		_, err := time.Parse("02/01/2006", text)
		return err == nil
	case webhook.FieldEnum:
		for _, allowed := range f.Enum {
			if text == allowed {
				return true
			}
		}
		return false
	case webhook.FieldObject:
		return isObject
	case webhook.FieldTextOrObject:
		return isText || isObject
	}
	return false
}

func TestRecordsAreTakenByTheReader(t *testing.T) {
	w := sample.Window()
	g := sample.New(7, w)
	for _, d := range webhook.Datasets() {
		field := "project_id"
		if d == webhook.Financeiro {
			field = "project"
		}
		reader := webhook.NewRecordReader(d, field)
		keys := map[string]bool{}
		for i := range some {
			raw := g.Append(nil, d, i)
			rec, fault := reader.Read(raw)
			if fault != nil {
				t.Fatalf("%s %d: %s: %s", d, i, fault.Reason, raw)
			}
			if rec.Key != g.Key(d, i) || keys[rec.Key] {
				t.Fatalf("%s %d: the key %q is there twice, or not %q", d, i, rec.Key, g.Key(d, i))
			}
			keys[rec.Key] = true
			if latest := rec.Latest(); latest.Before(w.From) || !latest.Before(w.To) {
				t.Fatalf("%s %d: %s is out of the window", d, i, latest)
			}
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	for _, d := range webhook.Datasets() {
		a := sample.New(3, sample.Window()).Lines(nil, d, 0, 200)
		b := sample.New(3, sample.Window()).Lines(nil, d, 0, 200)
		other := sample.New(4, sample.Window()).Lines(nil, d, 0, 200)
		one := sample.New(3, sample.Window()).Append(nil, d, 150)
		if !bytes.Equal(a, b) || bytes.Equal(a, other) {
			t.Errorf("%s: the seed does not decide", d)
		}
		if lines := bytes.Split(a, []byte("\n")); !bytes.Equal(lines[150], one) {
			t.Errorf("%s: a record depends on those before it", d)
		}
	}
}

// Nobody's document number may come out by chance.
func TestDocumentsAreNobodys(t *testing.T) {
	g := sample.New(5, sample.Window())
	for i := range some {
		var c struct {
			Number string `json:"document_number"`
			Kind   string `json:"document_type"`
			Phone  string `json:"phone"`
			Email  string `json:"email"`
		}
		if err := json.Unmarshal(g.Cadastro(nil, i), &c); err != nil {
			t.Fatal(err)
		}
		if firstCheckDigitHolds(c.Number, c.Kind) {
			t.Fatalf("%s %s could be somebody's", c.Kind, c.Number)
		}
		if !strings.HasPrefix(c.Phone, "+55 00 ") || !strings.HasSuffix(c.Email, "@example.com") {
			t.Fatalf("%s, %s could be somebody's", c.Phone, c.Email)
		}
	}
	if !firstCheckDigitHolds("52998224725", "cpf") || !firstCheckDigitHolds("11222333000181", "cnpj") {
		t.Error("the check itself is wrong: these two are the known examples")
	}
}

func firstCheckDigitHolds(number, kind string) bool {
	weights := []int{10, 9, 8, 7, 6, 5, 4, 3, 2}
	if kind == "cnpj" {
		weights = []int{5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2}
	}
	sum := 0
	for i, w := range weights {
		sum += w * int(number[i]-'0')
	}
	want := 11 - sum%11
	if want > 9 {
		want = 0
	}
	return int(number[len(weights)]-'0') == want
}

func BenchmarkAppend(b *testing.B) {
	g := sample.New(1, sample.Window())
	for _, d := range webhook.Datasets() {
		b.Run(string(d), func(b *testing.B) {
			b.ReportAllocs()
			var buf []byte
			for i := 0; b.Loop(); i++ {
				buf = g.Append(buf[:0], d, i)
			}
			b.SetBytes(int64(len(buf)))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
