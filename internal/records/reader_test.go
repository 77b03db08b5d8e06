package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll reads a stream to its end: "line:record" for each record,
// "line:too long" for what is skipped, and the error that ended it.
func readAll(r *Reader) (got []string, end error) {
	for {
		raw, err := r.Next()
		switch {
		case err == nil:
			got = append(got, fmt.Sprintf("%d:%s", r.Line(), raw))
		case errors.Is(err, ErrTooLong):
			got = append(got, fmt.Sprintf("%d:too long", r.Line()))
		default:
			return got, err
		}
	}
}

func TestReader(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", 3000) + `"}`
	for _, tc := range []struct {
		name   string
		format Format
		text   string
		want   []string
		broken string // part of the reason, with the place; "": the end is clean
	}{
		{"lines", Lines, "{\"a\":1}\n{\"b\": 2}\r\n\n  {\"c\":3}  ", []string{`1:{"a":1}`, `2:{"b": 2}`, `4:{"c":3}`}, ""},
		{"lines behind empty ones", Lines, "\n\n{}\n", []string{"3:{}"}, ""},
		{"no lines", Lines, "", nil, ""},
		{"only space", Lines, " \n \n", nil, ""},
		{"a mark of the byte order", Lines, "\ufeff{}\n", []string{"1:{}"}, ""},
		{"lines of anything", Lines, "x\n[1]\n", []string{"1:x", "2:[1]"}, ""},
		{"a long line", Lines, "{}\n" + long + "\n{}", []string{"1:{}", "2:too long", "3:{}"}, ""},
		{"a long last line", Lines, "{}\n" + long, []string{"1:{}", "2:too long"}, ""},
		{"array", Array, ` [ {"a":"]}\"["} , {"b":[1,{"c":2}]},3 , "x,]" , null] ` + "\n", []string{`1:{"a":"]}\"["}`, `2:{"b":[1,{"c":2}]}`, "3:3", `4:"x,]"`, "5:null"}, ""},
		{"an element keeps its inner space", Array, "[{\"a\" :\n 1}]", []string{"1:{\"a\" :\n 1}"}, ""},
		{"an empty array", Array, "[ ]", nil, ""},
		{"a long element", Array, `[{},` + long + `,{}]`, []string{"1:{}", "2:too long", "3:{}"}, ""},
		{"no array", Array, `{"a":1}`, nil, "record 1: the body must be a JSON array of records"},
		{"nothing", Array, " ", nil, "record 1: the body is empty"},
		{"cut off in a record", Array, `[{},{"a":1`, []string{"1:{}"}, `record 2: the body ends within the array`},
		{"cut off behind a record", Array, `[{}`, []string{"1:{}"}, `record 2: the body ends within the array`},
		{"cut off behind a comma", Array, `[{},`, []string{"1:{}"}, `record 2: the body ends within the array`},
		{"no comma", Array, `[{} {}]`, []string{"1:{}"}, `record 2: a "," or a "]" should be here`},
		{"a comma too many", Array, `[{},]`, []string{"1:{}"}, `record 2: a record should be here`},
		{"a comma too early", Array, `[,{}]`, nil, `record 1: a record should be here`},
		{"something behind", Array, `[{}] x`, []string{"1:{}"}, `record 1: nothing may follow the array's end`},
		{"brackets that do not fit", Array, `[{"a":]},{}]`, []string{`1:{"a":]`}, `record 2: a "," or a "]" should be here`},
		{"detected array", Detect, "\ufeff \n[{}]", []string{"1:{}"}, ""},
		{"detected lines", Detect, "\n{}\n{}", []string{"2:{}", "3:{}"}, ""},
		{"detected nothing", Detect, "", nil, ""},
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with the end": iotest.DataErrReader,
		} {
			t.Run(tc.name+", "+how, func(t *testing.T) {
				got, end := readAll(NewReader(wrap(strings.NewReader(tc.text)), tc.format, 1000))
				if fmt.Sprint(got) != fmt.Sprint(tc.want) {
					t.Errorf("got %q, want %q", got, tc.want)
				}
				var broken *BrokenError
				switch {
				case tc.broken == "" && end != io.EOF:
					t.Errorf("ended with %v", end)
				case tc.broken != "" && (!errors.As(end, &broken) || !strings.Contains(end.Error(), tc.broken)):
					t.Errorf("ended with %v, want %q", end, tc.broken)
				}
			})
		}
	}
}

func TestTheSourcesErrorIsTold(t *testing.T) {
	lost := errors.New("the connection broke")
	for _, text := range []string{"{}\n{", "[{},{", "[{}", "["} {
		r := NewReader(io.MultiReader(strings.NewReader(text), iotest.ErrReader(lost)), Detect, 1000)
		if _, end := readAll(r); !errors.Is(end, lost) {
			t.Errorf("%q ended with %v", text, end)
		}
	}
}

// TestMemoryStaysFlat streams far more than any buffer; the buffer of a reader
// grows with the longest record only.
func TestMemoryStaysFlat(t *testing.T) {
	line := []byte(`{"a":"` + strings.Repeat("x", 1000) + `"}` + "\n")
	const n = 50_000
	r := NewReader(io.MultiReader(repeat(line, n), strings.NewReader(strings.Repeat("y", 10<<20))), Lines, 4000)
	got := 0
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil && !errors.Is(err, ErrTooLong) {
			t.Fatal(err)
		}
		got++
	}
	if got != n+1 || len(r.buf) > firstBuffer {
		t.Errorf("%d records with a buffer of %d bytes", got, len(r.buf))
	}
}

// repeat is a stream of n times b.
func repeat(b []byte, n int) io.Reader { return &repeater{b: b, n: n} }

type repeater struct {
	b     []byte
	n, at int
}

func (r *repeater) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b[r.at:])
	if r.at += n; r.at == len(r.b) {
		r.at = 0
		r.n--
	}
	return n, nil
}

// FuzzArray compares the reader with encoding/json: of an array that is valid
// it gives out the same elements, however the bytes arrive.
func FuzzArray(f *testing.F) {
	for _, s := range []string{`[{"a":"]"},2]`, `[]`, `[{},]`, `["\\\"",[[]]]`, `[1 2]`, "\ufeff[{}]", `[{"a":1}`, ` [ ] x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, end := readAll(NewReader(bytes.NewReader(text), Array, 1<<20))
		slow, slowEnd := readAll(NewReader(iotest.OneByteReader(bytes.NewReader(text)), Array, 1<<20))
		if fmt.Sprint(whole, end) != fmt.Sprint(slow, slowEnd) {
			t.Fatalf("%q: %q %v, byte by byte %q %v", text, whole, end, slow, slowEnd)
		}
		var elements []json.RawMessage
		if json.Unmarshal(text, &elements) != nil || elements == nil {
			return
		}
		if end != io.EOF || len(whole) != len(elements) {
			t.Fatalf("%q: %q %v", text, whole, end)
		}
		for i, e := range elements {
			if want := fmt.Sprintf("%d:%s", i+1, e); whole[i] != want {
				t.Fatalf("%q: %q, want %q", text, whole[i], want)
			}
		}
	})
}

// FuzzLines compares the reader with a cut at the lines' ends.
func FuzzLines(f *testing.F) {
	for _, s := range []string{"{}\n{}", "\n\n{}\r\n", "\ufeffx\n", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, end := readAll(NewReader(iotest.HalfReader(bytes.NewReader(text)), Lines, 1<<20))
		var want []string
		for i, line := range bytes.Split(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\n")) {
			if line = bytes.Trim(line, " \t\r"); len(line) > 0 {
				want = append(want, fmt.Sprintf("%d:%s", i+1, line))
			}
		}
		if end != io.EOF || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q: %q %v, want %q", text, got, end, want)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	record := `{"a":"` + strings.Repeat("x", 1000) + `"}`
	for name, text := range map[string]string{
		"lines": strings.Repeat(record+"\n", 1000), "array": "[" + strings.Repeat(record+",", 999) + record + "]",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if got, err := readAll(NewReader(strings.NewReader(text), Detect, 4000)); err != io.EOF || len(got) != 1000 {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}
