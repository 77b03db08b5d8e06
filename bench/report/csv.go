package report

import (
	"encoding/csv"
	"strconv"
	"strings"
)

// CSV is every figure of every run, a line for each.
func (r *Report) CSV() (string, error) {
	var b strings.Builder
	w := csv.NewWriter(&b)
	rows := [][]string{{"case", "backend", "figure", "unit", "run", "value"}}
	for _, f := range r.Figures {
		rows = append(rows, []string{
			f.Case, f.Backend, f.Name, f.Unit, strconv.Itoa(f.Run), strconv.FormatFloat(f.Value, 'g', 8, 64),
		})
	}
	err := w.WriteAll(rows)
	return b.String(), err
}
