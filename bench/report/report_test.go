package report

import (
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// made is a report with a row of every kind.
func made() *Report {
	burst := Row{
		Case: "F1", Backend: "server", Work: "a burst | of events", Target: "≥ 35 % of bare",
		Shows:  []Show{{"deliveries", ""}, {"bare", "bare"}, {"nobody measured this", "x"}},
		Ratios: []Show{{"of bare", ""}},
		Goals:  []Goal{{Figure: "of bare", AtLeast: true, Limit: 35}},
	}
	late := Row{
		Case: "F8", Backend: "embedded", Work: "retries", Target: "within 2 s",
		Shows: []Show{{"late", "most"}},
		Goals: []Goal{{Figure: "late", Limit: 2000, Worst: true}},
	}
	stuck := Row{Case: "F9", Backend: "server", Work: "an export", Target: "flat", Trouble: "30s were over", Goals: late.Goals}
	plain := Row{Case: "F10", Backend: "server", Work: "lists", Target: "", Shows: []Show{{"list", "list"}}}
	r := &Report{
		Command: "go run ./bench", Date: "2025-06-20", Took: 754*time.Second + 300*time.Millisecond,
		Facts: []Fact{{"processor", "made up, 2 cores"}, {"Go", "go1.26"}},
		Rows:  []Row{burst, late, stuck, plain},
		Bars:  []Bar{{burst, Show{"bare", "bare <client>"}, true}, {burst, Show{"deliveries", "Carteiro"}, false}, {stuck, Show{"none", "none"}, false}},
	}
	for run, v := range []float64{8100.4, 7900, 9000} {
		r.Add(Figure{"F1", "server", "deliveries", "/s", run + 1, v})
		r.Add(Figure{"F1", "server", "bare", "/s", run + 1, 21_300 + float64(run)})
		r.Add(Figure{"F1", "server", "of bare", "%", run + 1, 38.03 + float64(run)})
		r.Add(Figure{"F1", "server", CostPrefix + "program", "µs", run + 1, 61.26})
		r.Add(Figure{"F1", "server", CostPrefix + "redis", "µs", run + 1, 4.5})
		r.Add(Figure{"F1", "server", Others, "%", run + 1, 3})
		r.Add(Figure{"F8", "embedded", "late", "ms", run + 1, 1999 + float64(run)})
	}
	r.Add(Figure{"F8", "embedded", CostPrefix + "program", "µs", 1, 0.126})
	r.Add(Figure{"F10", "server", "list", "ms", 1, 1_234_567.5})
	return r
}

func TestGolden(t *testing.T) {
	r := made()
	golden(t, "table.md", r.Markdown())
	golden(t, "chart.svg", r.SVG())
	csv, err := r.CSV()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "runs.csv", csv)
}

func TestVerdicts(t *testing.T) {
	r := made()
	row := func(goals ...Goal) Row { return Row{Case: "F8", Backend: "embedded", Goals: goals} }
	for name, tc := range map[string]struct {
		row  Row
		want string
	}{
		"median met":          {row(Goal{Figure: "late", Limit: 2000}), "yes"},
		"worst run misses":    {row(Goal{Figure: "late", Limit: 2000, Worst: true}), "**no**: late 2,001 ms"},
		"least met":           {row(Goal{Figure: "late", AtLeast: true, Limit: 1999, Worst: true}), "yes"},
		"least missed":        {row(Goal{Figure: "late", AtLeast: true, Limit: 2000, Worst: true}), "**no**: late 1,999 ms"},
		"one of two missed":   {row(Goal{Figure: "late", Limit: 1}, Goal{Figure: "late", Limit: 1e9}), "**no**: late 2,000 ms"},
		"never measured":      {row(Goal{Figure: "early", Limit: 1}), "not measured: early"},
		"no target":           {row(), "–"},
		"of another back end": {Row{Case: "F8", Backend: "server", Goals: []Goal{{Figure: "late"}}}, "not measured: late"},
		"not finished":        {Row{Trouble: "time is over"}, "not finished: time is over"},
	} {
		if got := r.Verdict(tc.row); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestStatistics(t *testing.T) {
	for name, tc := range map[string]struct{ got, want float64 }{
		"median of one":      {Median([]float64{7}), 7},
		"median of three":    {Median([]float64{9, 1, 4}), 4},
		"median of four":     {Median([]float64{9, 1, 4, 5}), 4.5},
		"p50 of ten":         {Percentile(ten(), 50), 5},
		"p99 of ten":         {Percentile(ten(), 99), 10},
		"p0":                 {Percentile(ten(), 0), 1},
		"p100":               {Percentile(ten(), 100), 10},
		"p91":                {Percentile(ten(), 91), 10},
		"p90":                {Percentile(ten(), 90), 9},
		"a rate":             {PerSecond(300, 2*time.Second), 150},
		"a rate of no time":  {PerSecond(300, 0), 0},
		"milliseconds of µs": {Milliseconds(1500 * time.Microsecond), 1.5},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v, want %v", name, tc.got, tc.want)
		}
	}
	if !math.IsNaN(Median(nil)) || !math.IsNaN(Percentile(nil, 50)) {
		t.Error("nothing has a median")
	}
	values := []float64{3, 1, 2}
	Median(values)
	if values[0] != 3 {
		t.Error("Median changed the order of its values")
	}
}

func ten() []float64 { return []float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1} }

func TestNumbers(t *testing.T) {
	for want, got := range map[string]string{
		"0": number(0, ""), "12": number(12, ""), "0.13": number(0.126, ""), "12.3": number(12.34, ""), "123": number(123.4, ""),
		"1,234/s": number(1234.4, "/s"), "12,345,678 ms": number(12345678, "ms"), "-1,000": number(-1000, ""), "99.9 %": number(99.94, "%"),
		"1.20×": number(1.2, "×"),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestFill(t *testing.T) {
	document := "before\n" + Begin + "\nold\n" + End + "\nafter\n"
	got, err := Fill(document, "new\n")
	if want := "before\n" + Begin + "\n\nnew\n\n" + End + "\nafter\n"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	again, err := Fill(got, "new\n")
	if err != nil || again != got {
		t.Errorf("filling it twice made %q, %v", again, err)
	}
	for _, broken := range []string{"", Begin, End, End + Begin} {
		if _, err := Fill(broken, "x"); err == nil || !strings.Contains(err.Error(), "has no lines") {
			t.Errorf("%q: %v", broken, err)
		}
	}
}
