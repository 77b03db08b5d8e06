package report

import (
	"math"
	"slices"
	"time"
)

// Figure is one number of one run.
type Figure struct {
	Case    string // "F1"
	Backend string // "server" or "embedded"
	Name    string // what was measured, such as "deliveries"
	Unit    string // "/s", "ms", "µs", "MiB", "%", "×" or ""
	Run     int    // from 1
	Value   float64
}

// Summary is a figure over all of its runs.
type Summary struct {
	Median, Min, Max float64
	Unit             string
	Runs             int // 0: it was not measured
}

// Summarize looks a figure up.
func (r *Report) Summarize(row Row, name string) Summary {
	var values []float64
	var s Summary
	for _, f := range r.Figures {
		if f.Case == row.Case && f.Backend == row.Backend && f.Name == name {
			values, s.Unit = append(values, f.Value), f.Unit
		}
	}
	if s.Runs = len(values); s.Runs > 0 {
		s.Median, s.Min, s.Max = Median(values), slices.Min(values), slices.Max(values)
	}
	return s
}

// Median is the middle of some values, or the mean of the two in the middle;
// NaN when there are none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// Percentile is the smallest value that p percent of all are not above
// (nearest rank); NaN when there are none.
func Percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// Milliseconds is a duration as a figure.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// PerSecond is a rate; 0 when no time has passed.
func PerSecond(n int, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}
