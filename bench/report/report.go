package report

import (
	"fmt"
	"strings"
	"time"
)

// Report is everything that one call of the benchmark found.
type Report struct {
	Command string        // how it was called
	Date    string        // the day, YYYY-MM-DD
	Took    time.Duration // the whole of it
	Program string        // the beginning of the SHA-256 of the program that was measured
	Calls   []Call        // of a report that was joined: the calls it is made of
	Facts   []Fact        // the machine and the versions
	Rows    []Row
	Figures []Figure
	Bars    []Bar
}

// Call is one call of the benchmark, as a joined report tells it.
type Call struct {
	Command, Date string
	Took          time.Duration
	Facts         []Fact // those in which the calls differ
}

// Fact is a line of the machine's description.
type Fact struct{ Name, Value string }

// Row describes a line of the table.
type Row struct {
	Case, Backend string
	Work, Target  string // for people
	Shows         []Show // the figures in the column "measured"
	Ratios        []Show // the figures in the column "ratio"
	Goals         []Goal // all must be met; none: there is no target
	Trouble       string // why the case did not finish; "": it did
}

// Show names a figure and what it is called in the table.
type Show struct{ Figure, Label string }

// Goal bounds a figure: the median of its runs, or the worst of them.
type Goal struct {
	Figure  string
	AtLeast bool // Limit is the least; otherwise the most
	Limit   float64
	Worst   bool // every run must meet it
}

// Bar is a bar of the chart.
type Bar struct {
	Row   Row
	Show  Show
	Limit bool // a limit that others set, not Carteiro's own figure
}

// Add notes a figure.
func (r *Report) Add(f Figure) { r.Figures = append(r.Figures, f) }

// Verdict tells whether a row's target is met: "yes", "no" with the figures
// that miss it, or why nobody knows.
func (r *Report) Verdict(row Row) string {
	if row.Trouble != "" {
		return "not finished: " + row.Trouble
	}
	if len(row.Goals) == 0 {
		return "–"
	}
	var missed []string
	for _, g := range row.Goals {
		s := r.Summarize(row, g.Figure)
		if s.Runs == 0 {
			return "not measured: " + g.Figure
		}
		if !g.met(s) {
			missed = append(missed, fmt.Sprintf("%s %s", g.Figure, number(g.judged(s), s.Unit)))
		}
	}
	if len(missed) > 0 {
		return "**no**: " + strings.Join(missed, ", ")
	}
	return "yes"
}

// judged is the value that the goal looks at.
func (g Goal) judged(s Summary) float64 {
	switch {
	case !g.Worst:
		return s.Median
	case g.AtLeast:
		return s.Min
	}
	return s.Max
}

func (g Goal) met(s Summary) bool {
	if g.AtLeast {
		return g.judged(s) >= g.Limit
	}
	return g.judged(s) <= g.Limit
}
