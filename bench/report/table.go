package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Markdown is the machine, the table of targets, and the cost of each process.
func (r *Report) Markdown() string {
	var b strings.Builder
	b.WriteString(r.head())
	for _, f := range r.Facts {
		fmt.Fprintf(&b, "- %s: %s\n", f.Name, f.Value)
	}
	b.WriteString("\n| # | Work | Target | Measured: median [least – most] | Ratio | Met |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- |\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", row.Case, cell(row.Work+", "+row.Backend), cell(row.Target),
			r.shown(row, row.Shows), r.shown(row, row.Ratios), cell(r.Verdict(row)))
	}
	b.WriteString(r.costs())
	return b.String()
}

// head says when and how it was measured.
func (r *Report) head() string {
	if len(r.Calls) == 0 {
		return fmt.Sprintf("Measured on %s with `%s`, in %s.\n\n", r.Date, r.Command, r.Took.Round(time.Second))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s in %d calls, of one program on one machine; each case with the limits of its own call:\n\n", r.Date, len(r.Calls))
	for _, c := range r.Calls {
		fmt.Fprintf(&b, "- `%s`, in %s", c.Command, c.Took.Round(time.Second))
		for _, f := range c.Facts {
			fmt.Fprintf(&b, "; %s: %s", f.Name, f.Value)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// shown writes some figures into a cell.
func (r *Report) shown(row Row, shows []Show) string {
	var parts []string
	for _, show := range shows {
		s := r.Summarize(row, show.Figure)
		if s.Runs == 0 {
			continue
		}
		parts = append(parts, strings.TrimSpace(show.Label+" "+s.String()))
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, "<br>")
}

// String is the median and, of several runs, the span.
func (s Summary) String() string {
	text := number(s.Median, s.Unit)
	if s.Runs > 1 {
		text += fmt.Sprintf(" [%s – %s]", number(s.Min, ""), number(s.Max, ""))
	}
	return text
}

// CostPrefix begins the names of the figures that tell the processor time of a
// kind of process for each delivery; Others is what the rest of the machine did
// meanwhile.
const (
	CostPrefix = "cpu "
	Others     = "busy with other work"
)

// costs is the table of processor time: a row for each case that has some, a
// column for each kind of process.
func (r *Report) costs() string {
	var parts []string
	for _, f := range r.Figures {
		if part, ok := strings.CutPrefix(f.Name, CostPrefix); ok && !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nProcessor time for each delivery, and how much of the machine was busy with other work meanwhile:\n\n| # | %s | %s |\n",
		strings.Join(parts, " | "), Others)
	b.WriteString("| --- |" + strings.Repeat(" --- |", len(parts)+1) + "\n")
	for _, row := range r.Rows {
		cells := make([]string, 0, len(parts)+1)
		some := false
		for _, part := range parts {
			s := r.Summarize(row, CostPrefix+part)
			some = some || s.Runs > 0
			cells = append(cells, only(s))
		}
		if some {
			cells = append(cells, only(r.Summarize(row, Others)))
			fmt.Fprintf(&b, "| %s %s | %s |\n", row.Case, row.Backend, strings.Join(cells, " | "))
		}
	}
	return b.String()
}

func only(s Summary) string {
	if s.Runs == 0 {
		return "–"
	}
	return number(s.Median, s.Unit)
}

// number writes a value with three digits that count, and thousands apart.
func number(v float64, unit string) string {
	digits := 0
	switch size := math.Abs(v); {
	case v == math.Trunc(v), size >= 99.95:
	case size >= 9.995:
		digits = 1
	default:
		digits = 2
	}
	text := thousands(strconv.FormatFloat(v, 'f', digits, 64))
	switch unit {
	case "", "/s", "×":
		return text + unit
	case "%":
		return text + " %"
	}
	return text + " " + unit
}

func thousands(text string) string {
	whole, rest, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return sign + whole
}

// cell keeps a text inside its cell of the table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

// The lines between which [Fill] writes.
const (
	Begin = "<!-- bench: begin -->"
	End   = "<!-- bench: end -->"
)

// Fill puts a text between the two marks of a document.
func Fill(document, text string) (string, error) {
	before, rest, ok := strings.Cut(document, Begin)
	_, after, ends := strings.Cut(rest, End)
	if !ok || !ends {
		return "", fmt.Errorf("the document has no lines %q and, after it, %q to write between", Begin, End)
	}
	return before + Begin + "\n\n" + strings.TrimSpace(text) + "\n\n" + End + after, nil
}
