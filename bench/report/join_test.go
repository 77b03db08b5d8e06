package report

import (
	"strings"
	"testing"
)

// TestJoin: a case is taken whole from the last call that has it, what differs
// between the calls is told, and calls of two programs are not joined.
func TestJoin(t *testing.T) {
	call := func(command, load string, cases ...string) *Report {
		r := &Report{Command: command, Program: "abc", Facts: []Fact{{"Processor", "two"}, {"Load", load}}}
		for _, name := range cases {
			row := Row{Case: name, Backend: "server", Work: "work", Shows: []Show{{Figure: "rate"}}}
			r.Rows, r.Bars = append(r.Rows, row), append(r.Bars, Bar{Row: row})
			r.Add(Figure{Case: name, Backend: "server", Name: "rate", Unit: "/s", Run: 1, Value: float64(len(command))})
		}
		return r
	}
	r, err := Join([]*Report{call("a", "1", "F2", "F1"), call("bbb", "2", "F1", "F3")})
	if err != nil {
		t.Fatal(err)
	}
	r.Sort([]string{"F1", "F2", "F3"})
	text := r.Markdown()
	for _, want := range []string{
		"in 2 calls", "- `a`, in 0s; Load: 1\n- `bbb`, in 0s; Load: 2\n- Processor: two\n",
		"| F1 | work, server |  | 3/s |", "| F2 | work, server |  | 1/s |", "| F3 | work, server |  | 3/s |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if len(r.Rows) != 3 || len(r.Bars) != 3 || len(r.Figures) != 3 || r.Rows[0].Case != "F1" {
		t.Errorf("%+v", r)
	}
	other := call("c", "1", "F4")
	other.Program = "def"
	if _, err := Join([]*Report{call("a", "1", "F1"), other}); err == nil {
		t.Error("two programs were joined")
	}
}
