package report

import (
	"errors"
	"fmt"
	"slices"
)

// Join makes one report of several calls that measured the same program on the
// same machine, so that a long benchmark can be run in parts. A case is taken
// whole, with the limits that were measured in its own call; where two calls
// have it, the later one counts.
func Join(calls []*Report) (*Report, error) {
	if len(calls) == 0 {
		return nil, errors.New("there is nothing to join")
	}
	first := calls[0]
	out := &Report{Date: calls[len(calls)-1].Date, Program: first.Program}
	for _, r := range calls {
		if r.Program != first.Program {
			return nil, fmt.Errorf("%q measured another program than %q", r.Command, first.Command)
		}
		out.Took += r.Took
		c := Call{Command: r.Command, Date: r.Date, Took: r.Took}
		for _, f := range r.Facts {
			if everywhere(calls, f) {
				if r == first {
					out.Facts = append(out.Facts, f)
				}
				continue
			}
			c.Facts = append(c.Facts, f)
		}
		out.Calls = append(out.Calls, c)
		out.take(r)
	}
	return out, nil
}

// everywhere tells whether all calls have the same fact.
func everywhere(calls []*Report, f Fact) bool {
	return !slices.ContainsFunc(calls, func(r *Report) bool { return !slices.Contains(r.Facts, f) })
}

// take adds a call's cases, in the place of those that are there already.
func (r *Report) take(from *Report) {
	has := func(kase, backend string) bool {
		return slices.ContainsFunc(from.Rows, func(row Row) bool { return row.Case == kase && row.Backend == backend })
	}
	r.Rows = slices.DeleteFunc(r.Rows, func(row Row) bool { return has(row.Case, row.Backend) })
	r.Figures = slices.DeleteFunc(r.Figures, func(f Figure) bool { return has(f.Case, f.Backend) })
	r.Bars = slices.DeleteFunc(r.Bars, func(b Bar) bool { return has(b.Row.Case, b.Row.Backend) })
	r.Rows = append(r.Rows, from.Rows...)
	r.Figures = append(r.Figures, from.Figures...)
	r.Bars = append(r.Bars, from.Bars...)
}

// Sort puts the cases into an order, given by their names.
func (r *Report) Sort(names []string) {
	at := func(row Row) int { return slices.Index(names, row.Case) }
	slices.SortStableFunc(r.Rows, func(a, b Row) int { return at(a) - at(b) })
	slices.SortStableFunc(r.Bars, func(a, b Bar) int { return at(a.Row) - at(b.Row) })
}
